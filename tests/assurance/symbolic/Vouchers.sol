// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    RedemptionRule,
    Settlement,
    SettlementOutcome,
    SettlementResult,
    Terms,
    Voucher
} from "../../../contracts/credits/ICredits.sol";
import {OneDigestWallet} from "./OneDigestWallet.sol";
import {Setting} from "./Setting.sol";

/// @notice What vouchers take.
contract VoucherProofs is Setting {
    OneDigestWallet private wallet;
    address private holder;

    function setUp() public override {
        super.setUp();
        wallet = new OneDigestWallet();
        holder = address(wallet);
    }

    function _settle(address redeemer, uint64 total, uint64 ceiling, bytes32 context, uint64 deadline)
        private
        returns (SettlementOutcome memory)
    {
        Settlement[] memory items = new Settlement[](1);
        items[0] = Settlement(holder, total, ceiling, context, deadline, "");
        vm.prank(redeemer);
        return credits.settle(planId, items)[0];
    }

    /// @notice A voucher takes exactly what is missing to its total or, if that is less, to its ceiling, and at most the balance.
    /// @dev I4
    function check_settle__signed__takesTheLeast(uint64 total, uint64 ceiling, uint64 deadline) public {
        uint256 balance = _hold(holder);
        uint256 settled = credits.accountOf(planId, holder).settled;
        wallet.signAll();
        SettlementOutcome memory outcome = _settle(REDEEMER, total, ceiling, "", deadline);
        uint256 aim = total < ceiling ? total : ceiling;
        uint256 expected = settled < aim ? aim - settled : 0;
        if (expected > balance) expected = balance;
        if (block.timestamp > deadline) expected = 0;
        assert(outcome.amount == expected);
        assert(credits.balanceOf(holder, planId) == balance - expected);
        assert(credits.accountOf(planId, holder).settled == settled + expected);
    }

    /// @notice A voucher that is settled again never brings what was settled above its ceiling, whatever total is asked for, and what
    /// was settled never falls.
    /// @dev I4, C16
    function check_settle__again__neverAboveCeiling(uint64 first, uint64 second, uint64 ceiling) public {
        uint256 balance = _hold(holder);
        uint256 settled = credits.accountOf(planId, holder).settled;
        vm.assume(settled <= ceiling);
        wallet.signAll();
        uint256 taken = _settle(REDEEMER, first, ceiling, "", type(uint64).max).amount;
        uint256 later = credits.accountOf(planId, holder).settled;
        assert(later == settled + taken && later <= ceiling);
        taken += _settle(REDEEMER, second, ceiling, "", type(uint64).max).amount;
        later = credits.accountOf(planId, holder).settled;
        assert(later == settled + taken && later <= ceiling);
        assert(credits.balanceOf(holder, planId) == balance - taken);
    }

    /// @notice The same item sent twice takes once, if the holder had enough.
    /// @dev I4, C16
    function check_settle__twiceTheSame__takesOnce(uint64 total, uint64 ceiling) public {
        uint256 balance = _hold(holder);
        wallet.signAll();
        uint256 taken = _settle(REDEEMER, total, ceiling, "", type(uint64).max).amount;
        vm.assume(taken < balance);
        SettlementOutcome memory again = _settle(REDEEMER, total, ceiling, "", type(uint64).max);
        assert(again.amount == 0 && again.result == SettlementResult.ALREADY_SETTLED);
    }

    /// @notice A voucher in which anything differs from what was signed takes nothing: plan, redeemer, ceiling,
    /// context or deadline.
    /// @dev I4, C16
    function check_settle__otherThanSigned__takesNothing(
        Voucher memory voucher,
        uint64 total,
        uint64 ceiling,
        bytes32 context,
        uint64 deadline
    ) public {
        uint256 balance = _hold(holder);
        voucher.holder = holder;
        wallet.sign(credits.voucherDigestOf(voucher));
        uint256 difference = (voucher.planId ^ planId) | (uint160(voucher.redeemer) ^ uint160(REDEEMER));
        difference |= (voucher.ceiling ^ ceiling) | (voucher.deadline ^ deadline);
        vm.assume(difference | uint256(voucher.context ^ context) != 0);
        SettlementOutcome memory outcome = _settle(REDEEMER, total, ceiling, context, deadline);
        assert(outcome.amount == 0);
        assert(outcome.result != SettlementResult.SETTLED && outcome.result != SettlementResult.SHORT);
        assert(credits.balanceOf(holder, planId) == balance);
    }

    /// @notice A voucher of another holder takes nothing.
    /// @dev I4, C20
    function check_settle__signedForAnotherHolder__takesNothing(Voucher memory voucher, uint64 total) public {
        uint256 balance = _hold(holder);
        vm.assume(voucher.holder != holder);
        (voucher.planId, voucher.redeemer) = (planId, REDEEMER);
        wallet.sign(credits.voucherDigestOf(voucher));
        SettlementOutcome memory outcome = _settle(REDEEMER, total, voucher.ceiling, voucher.context, voucher.deadline);
        assert(outcome.amount == 0);
        assert(credits.balanceOf(holder, planId) == balance);
    }

    /// @notice A voucher signed on another chain takes nothing.
    /// @dev I4, C17
    function check_settle__signedOnAnotherChain__takesNothing(
        Voucher memory voucher,
        uint64 total,
        uint64 here,
        uint64 there
    ) public {
        uint256 balance = _hold(holder);
        (voucher.planId, voucher.holder, voucher.redeemer) = (planId, holder, REDEEMER);
        vm.assume(here != there);
        vm.chainId(there);
        wallet.sign(credits.voucherDigestOf(voucher));
        vm.chainId(here);
        SettlementOutcome memory outcome = _settle(REDEEMER, total, voucher.ceiling, voucher.context, voucher.deadline);
        assert(outcome.amount == 0);
        assert(credits.balanceOf(holder, planId) == balance);
    }

    /// @notice A voucher counts up to its deadline and not one second longer.
    /// @dev I4, C32
    function check_settle__deadline__toTheSecond(uint64 time, uint64 deadline) public {
        _hold(holder);
        wallet.signAll();
        vm.warp(time);
        SettlementOutcome memory outcome = _settle(REDEEMER, 1, type(uint64).max, "", deadline);
        assert((outcome.result == SettlementResult.EXPIRED) == (time > deadline));
    }

    /// @notice A bad voucher, whatever is wrong with it, never changes what another holder's voucher beside it takes.
    /// @dev I4, I8
    function check_settle__badItemBeside__otherIsSettled(uint64 total, uint64 ceiling, uint64 deadline, bool signed)
        public
    {
        _hold(holder);
        if (signed) wallet.signAll();
        Settlement[] memory items = new Settlement[](2);
        items[0] = Settlement(holder, total, ceiling, "", deadline, "");
        uint256 key = svm.createUint(256, "key");
        address owner = vm.addr(key);
        vm.assume(owner != holder && owner != address(0) && owner.code.length == 0);
        _hold(owner);
        uint256 balance = credits.balanceOf(owner, planId);
        uint256 settled = credits.accountOf(planId, owner).settled;
        vm.assume(balance >= 10 && settled < 10);
        bytes32 digest = credits.voucherDigestOf(Voucher(planId, owner, REDEEMER, 10, "", type(uint64).max));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        items[1] = Settlement(owner, 10, 10, "", type(uint64).max, abi.encodePacked(r, s, v));
        vm.prank(REDEEMER);
        SettlementOutcome[] memory outcomes = credits.settle(planId, items);
        assert(outcomes[1].result == SettlementResult.SETTLED && outcomes[1].amount == 10 - settled);
        assert(credits.balanceOf(owner, planId) == balance - (10 - settled));
    }
}

