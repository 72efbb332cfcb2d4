// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {WeirdToken} from "./WeirdToken.sol";

/// @notice Burns 1 % on top of every transfer, so the sender pays more than was sent.
contract TakesFeeOnTop is WeirdToken {
    uint256 public constant FEE_BPS = 100;

    function _move(address from, address to, uint256 amount) internal override {
        uint256 fee = amount * FEE_BPS / 10_000;
        _take(from, amount + fee);
        _balances[to] += amount;
        _supply -= fee;
        emit Transfer(from, to, amount);
        emit Transfer(from, address(0), fee);
    }
}
