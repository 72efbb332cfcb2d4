// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice Reverts with 100 kB of data when it is sent coin.
contract BombsOnCoin {
    uint256 public constant SIZE = 100_000;

    receive() external payable {
        assembly {
            revert(0, SIZE)
        }
    }
}
