// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {WeirdToken} from "./WeirdToken.sol";

/// @notice Takes the largest amount to mean the sender's whole balance, however small, as cUSDCv3 does.
contract MaxMovesBalance is WeirdToken {
    uint256 public max = type(uint256).max;

    /// @notice Sets the amount that means everything, for callers that cannot name 2^256-1.
    function setMax(uint256 newMax) external {
        max = newMax;
    }

    function _move(address from, address to, uint256 amount) internal override {
        super._move(from, to, amount == max ? balanceOf(from) : amount);
    }
}
