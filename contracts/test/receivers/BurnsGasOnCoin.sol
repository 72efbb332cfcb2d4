// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice Consumes all the gas it is given when it is sent coin.
contract BurnsGasOnCoin {
    receive() external payable {
        assembly ("memory-safe") {
            invalid()
        }
    }
}
