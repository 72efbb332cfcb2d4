// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Split} from "../ICredits.sol";

/// @notice A {Split} in one word: receiver 160 | amount 96, from the lowest bit up.
type PackedSplit is uint256;

using {Splits.unpack, Splits.receiver, Splits.amount} for PackedSplit global;

/// @title The arithmetic of prices
/// @dev Unchecked: a cost is below 2^132, an amount below 2^96, a fee at most 10,000 basis points, so no product reaches 2^256.
library Splits {
    /// @notice Basis points in one whole.
    uint256 internal constant BPS = 10_000;

    /// @notice Returns a split in one word.
    function pack(Split memory split) internal pure returns (PackedSplit) {
        return PackedSplit.wrap(uint256(uint160(split.receiver)) | uint256(split.amount) << 160);
    }

    /// @notice Returns a split as callers see it.
    function unpack(PackedSplit split) internal pure returns (Split memory) {
        return Split(split.receiver(), uint96(split.amount()));
    }

    function receiver(PackedSplit split) internal pure returns (address) {
        return address(uint160(PackedSplit.unwrap(split)));
    }

    function amount(PackedSplit split) internal pure returns (uint256) {
        return PackedSplit.unwrap(split) >> 160;
    }

    /// @notice Returns one receiver's part of a cost. Rounded down; exact where the cost is a multiple of all amounts together.
    /// @param cost The whole cost, in base units.
    /// @param weight The receiver's amount or weight.
    /// @param total All amounts or weights together.
    /// @return The part in base units.
    function partDown(uint256 cost, uint256 weight, uint256 total) internal pure returns (uint256) {
        unchecked {
            return (cost * weight) / total;
        }
    }

    /// @notice Returns the protocol's part of what one receiver is due. Rounded down.
    /// @param due What the receiver is due, in base units.
    /// @param feeBps Protocol fee in basis points.
    /// @return The fee in base units.
    function feeDown(uint256 due, uint256 feeBps) internal pure returns (uint256) {
        unchecked {
            return (due * feeBps) / BPS;
        }
    }
}
