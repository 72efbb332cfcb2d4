// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {WeirdToken} from "./WeirdToken.sol";

/// @notice Reverts from a transfer of nothing.
contract RevertsOnZero is WeirdToken {
    error ZeroTransfer();

    function _move(address from, address to, uint256 amount) internal override {
        if (amount == 0) revert ZeroTransfer();
        super._move(from, to, amount);
    }
}
