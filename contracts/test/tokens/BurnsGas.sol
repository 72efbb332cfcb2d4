// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {WeirdToken} from "./WeirdToken.sol";

/// @notice Consumes all the gas it is given in a transfer, to everyone or to one receiver.
contract BurnsGas is WeirdToken {
    address public onlyTo;

    /// @notice Sets the one receiver whose transfers burn gas; the zero address stands for everyone.
    function setOnlyTo(address receiver) external {
        onlyTo = receiver;
    }

    function _move(address from, address to, uint256 amount) internal override {
        if (onlyTo == address(0) || onlyTo == to) {
            assembly ("memory-safe") {
                invalid()
            }
        }
        super._move(from, to, amount);
    }
}
