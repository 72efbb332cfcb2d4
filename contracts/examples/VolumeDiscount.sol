// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IQuoter} from "../credits/IQuoter.sol";

/// @notice The price of one purchase, from some quantity on.
struct Tier {
    /// Fewest purchases in one order for which the price counts.
    uint32 minQuantity;
    /// Price of each purchase of the order, in base units of the plan's token.
    uint96 unitPrice;
}

/// @title An example of a quoter: who buys more pays less for each
/// @notice Every purchase of an order has the price of the highest tier that the order's quantity reaches.
/// @dev The tiers never change and payer and plan do not matter, so a quote holds until the order, and one contract can serve many plans.
/// Warning: at the edge of a tier a larger order can cost less than a smaller one, as with any discount on all units.
contract VolumeDiscount is IQuoter {
    /// @notice Thrown when no tier is given, so there is no price.
    error NoTiers();

    /// @notice Thrown when a tier does not begin above the one before it.
    /// @param index Position of the tier, from 0.
    error TiersNotAscending(uint256 index);

    /// @notice Thrown when an order is smaller than the lowest tier.
    /// @param quantity Number of purchases.
    /// @param minQuantity Fewest purchases sold at once.
    error BelowLowestTier(uint256 quantity, uint256 minQuantity);

    Tier[] private _tiers;

    /// @notice Fixes the tiers for good.
    /// @param tiers The tiers, smallest quantity first.
    constructor(Tier[] memory tiers) {
        if (tiers.length == 0) revert NoTiers();
        for (uint256 i; i < tiers.length; ++i) {
            if (i > 0 && tiers[i].minQuantity <= tiers[i - 1].minQuantity) revert TiersNotAscending(i);
            _tiers.push(tiers[i]);
        }
    }

    /// @inheritdoc IQuoter
    function quote(uint256, address, uint256 quantity) external view returns (uint256 cost) {
        for (uint256 i = _tiers.length; i > 0; --i) {
            Tier memory tier = _tiers[i - 1];
            if (quantity >= tier.minQuantity) return quantity * tier.unitPrice;
        }
        revert BelowLowestTier(quantity, _tiers[0].minQuantity);
    }

    /// @notice Returns all tiers.
    /// @return The tiers, smallest quantity first.
    function tiersOf() external view returns (Tier[] memory) {
        return _tiers;
    }
}
