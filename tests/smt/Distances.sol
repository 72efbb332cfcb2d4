// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Models of the expressions that {Ledger} writes in `unchecked`, each against the plain number it stands for.
contract DistancesClaims {
    /// @notice What is left is the distance of two counts that begin again at zero: a grant that fits adds exactly its amount.
    /// @dev I2, C31
    function grant__addsToTheDistance(uint64 granted, uint64 gone, uint64 amount) external pure {
        unchecked {
            uint256 left = uint64(granted - gone);
            require(amount <= type(uint64).max - left);
            assert(uint64(granted + amount - gone) == left + amount);
        }
    }

    /// @notice What is written down as gone leaves exactly the balance that is meant.
    /// @dev I2, C31
    function keep__leavesTheBalance(uint64 granted, uint256 left) external pure {
        require(left <= type(uint64).max);
        unchecked {
            uint64 gone = granted - uint64(left);
            assert(uint64(granted - gone) == left);
        }
    }

    /// @notice A count crosses 2^63 or 2^64 if and only if its highest bit changes.
    /// @dev I2, C31
    function crosses__isTheHighestBit(uint64 granted, uint64 amount) external pure {
        require(amount <= type(uint64).max / 2);
        unchecked {
            bool crosses = (granted ^ (granted + amount)) >> 63 != 0;
            uint256 end = uint256(granted) + amount;
            bool passes = (granted < 2 ** 63 && end >= 2 ** 63) || end >= 2 ** 64;
            assert(crosses == passes);
        }
    }
}
