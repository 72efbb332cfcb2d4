// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {AgentRegistry} from "../../../../contracts/agents/AgentRegistry.sol";
import {Credits} from "../../../../contracts/credits/Credits.sol";

import {Errors} from "../support/Errors.sol";
import {Money} from "./Money.sol";
import {vm} from "../support/Vm.sol";

/// @notice What every handler needs: the contracts, the clock, a way to call that knows what must come of it, and counters.
/// @dev A handler works out from the books what a call must do, makes it, compares, and writes the books.
/// Where the contract does anything else the handler reverts with a sentence, and forge shows the calls that led there.
abstract contract Base is Money, Errors {
    /// @dev About what a transaction may have; hostile contracts burn what they get of it.
    uint256 internal constant CALL_GAS = 16_000_000;
    /// @dev One call in so many is meant to fail.
    uint256 internal constant WRONG = 8;

    Credits internal credits;
    AgentRegistry internal registry;
    uint256 internal clock = 1_800_000_000;

    // the protocol fee
    address internal feeOwner;
    address internal pendingFeeOwner;
    uint256 internal feeBps;
    address internal feeReceiver;

    string[] internal called;
    mapping(string name => uint256) internal tries;
    mapping(string name => uint256) internal successes;
    /// @dev Which functions of the contracts these calls were of, also counted.
    mapping(address target => mapping(bytes4 selector => string)) private _functionNames;

    /// @dev forge may set the time back between calls.
    modifier onTime() {
        vm.warp(clock);
        _;
    }

    function _setUpBase() internal {
        vm.warp(clock);
        _setUpActors();
        _setUpMoney();
        feeOwner = holders[0];
        credits = new Credits(feeOwner);
        registry = new AgentRegistry(credits);
        _addParty(address(credits), "Credits");
        vm.label(address(registry), "AgentRegistry");
    }

    // ------------------------------------------------------------------ calls

    /// @dev What a call is and what must come of it; `error` is zero where it must succeed.
    struct Attempt {
        string name;
        address caller;
        address target;
        uint256 value;
        bytes data;
        bytes4 why;
    }

    function _try(string memory name, address caller, bytes memory data, bytes4 why) internal returns (bool) {
        (bool done,) = _attempt(Attempt(name, caller, address(credits), 0, data, why));
        return done;
    }

    function _attempt(Attempt memory what) internal returns (bool done, bytes memory answer) {
        vm.prank(what.caller);
        (done, answer) = what.target.call{value: what.value, gas: CALL_GAS}(what.data);
        _countCall(what, done);
        if (done && what.why != 0) {
            _fail(string.concat(what.name, ": succeeded where it must revert with ", _nameOf(what.why)));
        }
        if (!done && what.why == 0) {
            _fail(string.concat(what.name, ": must succeed, reverted with ", _nameOf(_selector(answer))));
        }
        if (!done && _selector(answer) != what.why) {
            _fail(
                string.concat(what.name, ": must revert with ", _nameOf(what.why), ", not ", _nameOf(_selector(answer)))
            );
        }
    }

    /// @dev Under the call's own name, and under that of the function.
    function _countCall(Attempt memory what, bool done) internal {
        _count(what.name, done);
        _count(_functionName(what.target, _selector(what.data)), done);
    }

    function _count(string memory name, bool done) private {
        if (tries[name]++ == 0) called.push(name);
        if (done) ++successes[name];
    }

    /// @dev A function as the report finds it in the ABI: `Credits 0x12345678`.
    function _functionName(address target, bytes4 selector) private returns (string memory name) {
        name = _functionNames[target][selector];
        if (bytes(name).length > 0) return name;
        string memory which = target == address(registry) ? "AgentRegistry " : "Credits ";
        name = string.concat(which, vm.toString(bytes(abi.encodePacked(selector))));
        _functionNames[target][selector] = name;
    }

    /// @dev Counts of this run for the report, as JSON: of each kind of call, and of each function.
    function countsAsJson() external view returns (string memory json) {
        for (uint256 i; i < called.length; ++i) {
            string memory counts =
                string.concat(vm.toString(tries[called[i]]), ", ", vm.toString(successes[called[i]]), "]");
            json = string.concat(json, i == 0 ? '{"' : ', "', called[i], '": [', counts);
        }
        return bytes(json).length == 0 ? "{}" : string.concat(json, "}");
    }

    // ------------------------------------------------------------------ picking

    function _isWrong(uint256 seed) internal pure returns (bool) {
        return uint256(keccak256(abi.encode(seed, "wrong"))) % WRONG == 0;
    }

    function _mix(uint256 seed, string memory what) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, what)));
    }

    function _anyPlan(uint256 seed) internal view returns (PlanNote storage) {
        return plans[seed % plans.length];
    }

    // ------------------------------------------------------------------ comparing

    /// @dev I3: after a call all holders of the plan have what the books say, so nobody lost or won but those who should.
    function _checkBalances(string memory call, PlanNote storage plan) internal view {
        for (uint256 i; i < holders.length; ++i) {
            uint256 balance = credits.balanceOf(holders[i], plan.id);
            uint256 expected = _balance(plan, holders[i]);
            if (balance == expected) continue;
            _same(
                balance,
                expected,
                string.concat("I3 ", call, " of ", _name(plan), ", credits of ", vm.toString(holders[i]))
            );
        }
    }
}