/// @notice What items without signature take, by the plan's rule. The holder and another account are redeemers too.
abstract contract UnsignedProofs is Setting {
    function setUp() public override {
        super.setUp();
        vm.prank(BUILDER);
        credits.setRedeemer(planId, HOLDER, true);
    }

    function _rule() internal pure virtual returns (RedemptionRule);

    function _terms() internal view override returns (Terms memory terms) {
        terms = super._terms();
        terms.rule = _rule();
    }

    function _isNamed(address caller) internal pure virtual returns (bool);

    /// @notice An item without signature takes nothing where the rule does not let the caller redeem the holder's credits; where it does
    /// it takes what is missing to its total, and neither ceiling nor deadline is read.
    /// @dev I3, I4
    function check_settle__unsigned__asTheRuleSays(
        address caller,
        uint64 total,
        uint64 ceiling,
        bytes32 context,
        uint64 deadline
    ) public {
        uint256 balance = _hold(HOLDER);
        uint256 settled = credits.accountOf(planId, HOLDER).settled;
        Settlement[] memory items = new Settlement[](1);
        items[0] = Settlement(HOLDER, total, ceiling, context, deadline, "");
        vm.prank(caller);
        uint256 taken = credits.settle(planId, items)[0].amount;
        assert(caller == BUILDER || caller == REDEEMER || caller == HOLDER);
        uint256 expected = _isNamed(caller) && settled < total ? total - settled : 0;
        if (expected > balance) expected = balance;
        assert(taken == expected);
        assert(credits.balanceOf(HOLDER, planId) == balance - expected);
        assert(credits.accountOf(planId, HOLDER).settled == settled + expected);
    }
}

contract UnsignedHolderProofs is UnsignedProofs {
    function _rule() internal pure override returns (RedemptionRule) {
        return RedemptionRule.HOLDER;
    }

    function _isNamed(address caller) internal pure override returns (bool) {
        return caller == HOLDER;
    }
}

contract UnsignedRedeemerProofs is UnsignedProofs {
    function _rule() internal pure override returns (RedemptionRule) {
        return RedemptionRule.REDEEMER;
    }

    function _isNamed(address caller) internal pure override returns (bool) {
        return caller == HOLDER || caller == REDEEMER;
    }
}

contract UnsignedOwnerProofs is UnsignedProofs {
    function _rule() internal pure override returns (RedemptionRule) {
        return RedemptionRule.OWNER;
    }

    function _isNamed(address) internal pure override returns (bool) {
        return true;
    }
}
