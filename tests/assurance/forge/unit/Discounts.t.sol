// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Tier, VolumeDiscount} from "../../../../contracts/examples/VolumeDiscount.sol";
import {Checks} from "../support/Checks.sol";
import {vm} from "../support/Vm.sol";

/// @notice The example of a quoter: each quantity has the price of the highest tier that it reaches.
contract DiscountsTest is Checks {
    uint256 private constant LOWEST = 3;

    function _tiers(uint256 count, uint256 seed) private pure returns (Tier[] memory tiers) {
        tiers = new Tier[](count);
        uint256 quantity = LOWEST;
        for (uint256 i; i < count; ++i) {
            uint256 roll = uint256(keccak256(abi.encode(seed, i)));
            tiers[i] = Tier(uint32(quantity), uint96(roll));
            quantity += 1 + (roll >> 128) % 1000;
        }
    }

    function testFuzz_quote__ofAnyTiers__isAWalkUpwards(uint256 count, uint256 seed, uint256 quantity) external {
        (count, quantity) = (_bound(count, 1, 8), _bound(quantity, LOWEST, 9000));
        Tier[] memory tiers = _tiers(count, seed);
        VolumeDiscount discount = new VolumeDiscount(tiers);
        uint256 price;
        for (uint256 i; i < count && tiers[i].minQuantity <= quantity; ++i) {
            price = tiers[i].unitPrice;
        }
        _same(discount.quote(0, address(0), quantity), price * quantity, "quote");
        _same(keccak256(abi.encode(discount.tiersOf())), keccak256(abi.encode(tiers)), "tiersOf");
    }

    function test_quote__aroundEachTier__changesAtItsQuantity() external {
        Tier[] memory tiers = new Tier[](2);
        (tiers[0], tiers[1]) = (Tier(3, 100), Tier(10, 70));
        VolumeDiscount discount = new VolumeDiscount(tiers);
        _same(discount.quote(1, address(1), 3), 300, "3");
        _same(discount.quote(1, address(1), 9), 900, "9");
        _same(discount.quote(1, address(1), 10), 700, "10");
        _same(discount.quote(1, address(1), 11), 770, "11");
        vm.expectRevert(abi.encodeWithSelector(VolumeDiscount.BelowLowestTier.selector, 2, 3));
        discount.quote(1, address(1), 2);
    }

    function test_constructor__withoutTiersOrWithSomeNotAscending__isRefused() external {
        vm.expectRevert(abi.encodeWithSelector(VolumeDiscount.NoTiers.selector));
        new VolumeDiscount(new Tier[](0));
        Tier[] memory tiers = _tiers(3, 1);
        tiers[2].minQuantity = tiers[1].minQuantity;
        vm.expectRevert(abi.encodeWithSelector(VolumeDiscount.TiersNotAscending.selector, 2));
        new VolumeDiscount(tiers);
        tiers[1].minQuantity = tiers[0].minQuantity - 1;
        vm.expectRevert(abi.encodeWithSelector(VolumeDiscount.TiersNotAscending.selector, 1));
        new VolumeDiscount(tiers);
    }
}
