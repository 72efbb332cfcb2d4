// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ICredits, Lot, Terms} from "../../../../contracts/credits/ICredits.sol";
import {vm} from "../support/Vm.sol";
import {Fixture} from "./Fixture.sol";

/// @notice Accounts at the edge of their widths, and lots page by page (I2, I9).
contract AccountsTest is Fixture {
    uint256 private constant MOST = 2 ** 54 - 1;
    uint256 private constant HALF = 2 ** 53 - 1;
    uint256 private constant LAST_NUMBER = type(uint24).max;
    /// @dev Of `_positions`; {test_balanceOf__ofAnAccountWrittenByHand__isWhatWasWritten} fails where it moves.
    uint256 private constant POSITIONS_SLOT = 9;

    function _expiring(uint32 duration) private returns (uint256) {
        Terms memory terms = _terms();
        terms.duration = duration;
        return _register(terms);
    }

    function _slotOf(uint256 planId, address holder) private pure returns (bytes32) {
        return keccak256(abi.encode(holder, keccak256(abi.encode(planId, POSITIONS_SLOT))));
    }

    function _slotOfLot(uint256 planId, address holder, uint256 number) private pure returns (bytes32) {
        return keccak256(abi.encode(number, uint256(_slotOf(planId, holder)) + 2));
    }

    function test_balanceOf__ofAnAccountWrittenByHand__isWhatWasWritten() external {
        uint256 planId = _register(_terms());
        vm.store(address(credits), _slotOf(planId, HOLDER), bytes32(uint256(10 | (3 << 54) | (2 << 108))));
        _same(credits.balanceOf(HOLDER, planId), 7, "balance");
        _same(credits.accountOf(planId, HOLDER).settled, 2, "settled");
        _check(!credits.accountOf(planId, HOLDER).trialTaken, "trial");
        vm.store(address(credits), _slotOf(planId, HOLDER), bytes32(uint256(1) << 220));
        _check(credits.accountOf(planId, HOLDER).trialTaken, "trial");
        vm.store(address(credits), bytes32(uint256(_slotOf(planId, HOLDER)) + 1), bytes32(uint256(77)));
        _same(credits.accessUntil(planId, HOLDER), 77, "access");
    }

    function _numbersOf(uint256 planId) private view returns (uint256 first, uint256 end) {
        uint256 word = uint256(vm.load(address(credits), _slotOf(planId, HOLDER)));
        return (uint24(word >> 172), uint24(word >> 196));
    }

    /// @dev Two purchases, of which the first has this number.
    function _pretendLots(uint256 planId, uint256 number) private {
        _mint(planId, HOLDER, 1);
        vm.warp(block.timestamp + 1);
        _mint(planId, HOLDER, 1);
        bytes32 slot = _slotOf(planId, HOLDER);
        uint256 word = uint256(vm.load(address(credits), slot));
        word = word & ~(uint256(type(uint48).max) << 172) | number << 172 | (number + 1) << 196;
        vm.store(address(credits), slot, bytes32(word));
        bytes32 first = vm.load(address(credits), _slotOfLot(planId, HOLDER, 0));
        vm.store(address(credits), _slotOfLot(planId, HOLDER, 0), 0);
        vm.store(address(credits), _slotOfLot(planId, HOLDER, number), first);
        _same(credits.lotsOf(planId, HOLDER, 0, 9).length, 2, "lots");
    }

    function test_mint__afterAllPurchasesThereCanBe__reverts() external {
        uint256 planId = _expiring(1000);
        _pretendLots(planId, LAST_NUMBER - 1);
        vm.prank(BUILDER);
        vm.expectRevert(abi.encodeWithSelector(ICredits.CreditsOverflow.selector, planId, HOLDER, 1));
        credits.mint(planId, HOLDER, 1);
        // Once nothing is left of them, counting begins again.
        _burn(planId, HOLDER, 2);
        _mint(planId, HOLDER, 4);
        _same(credits.balanceOf(HOLDER, planId), 4, "balance when it began again");
    }

    function test_mint__ofTheLastPurchaseThereCanBe__fits() external {
        uint256 planId = _expiring(1000);
        _pretendLots(planId, LAST_NUMBER - 2);
        _mint(planId, HOLDER, 2);
        _same(credits.balanceOf(HOLDER, planId), 4, "balance");
        _same(credits.lotsOf(planId, HOLDER, 0, 9).length, 3, "lots");
    }

    function test_mint__whenAllPurchasesThereCanBeHaveExpired__beginsAgain() external {
        uint256 planId = _expiring(1000);
        _pretendLots(planId, LAST_NUMBER - 1);
        vm.warp(block.timestamp + 1000);
        _mint(planId, HOLDER, 2);
        _same(credits.balanceOf(HOLDER, planId), 2, "balance");
        _mint(planId, HOLDER, 3);
        _same(credits.balanceOf(HOLDER, planId), 5, "balance of both");
    }

    function test_mint__whenOnlyTheLastOfAllPurchasesIsLeft__beginsAgain() external {
        uint256 planId = _expiring(1000);
        _pretendLots(planId, LAST_NUMBER - 1);
        _burn(planId, HOLDER, 1);
        _mint(planId, HOLDER, 3);
        _same(credits.balanceOf(HOLDER, planId), 4, "balance of both");
        (uint256 first, uint256 end) = _numbersOf(planId);
        _check(first == 0 && end == 1, "numbers go on");
    }

    /// @dev Renewals write no new slot where what came before the last has expired and something was spent since.
    function test_mint__whenLotsBeforeTheLastAreKnownToHaveExpired__takesTheFirstsPlace() external {
        uint256 planId = _expiring(1000);
        uint256 time = block.timestamp;
        _mint(planId, HOLDER, 5);
        for (uint256 i; i < 6; ++i) {
            vm.warp(time += 600);
            if (i > 0) _burn(planId, HOLDER, 1);
            _mint(planId, HOLDER, 5);
            (uint256 first, uint256 end) = _numbersOf(planId);
            _check(first == 0 && end == 1, "numbers of the lots before the last");
            _same(credits.balanceOf(HOLDER, planId), i == 0 ? 10 : 9, "balance");
        }
        _check(vm.load(address(credits), _slotOfLot(planId, HOLDER, 0)) != 0, "the first slot");
        _check(vm.load(address(credits), _slotOfLot(planId, HOLDER, 1)) == 0, "a second slot");
    }

    /// @dev What expired is in the way of a grant that crosses neither 2^53 nor 2^54.
    function test_mint__inTheMiddleOfTheCount__findsRoomWhereCreditsExpired() external {
        uint256 planId = _expiring(1000);
        _mint(planId, HOLDER, HALF);
        _burn(planId, HOLDER, HALF / 2);
        _mint(planId, HOLDER, 1);
        vm.warp(block.timestamp + 1000);
        _mint(planId, HOLDER, HALF);
        _same(credits.balanceOf(HOLDER, planId), HALF, "balance");
    }

    /// @dev A purchase that is used and not expired may be more than 2^54 credits behind, where it would look like a recent one.
    function test_mint__oncePastTheWholeCount__losesNothing() external {
        uint256 planId = _expiring(1000);
        uint256[5] memory amounts = [HALF, 3, HALF - 1, HALF - 1, HALF - 1];
        for (uint256 i; i < 5; ++i) {
            _mint(planId, HOLDER, amounts[i]);
            vm.warp(block.timestamp + 10);
            if (i < 4) _burn(planId, HOLDER, i == 0 ? HALF - 1 : amounts[i]);
            _same(credits.balanceOf(HOLDER, planId), i < 4 ? 1 : HALF, "balance");
        }
        // The first four expire ten seconds apart, and only the last of them has a credit left.
        vm.warp(block.timestamp - 50 + 1000);
        for (uint256 i; i < 4; ++i) {
            _same(credits.balanceOf(HOLDER, planId), i < 3 ? HALF : HALF - 1, "balance after an expiry");
            vm.warp(block.timestamp + 10);
        }
        _same(credits.balanceOf(HOLDER, planId), 0, "balance after the last");
    }

    function test_mint__toTheLastCredit__fits() external {
        uint256 planId = _register(_terms());
        _mint(planId, HOLDER, MOST);
        vm.prank(BUILDER);
        vm.expectRevert(abi.encodeWithSelector(ICredits.CreditsOverflow.selector, planId, HOLDER, 1));
        credits.mint(planId, HOLDER, 1);
        _burn(planId, HOLDER, MOST - 5);
        _mint(planId, HOLDER, 10);
        _same(credits.balanceOf(HOLDER, planId), 15, "balance across 2^54");
    }

    /// @dev Purchases of any size across 2^53 and 2^54, some used and some expired, against a list.
    function testFuzz_mint__acrossEveryWidth__keepsTheBooks(uint256 seed) external {
        uint256 planId = _expiring(100);
        uint256[12] memory left;
        uint256[12] memory expiry;
        for (uint256 i; i < 12; ++i) {
            uint256 roll = uint256(keccak256(abi.encode(seed, i)));
            vm.warp(block.timestamp + roll % 60);
            uint256 balance;
            for (uint256 j; j < i; ++j) {
                if (expiry[j] > block.timestamp) balance += left[j];
            }
            _same(credits.balanceOf(HOLDER, planId), balance, "I9 balance");
            uint256 amount = roll >> 8 & 1 == 0 ? 1 + (roll >> 9) % 100 : HALF - balance;
            if (amount > HALF - balance) amount = HALF - balance;
            if (amount > 0) {
                _mint(planId, HOLDER, amount);
                (left[i], expiry[i]) = (amount, block.timestamp + 100);
                balance += amount;
            }
            uint256 burned = roll >> 100 & 3 == 0 ? balance : balance / 2;
            if (burned > 0) _burn(planId, HOLDER, burned);
            for (uint256 j; j <= i; ++j) {
                if (expiry[j] <= block.timestamp) continue;
                uint256 part = burned < left[j] ? burned : left[j];
                (left[j], burned) = (left[j] - part, burned - part);
            }
        }
    }

    function testFuzz_lotsOf__anyPage__isThatPartOfTheList(uint256 offset, uint256 limit, uint256 used) external {
        uint256 planId = _expiring(1000);
        for (uint256 i; i < 5; ++i) {
            _mint(planId, HOLDER, 10 + i);
            vm.warp(block.timestamp + 1);
        }
        used = _bound(used, 0, 60);
        if (used > 0) _burn(planId, HOLDER, used);
        if (offset % 2 == 0) offset %= 7;
        if (limit % 2 == 0) limit %= 7;
        Lot[] memory all = credits.lotsOf(planId, HOLDER, 0, type(uint256).max);
        uint256 sum;
        for (uint256 i; i < all.length; ++i) {
            sum += all[i].credits;
        }
        _same(sum, 60 - used, "credits of all lots");
        Lot[] memory page = credits.lotsOf(planId, HOLDER, offset, limit);
        uint256 rest = offset < all.length ? all.length - offset : 0;
        _same(page.length, limit < rest ? limit : rest, "lots of the page");
        for (uint256 i; i < page.length; ++i) {
            _same(page[i].credits, all[offset + i].credits, "credits of a lot of the page");
            _same(page[i].expiresAt, all[offset + i].expiresAt, "expiry of a lot of the page");
        }
    }

    function test_canRedeem__ofEachReason__namesIt() external {
        Terms memory terms = _terms();
        uint256 planId = _register(terms);
        _mint(planId, HOLDER, 2);
        _expectReason(12345, 1, ICredits.UnknownPlan.selector);
        _expectReason(planId, 0, ICredits.RedeemOutOfRange.selector);
        _expectReason(planId, 6, ICredits.RedeemOutOfRange.selector);
        _expectReason(planId, 3, ICredits.InsufficientCredits.selector);
        _expectReason(planId, 2, 0);
    }

    function _expectReason(uint256 planId, uint256 amount, bytes4 expected) private view {
        (bool ok, bytes4 reason) = credits.canRedeem(planId, HOLDER, amount);
        _check(ok == (expected == 0) && reason == expected, "canRedeem");
    }
}
