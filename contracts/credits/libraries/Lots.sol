// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {HoldingWord} from "./Holding.sol";

/// @notice One lot, in one word: granted 64 | expiresAt 64, from the lowest bit up.
type LotMark is uint256;

using {Lots.granted, Lots.expiresAt} for LotMark global;

/// @title Credits that expire, purchase by purchase
/// @dev A lot notes how much had been granted in all when it was added, so lots are marks on one growing number. Credits are
/// used in the order of the marks. So what is left is what was granted after the further of two points: up to which credits are
/// used, and up to which they have expired. All lots of a plan have the same duration, so that marks and expiries both only grow,
/// and both can be searched. The number begins again at zero after 2^54 - 1, which
/// changes no distance as long as all marks are less than 2^54 behind it.
library Lots {
    /// @notice Returns the mark of a lot.
    function mark(uint256 granted_, uint256 expiresAt_) internal pure returns (LotMark) {
        return LotMark.wrap(granted_ | expiresAt_ << 64);
    }

    /// @notice Returns how many credits had been granted in all up to and with the lot.
    function granted(LotMark lot) internal pure returns (uint256) {
        return uint64(LotMark.unwrap(lot));
    }

    /// @notice Returns the timestamp from which on the lot's credits are expired.
    function expiresAt(LotMark lot) internal pure returns (uint256) {
        return LotMark.unwrap(lot) >> 64;
    }

    /// @notice Returns the first lot from `first` on that has not expired, or `end` if all have.
    /// @dev Looks at the first two, then searches by halves: one read where nothing has expired, two where one lot has, log2 of the
    /// number of lots and two more otherwise.
    /// @param marks The lots of one holder.
    /// @param first The first that may be live.
    /// @param end One more than the last.
    /// @return The number of the lot.
    function firstLive(mapping(uint256 number => LotMark) storage marks, uint256 first, uint256 end)
        internal
        view
        returns (uint256)
    {
        unchecked {
            for (uint256 probes; first < end; ++probes) {
                uint256 middle = probes < 2 ? first : (first + end) / 2;
                if (marks[middle].expiresAt() > block.timestamp) end = middle;
                else first = middle + 1;
            }
        }
        return first;
    }

    /// @notice Returns the first lot from `first` on that is not all used, or `end` if all are.
    /// @param marks The lots of one holder.
    /// @param first The first that may be.
    /// @param end One more than the last.
    /// @param grantedInAll All credits granted.
    /// @param left Credits of these that are left.
    /// @return The number of the lot.
    function firstUnused(
        mapping(uint256 number => LotMark) storage marks,
        uint256 first,
        uint256 end,
        uint256 grantedInAll,
        uint256 left
    ) internal view returns (uint256) {
        unchecked {
            while (first < end) {
                uint256 middle = (first + end) / 2;
                if (distance(grantedInAll, marks[middle]) < left) end = middle;
                else first = middle + 1;
            }
        }
        return first;
    }

    /// @notice Returns how many credits were granted after a lot.
    function distance(uint256 grantedInAll, LotMark lot) internal pure returns (uint256) {
        unchecked {
            return (grantedInAll - lot.granted()) & HoldingWord.MAX;
        }
    }
}
