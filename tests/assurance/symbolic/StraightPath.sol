// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Credits} from "../../../contracts/credits/Credits.sol";
import {ICredits, Terms} from "../../../contracts/credits/ICredits.sol";
import {Setting} from "./Setting.sol";

/// @notice That the straight path of an order does what the general one does. The same plan is in two contracts; in the second its
/// word has a flag that no plan of credits has, which an order looks at only where a plan grants periods, so that it takes the general path.
abstract contract StraightPathProofs is Setting {
    uint256 private constant PLANS = 2;
    uint256 private constant NO_STRAIGHT_PATH = uint256(64) << 248;
    address private constant PAYEE = address(0x5e11);
    address private constant PAYER = address(0xba1d);

    Credits private general;
    uint256 private generalId;

    function setUp() public override {
        super.setUp();
        Credits straight = credits;
        credits = general = new Credits(FEE_OWNER);
        generalId = _register(_terms());
        credits = straight;
        bytes32 slot = keccak256(abi.encode(generalId, PLANS));
        uint256 word = uint256(vm.load(address(general), slot));
        require(word >> 224 == 0x01_01_0000);
        vm.store(address(general), slot, bytes32(word | NO_STRAIGHT_PATH));
    }

    struct Result {
        bool done;
        uint256 cost;
        uint256 balance;
        uint256 paid;
        bytes32 holding;
    }

    function _order(Credits which, uint256 id, address receiver, uint256 quantity, uint256 maxCost, uint256 money)
        private
        returns (Result memory result)
    {
        token.mint(PAYER, money);
        vm.prank(PAYER);
        token.approve(address(which), type(uint256).max);
        uint256 before = token.balanceOf(PAYEE);
        vm.prank(PAYER);
        bytes memory answer;
        (result.done, answer) = address(which).call(abi.encodeCall(ICredits.order, (id, receiver, quantity, maxCost)));
        if (result.done) result.cost = abi.decode(answer, (uint256));
        else result.cost = uint256(bytes32(bytes4(answer)));
        result.balance = which.balanceOf(receiver, id);
        result.paid = token.balanceOf(PAYEE) - before;
        result.holding = vm.load(address(which), keccak256(abi.encode(receiver, keccak256(abi.encode(id, POSITIONS)))));
        // What is left of the money must not serve for the other.
        uint256 rest = token.balanceOf(PAYER);
        vm.prank(PAYER);
        token.transfer(address(0xdead), rest);
    }

    /// @notice An order on the straight path succeeds exactly where it does on the general one, else fails with the same error, and
    /// costs, pays, grants and writes down the same: for any receiver without code, quantity, maximum and wealth.
    /// @dev I1, I2, I6
    function check_order__bothPaths__areTheSame(address receiver, uint256 quantity, uint256 maxCost, uint128 money)
        public
    {
        vm.assume(receiver.code.length == 0);
        Result memory one = _order(credits, planId, receiver, quantity, maxCost, money);
        Result memory other = _order(general, generalId, receiver, quantity, maxCost, money);
        assert(one.done == other.done);
        assert(one.cost == other.cost);
        assert(one.balance == other.balance);
        assert(one.paid == other.paid);
        assert(one.holding == other.holding);
    }
}

/// @notice Of credits that last.
contract StraightPathLastingProofs is StraightPathProofs {}

/// @notice Of credits that expire.
contract StraightPathExpiringProofs is StraightPathProofs {
    function _terms() internal view override returns (Terms memory terms) {
        terms = super._terms();
        terms.duration = 30 days;
    }
}
