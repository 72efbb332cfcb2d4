// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {WeirdToken} from "./WeirdToken.sol";

/// @notice Burns 1 % of every transfer, so the receiver gets less than was sent.
contract TakesFee is WeirdToken {
    uint256 public constant FEE_BPS = 100;

    function _move(address from, address to, uint256 amount) internal override {
        uint256 fee = amount * FEE_BPS / 10_000;
        _take(from, amount);
        _balances[to] += amount - fee;
        _supply -= fee;
        emit Transfer(from, to, amount - fee);
        emit Transfer(from, address(0), fee);
    }
}
