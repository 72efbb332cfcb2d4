// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Split, Terms} from "../../../../contracts/credits/ICredits.sol";
import {AcceptsCredits} from "../../../../contracts/test/receivers/AcceptsCredits.sol";
import {NoHook} from "../../../../contracts/test/receivers/NoHook.sol";
import {RejectsCoin} from "../../../../contracts/test/receivers/RejectsCoin.sol";
import {HonestToken} from "../../../../contracts/test/tokens/HonestToken.sol";
import {ReturnsFalse} from "../../../../contracts/test/tokens/ReturnsFalse.sol";
import {WeirdToken} from "../../../../contracts/test/tokens/WeirdToken.sol";
import {TakesFee} from "../../../../contracts/test/tokens/TakesFee.sol";
import {vm} from "../support/Vm.sol";
import {Fixture} from "./Fixture.sol";

/// @notice The straight path of an order does what the general one does: the same plan is ordered twice from the same state, the
/// second time with a flag in its word that no plan of credits has and that only leads to the general path (I1, I2, I6).
contract StraightPathTest is Fixture {
    uint256 private constant PLANS_SLOT = 2;
    /// @dev {PlanFlags-STARTS_ON_USE}, which an order looks at only where a plan grants periods.
    uint256 private constant NO_STRAIGHT_PATH = uint256(64) << 248;

    HonestToken private honest = new HonestToken();
    address[] private tokens = [address(honest), address(0), address(new TakesFee()), address(new ReturnsFalse())];
    address private accepts = address(new AcceptsCredits());
    address[] private receivers =
        [HOLDER, HOLDER, HOLDER, accepts, STRANGER, address(0), address(0), address(new NoHook()), address(credits)];
    address[] private payees = [address(0x5e11), address(0x5e11), address(new RejectsCoin()), STRANGER, HOLDER];

    struct Order {
        uint256 planId;
        address token;
        address payee;
        address receiver;
        uint256 quantity;
        uint256 maxCost;
        uint256 value;
    }

    /// @dev What came of it.
    struct Result {
        bool done;
        bytes answer;
        bytes32 logs;
        bytes32 state;
    }

    function _mix(uint256 seed, string memory what) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, what)));
    }

    function _order(uint256 seed) private returns (Order memory it) {
        Terms memory terms = _terms();
        terms.credits = uint32(_mix(seed, "credits") % 3 == 0 ? type(uint32).max : 1 + _mix(seed, "credits") % 50);
        if (seed % 2 == 0) terms.duration = uint32(1 + _mix(seed, "duration") % 100);
        uint96 price = _mix(seed, "price") % 9 == 0 ? type(uint96).max : uint96(1 + _mix(seed, "price") % 1000);
        it.token = tokens[_mix(seed, "token") % 8 < 4 ? 0 : _mix(seed, "token") % 4];
        it.payee = payees[_mix(seed, "payee") % payees.length];
        terms.token = it.token;
        terms.splits = new Split[](1);
        terms.splits[0] = Split(it.payee, price);
        it.planId = _register(terms);
        it.receiver = receivers[_mix(seed, "receiver") % receivers.length];
        uint40[8] memory quantities = [1, 1, 2, 3, 7, 0, type(uint32).max, uint40(type(uint32).max) + 1];
        it.quantity = quantities[_mix(seed, "quantity") % 8];
        if (_mix(seed, "quantity") % 31 == 0) it.quantity = _mix(seed, "wide");
        unchecked {
            uint256 cost = price * (it.quantity % 2 ** 32);
            it.maxCost = _mix(seed, "most") % 5 == 0 && cost > 0 ? cost - 1 : cost + _mix(seed, "most") % 3;
            it.value = it.token == address(0) ? cost : 0;
            if (_mix(seed, "value") % 8 == 0) it.value = _mix(seed, "value") % 3;
            _fund(it.token, _mix(seed, "money") % 6 == 0 ? cost / 2 : cost);
        }
    }

    function _fund(address token, uint256 amount) private {
        vm.deal(STRANGER, 2 ** 200);
        if (token == address(0)) return;
        HonestToken(token).mint(STRANGER, amount + 5);
        vm.prank(STRANGER);
        // One of the tokens says false.
        (bool done,) = token.call(abi.encodeCall(WeirdToken.approve, (address(credits), amount)));
        require(done);
    }

    /// @dev What the receiver has before: lots that are used, expired or live, and now and then nearly all that fits.
    function _fill(Order memory it, uint256 seed) private {
        for (uint256 i; i < _mix(seed, "lots") % 5; ++i) {
            if (it.receiver != HOLDER && it.receiver != accepts) return;
            uint256 roll = _mix(seed, vm.toString(i));
            uint256 balance = credits.balanceOf(it.receiver, it.planId);
            uint256 most = (seed % 2 == 0 ? 2 ** 53 : 2 ** 54) - 1 - balance;
            uint256 amount = roll % 5 == 0 ? most - roll % 9 % (most + 1) : 1 + roll % 100;
            if (amount > most || amount == 0) return;
            _mint(it.planId, it.receiver, amount);
            if (roll % 3 == 0) _burn(it.planId, it.receiver, 1 + roll % (balance + amount));
            vm.warp(block.timestamp + roll % 70);
        }
    }

    function _run(Order memory it) private returns (Result memory result) {
        vm.recordLogs();
        vm.prank(STRANGER);
        bytes memory data = abi.encodeCall(credits.order, (it.planId, it.receiver, it.quantity, it.maxCost));
        (result.done, result.answer) = address(credits).call{value: it.value}(data);
        result.logs = keccak256(abi.encode(vm.getRecordedLogs()));
        result.state = _stateOf(it);
    }

    function _stateOf(Order memory it) private view returns (bytes32 state) {
        state = keccak256(
            abi.encode(
                credits.accountOf(it.planId, it.receiver), credits.lotsOf(it.planId, it.receiver, 0, type(uint256).max)
            )
        );
        bytes32 slot = keccak256(abi.encode(it.receiver, keccak256(abi.encode(it.planId, 9))));
        state = keccak256(abi.encode(state, vm.load(address(credits), slot)));
        address[4] memory people = [STRANGER, it.payee, it.receiver, address(credits)];
        for (uint256 i; i < 4; ++i) {
            uint256 tokens_ = it.token == address(0) ? 0 : HonestToken(it.token).balanceOf(people[i]);
            state = keccak256(abi.encode(state, people[i].balance, tokens_));
        }
    }

    /// forge-config: quick.fuzz.runs = 1000
    function testFuzz_order__onTheStraightPathAndOnTheGeneralOne__isTheSame(uint256 seed) external {
        Order memory it = _order(seed);
        _fill(it, seed);
        bytes32 slot = keccak256(abi.encode(it.planId, PLANS_SLOT));
        bytes32 word = vm.load(address(credits), slot);
        _same(uint256(word) >> 224, 0x01_01_0000, "a plain plan");
        uint256 before = vm.snapshotState();
        Result memory straight = _run(it);
        vm.revertToState(before);
        vm.store(address(credits), slot, word | bytes32(NO_STRAIGHT_PATH));
        Result memory general = _run(it);
        _check(straight.done == general.done, "one path succeeds and the other does not");
        _same(keccak256(straight.answer), keccak256(general.answer), "answer, or why it is refused");
        _same(straight.logs, general.logs, "events");
        _same(straight.state, general.state, "credits and money");
    }
}
