// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Outcome, Result, Settlement, Voucher} from "../../contracts/interfaces/ICredits.sol";
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

    function _settle(address redeemer, uint64 amount, uint64 ceiling, bytes32 context, uint64 deadline)
        private
        returns (Outcome memory)
    {
        Settlement[] memory items = new Settlement[](1);
        items[0] = Settlement(holder, amount, ceiling, context, deadline, "");
        vm.prank(redeemer);
        return credits.settle(planId, items)[0];
    }

    /// @notice A voucher takes exactly the least of what is asked for, what is left below the ceiling, and the balance.
    /// @dev I4
    function check_settle__signed__takesTheLeast(uint64 amount, uint64 ceiling, uint64 deadline) public {
        uint256 balance = _hold(holder);
        uint256 settled = credits.accountOf(planId, holder).settled;
        wallet.signAll();
        Outcome memory outcome = _settle(REDEEMER, amount, ceiling, "", deadline);
        uint256 expected = amount;
        if (settled >= ceiling) expected = 0;
        else if (expected > ceiling - settled) expected = ceiling - settled;
        if (expected > balance) expected = balance;
        if (block.timestamp > deadline) expected = 0;
        assert(outcome.amount == expected);
        assert(credits.balanceOf(holder, planId) == balance - expected);
        assert(credits.accountOf(planId, holder).settled == settled + expected);
    }

    /// @notice A voucher that is settled again takes at most what is left below its ceiling, whatever is asked for.
    /// @dev I4, C16
    function check_settle__again__neverAboveCeiling(uint64 first, uint64 second, uint64 ceiling) public {
        uint256 balance = _hold(holder);
        vm.assume(credits.accountOf(planId, holder).settled == 0);
        wallet.signAll();
        uint256 taken = _settle(REDEEMER, first, ceiling, "", type(uint64).max).amount;
        taken += _settle(REDEEMER, second, ceiling, "", type(uint64).max).amount;
        assert(taken <= ceiling);
        assert(credits.accountOf(planId, holder).settled == taken);
        assert(credits.balanceOf(holder, planId) == balance - taken);
    }

    /// @notice A voucher in which anything but the amount differs from what was signed takes nothing: plan, redeemer, ceiling,
    /// context or deadline.
    /// @dev I4, C16
    function check_settle__otherThanSigned__takesNothing(
        Voucher memory voucher,
        uint64 amount,
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
        Outcome memory outcome = _settle(REDEEMER, amount, ceiling, context, deadline);
        assert(outcome.amount == 0);
        assert(outcome.result != Result.SETTLED && outcome.result != Result.SHORT);
        assert(credits.balanceOf(holder, planId) == balance);
    }

    /// @notice A voucher of another holder takes nothing.
    /// @dev I4, C20
    function check_settle__signedForAnotherHolder__takesNothing(Voucher memory voucher, uint64 amount) public {
        uint256 balance = _hold(holder);
        vm.assume(voucher.holder != holder);
        (voucher.planId, voucher.redeemer) = (planId, REDEEMER);
        wallet.sign(credits.voucherDigestOf(voucher));
        Outcome memory outcome = _settle(REDEEMER, amount, voucher.ceiling, voucher.context, voucher.deadline);
        assert(outcome.amount == 0);
        assert(credits.balanceOf(holder, planId) == balance);
    }

    /// @notice A voucher signed on another chain takes nothing.
    /// @dev I4, C17
    function check_settle__signedOnAnotherChain__takesNothing(
        Voucher memory voucher,
        uint64 amount,
        uint64 here,
        uint64 there
    ) public {
        uint256 balance = _hold(holder);
        (voucher.planId, voucher.holder, voucher.redeemer) = (planId, holder, REDEEMER);
        vm.assume(here != there);
        vm.chainId(there);
        wallet.sign(credits.voucherDigestOf(voucher));
        vm.chainId(here);
        Outcome memory outcome = _settle(REDEEMER, amount, voucher.ceiling, voucher.context, voucher.deadline);
        assert(outcome.amount == 0);
        assert(credits.balanceOf(holder, planId) == balance);
    }

    /// @notice A voucher counts up to its deadline and not one second longer.
    /// @dev I4, C32
    function check_settle__deadline__toTheSecond(uint64 time, uint64 deadline) public {
        _hold(holder);
        wallet.signAll();
        vm.warp(time);
        Outcome memory outcome = _settle(REDEEMER, 1, type(uint64).max, "", deadline);
        assert((outcome.result == Result.EXPIRED) == (time > deadline));
    }

    /// @notice A bad voucher, whatever is wrong with it, never changes what another holder's voucher beside it takes.
    /// @dev I4, I8
    function check_settle__badItemBeside__otherIsSettled(uint64 amount, uint64 ceiling, uint64 deadline, bool signed)
        public
    {
        _hold(holder);
        if (signed) wallet.signAll();
        Settlement[] memory items = new Settlement[](2);
        items[0] = Settlement(holder, amount, ceiling, "", deadline, "");
        uint256 key = svm.createUint(256, "key");
        address owner = vm.addr(key);
        vm.assume(owner != holder && owner != address(0) && owner.code.length == 0);
        _hold(owner);
        uint256 balance = credits.balanceOf(owner, planId);
        uint256 settled = credits.accountOf(planId, owner).settled;
        vm.assume(balance >= 5 && settled < 5);
        bytes32 digest = credits.voucherDigestOf(Voucher(planId, owner, REDEEMER, 10, "", type(uint64).max));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        items[1] = Settlement(owner, 5, 10, "", type(uint64).max, abi.encodePacked(r, s, v));
        vm.prank(REDEEMER);
        Outcome[] memory outcomes = credits.settle(planId, items);
        assert(outcomes[1].result == Result.SETTLED && outcomes[1].amount == 5);
        assert(credits.balanceOf(owner, planId) == balance - 5);
    }
}
