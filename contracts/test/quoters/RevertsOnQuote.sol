// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IQuoter} from "../../credits/IQuoter.sol";

/// @notice Sells nothing: it reverts when asked, with 32 bytes that would be a price.
contract RevertsOnQuote is IQuoter {
    /// @inheritdoc IQuoter
    function quote(uint256, address, uint256) external pure returns (uint256) {
        assembly ("memory-safe") {
            mstore(0, 1)
            revert(0, 32)
        }
    }
}
