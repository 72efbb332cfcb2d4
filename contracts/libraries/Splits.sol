// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title The arithmetic of prices
/// @dev Unchecked: an amount is below 2^96, a quantity below 2^32, a fee at most 10,000 basis points, so no product reaches 2^256.
library Splits {
    /// @notice Basis points in one whole.
    uint256 internal constant BPS = 10_000;

    /// @notice Divides what one receiver is due between the receiver and the protocol. The fee is rounded down.
    /// @param amount The receiver's part of the price of one purchase, in base units.
    /// @param quantity Number of purchases.
    /// @param feeBps Protocol fee in basis points.
    /// @return share What the receiver gets, in base units.
    /// @return fee What the protocol gets, in base units.
    function shareAndFeeDown(uint256 amount, uint256 quantity, uint256 feeBps)
        internal
        pure
        returns (uint256 share, uint256 fee)
    {
        unchecked {
            uint256 due = amount * quantity;
            fee = (due * feeBps) / BPS;
            share = due - fee;
        }
    }
}
