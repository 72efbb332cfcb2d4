// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Credits that expire, purchase by purchase
/// @dev A lot notes how much had been granted in all when it was added, so lots are marks on one growing number. Credits are
/// used in the order of the marks. So what is left is what was granted after the further of two points: up to which credits are
/// used, and up to which they have expired. All lots of a plan have the same duration, so that marks and expiries both only grow,
/// and both can be searched. The number begins again at zero after 2^64 - 1, which
/// changes no distance as long as all marks are less than 2^64 behind it.
library Lots {
    /// @notice One mark.
    struct Mark {
        /// Timestamp from which on the lot's credits are gone.
        uint64 expiresAt;
        /// All credits granted up to and with this lot.
        uint64 granted;
    }

    /// @notice Returns the first lot from `first` on that has not expired, or `end` if all have.
    /// @dev Looks at the first two, then searches by halves: one read where nothing has expired, two where one lot has, log2 of the
    /// number of lots and two more otherwise.
    /// @param marks The lots of one holder.
    /// @param first The first that may be live.
    /// @param end One more than the last.
    /// @return The number of the lot.
    function firstLive(mapping(uint256 number => Mark) storage marks, uint256 first, uint256 end)
        internal
        view
        returns (uint256)
    {
        unchecked {
            for (uint256 probes; first < end; ++probes) {
                uint256 middle = probes < 2 ? first : (first + end) / 2;
                if (marks[middle].expiresAt > block.timestamp) end = middle;
                else first = middle + 1;
            }
        }
        return first;
    }

    /// @notice Returns the first lot from `first` on that is not all used, or `end` if all are.
    /// @param marks The lots of one holder.
    /// @param first The first that may be.
    /// @param end One more than the last.
    /// @param granted All credits granted.
    /// @param left Credits of these that are left.
    /// @return The number of the lot.
    function firstUnused(
        mapping(uint256 number => Mark) storage marks,
        uint256 first,
        uint256 end,
        uint64 granted,
        uint256 left
    ) internal view returns (uint256) {
        unchecked {
            while (first < end) {
                uint256 middle = (first + end) / 2;
                if (uint64(granted - marks[middle].granted) < left) end = middle;
                else first = middle + 1;
            }
        }
        return first;
    }
}
