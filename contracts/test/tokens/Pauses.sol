// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {WeirdToken} from "./WeirdToken.sol";

/// @notice Reverts from every transfer while it is paused.
contract Pauses is WeirdToken {
    error TokenPaused();

    bool public paused;

    /// @notice Pauses the token, or lets it go on.
    function setPaused(bool isPaused) external {
        paused = isPaused;
    }

    function _move(address from, address to, uint256 amount) internal override {
        if (paused) revert TokenPaused();
        super._move(from, to, amount);
    }
}
