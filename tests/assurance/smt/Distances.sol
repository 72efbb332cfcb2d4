// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Models of the expressions that {Ledger} writes in `unchecked`, each against the plain number it stands for.
contract DistancesClaims {
    /// @notice What is left is the distance of two counts that begin again at zero: a grant that fits adds exactly its amount.
    /// @dev I2, C31
    function grant__addsToTheDistance(uint64 granted, uint64 spent, uint64 amount) external pure {
        unchecked {
            uint256 ring = 2 ** 54;
            require(granted < ring && spent < ring);
            uint256 left = (granted + ring - spent) % ring;
            require(amount < ring - left);
            assert((uint256(granted) + amount + ring - spent) % ring == left + amount);
        }
    }
}
