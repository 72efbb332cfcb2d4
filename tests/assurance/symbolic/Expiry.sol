// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Activation, PlanKind, Terms} from "../../../contracts/credits/ICredits.sol";
import {Setting} from "./Setting.sol";

/// @notice Credits that expire.
contract ExpiryProofs is Setting {
    uint256 private constant DURATION = 30 days;

    function _terms() internal view override returns (Terms memory terms) {
        terms = super._terms();
        terms.duration = uint32(DURATION);
    }

    function _mint(uint256 amount) private {
        vm.prank(MINTER);
        credits.mint(planId, HOLDER, amount);
    }

    function _burn(uint256 amount) private {
        vm.prank(HOLDER);
        credits.burn(planId, HOLDER, amount);
    }

    /// @notice Credits are all there one second before their expiry and all gone at it, whenever and however many were granted.
    /// @dev I9, C32
    function check_balanceOf__oneLot__expiresToTheSecond(uint256 amount, uint32 start, uint48 time) public {
        vm.assume(start > 0 && time >= start);
        vm.warp(start);
        _mint(amount);
        vm.warp(time);
        assert(credits.balanceOf(HOLDER, planId) == (time < start + DURATION ? amount : 0));
    }

    /// @notice Of two purchases the earlier is used first, each expires at its own second, and what was used before does not
    /// expire again: the ledger equals a list of purchases, for any amounts and times.
    /// @dev I2, I9
    function check_burn__twoLots__equalsAList(uint64 a, uint64 b, uint64 used, uint32 wait, uint32 then, uint32 later)
        public
    {
        _mint(a);
        uint256 second = START + wait;
        vm.warp(second);
        _mint(b);
        (uint256 x, uint256 y) = (a, b);
        uint256 time = second + then;
        vm.warp(time);
        if (time >= START + DURATION) x = 0;
        if (time >= second + DURATION) y = 0;
        _burn(used);
        assert(used <= x + y);
        if (used > x) (x, y) = (0, y - (used - x));
        else x -= used;
        assert(credits.balanceOf(HOLDER, planId) == x + y);
        time += later;
        vm.warp(time);
        if (time >= START + DURATION) x = 0;
        if (time >= second + DURATION) y = 0;
        assert(credits.balanceOf(HOLDER, planId) == x + y);
    }
}

/// @notice Windows of time that open at purchase.
contract WindowProofs is Setting {
    uint256 private constant DURATION = 30 days;

    function _terms() internal view override returns (Terms memory terms) {
        terms = super._terms();
        (terms.kind, terms.duration) = (PlanKind.TIME, uint32(DURATION));
        (terms.minRedeem, terms.maxRedeem) = (0, 0);
    }

    /// @notice A purchase of time adds exactly its periods to the later of now and the end of the window: early renewal loses nothing.
    /// @dev I9
    function check_accessUntil__renewed__losesNothing(uint64 first, uint64 more, uint40 wait) public {
        uint256 start = START;
        vm.prank(MINTER);
        credits.mint(planId, HOLDER, first);
        uint256 end = start + DURATION * first;
        assert(credits.accessUntil(planId, HOLDER) == end);
        vm.warp(start + wait);
        vm.prank(MINTER);
        credits.mint(planId, HOLDER, more);
        uint256 from = end > start + wait ? end : start + wait;
        assert(credits.accessUntil(planId, HOLDER) == from + DURATION * more);
    }

    /// @notice A window's balance is the periods of which something is left: one second before the end of one it still counts.
    /// @dev I9, C32
    function check_balanceOf__window__toTheSecond(uint64 time) public {
        vm.prank(MINTER);
        credits.mint(planId, HOLDER, 2);
        vm.assume(time >= START);
        vm.warp(time);
        uint256 expected = time < START + DURATION ? 2 : time < START + 2 * DURATION ? 1 : 0;
        assert(credits.balanceOf(HOLDER, planId) == expected);
    }
}

/// @notice Windows of time that open at first use.
contract FirstUseProofs is Setting {
    uint256 private constant DURATION = 30 days;

    function _terms() internal view override returns (Terms memory terms) {
        terms = super._terms();
        (terms.kind, terms.activation, terms.duration) = (PlanKind.TIME, Activation.ON_FIRST_USE, uint32(DURATION));
    }

    /// @notice Redeeming unopened periods opens the window from now, by exactly the periods taken, and by nothing before.
    /// @dev I2, I9
    function check_redeem__firstUse__opensWindow(uint32 amount, uint40 wait) public {
        uint256 balance = _hold(HOLDER);
        uint256 start = START + wait;
        vm.warp(start);
        assert(credits.accessUntil(planId, HOLDER) == 0);
        vm.prank(HOLDER);
        credits.redeem(planId, HOLDER, amount, "");
        assert(credits.accessUntil(planId, HOLDER) == start + DURATION * amount);
        assert(credits.balanceOf(HOLDER, planId) == balance - amount);
    }
}
