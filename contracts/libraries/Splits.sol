// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Split} from "../interfaces/ICredits.sol";

/// @title The arithmetic of prices
/// @dev Nothing here can overflow silently: amounts are 96 bits wide, the rest is checked.
library Splits {
    /// @notice Basis points in one whole.
    uint256 internal constant BPS = 10_000;

    /// @notice Returns what an order costs.
    /// @param splits The parts of the price of one purchase.
    /// @param quantity Number of purchases.
    /// @return cost Sum of all parts in base units.
    function cost(Split[] memory splits, uint256 quantity) internal pure returns (uint256) {
        uint256 price;
        for (uint256 i; i < splits.length; ++i) {
            price += splits[i].amount;
        }
        return price * quantity;
    }

    /// @notice Divides what one receiver is due between the receiver and the protocol.
    /// @dev The fee is rounded down.
    /// @param split The receiver's part of one purchase.
    /// @param quantity Number of purchases.
    /// @param feeBps Protocol fee in basis points.
    /// @return share What the receiver gets, in base units.
    /// @return fee What the protocol gets, in base units.
    function shareAndFeeDown(Split memory split, uint256 quantity, uint256 feeBps)
        internal
        pure
        returns (uint256 share, uint256 fee)
    {
        uint256 due = split.amount * quantity;
        fee = (due * feeBps) / BPS;
        share = due - fee;
    }
}
