// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IQuoter} from "../../credits/IQuoter.sol";

/// @notice Uses up all gas that it is given when asked for a price.
contract BurnsGasOnQuote is IQuoter {
    /// @inheritdoc IQuoter
    function quote(uint256, address, uint256) external pure returns (uint256) {
        assembly ("memory-safe") {
            invalid()
        }
    }
}
