// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Terms} from "../ICredits.sol";

/// @title How a plan gets its id
library PlanIds {
    /// @notice Returns the id of a plan: a hash over where it lives, who made it and all its terms.
    /// @dev Encoded with `abi.encode`, so no two different inputs share an encoding.
    /// @param registry The contract that keeps the plan.
    /// @param creator Who registers it.
    /// @return planId The id.
    function planIdOf(address registry, address creator, Terms memory terms, bytes32 salt)
        internal
        view
        returns (uint256 planId)
    {
        return uint256(keccak256(abi.encode(block.chainid, registry, creator, terms, salt)));
    }
}
