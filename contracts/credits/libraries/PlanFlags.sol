// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title What an order has to know of a plan, one bit each
/// @dev They are the highest byte of {SaleTerms}, so that an order reads them with the price.
library PlanFlags {
    /// @notice Takes orders. The only flag that changes.
    uint256 internal constant ACTIVE = 1;
    /// @notice Is granted to a holder once only.
    uint256 internal constant TRIAL = 2;
    /// @notice Grants periods of time.
    uint256 internal constant TIME = 4;
    /// @notice Grants nothing: each request is paid.
    uint256 internal constant USAGE = 8;
    /// @notice Is priced by a quoter.
    uint256 internal constant QUOTED = 16;
    /// @notice Is paid outside the chain.
    uint256 internal constant PAID_EXTERNALLY = 32;
    /// @notice Starts a period when it is redeemed.
    uint256 internal constant STARTS_ON_USE = 64;
}
