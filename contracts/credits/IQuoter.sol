// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title A contract that names the price of orders
/// @notice A plan may name one instead of a fixed price. It decides only how much is paid: who is paid, in which token, and what
/// is granted are terms of the plan.
/// @dev Asked by a static call, so it can change nothing. Warning: it can answer differently each time; a payer's `maxCost` is what
/// protects them.
interface IQuoter {
    /// @notice Returns what an order costs.
    /// @dev Reverting means that the order is not sold.
    /// @param payer Who pays.
    /// @param quantity Number of purchases.
    /// @return cost The cost of the whole order in base units of the plan's token, below 2^128.
    function quote(uint256 planId, address payer, uint256 quantity) external view returns (uint256 cost);
}
