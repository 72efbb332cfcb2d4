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
}
