// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title What an order has to know of a plan, one bit each
/// @dev In one byte, so that an order reads a plan's first slot and no other.
library Traits {
    /// @notice Takes orders. The only trait that changes.
    uint8 internal constant ACTIVE = 1;
    /// @notice Is granted to a holder once only.
    uint8 internal constant TRIAL = 2;
    /// @notice Grants periods of time.
    uint8 internal constant TIME = 4;
    /// @notice Grants nothing: each request is paid.
    uint8 internal constant USAGE = 8;
    /// @notice Is priced by a quoter.
    uint8 internal constant QUOTED = 16;
    /// @notice Is paid outside the chain.
    uint8 internal constant OUTSIDE = 32;

    /// @notice Returns whether any of some traits is among those of a plan.
    /// @param traits Those of the plan.
    /// @param wanted The traits looked for.
    /// @return Whether one is there.
    function has(uint8 traits, uint8 wanted) internal pure returns (bool) {
        return traits & wanted != 0;
    }
}
