// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {WeirdToken} from "./WeirdToken.sol";

/// @notice Reverts if the caller, the sender or the receiver is on its block list.
contract BlocksAddress is WeirdToken {
    error AccountBlocked(address account);

    mapping(address account => bool) public blocked;

    /// @notice Puts an account on the block list, or takes it off.
    function setBlocked(address account, bool isBlocked) external {
        blocked[account] = isBlocked;
    }

    function _move(address from, address to, uint256 amount) internal override {
        _checkNotBlocked(msg.sender);
        _checkNotBlocked(from);
        _checkNotBlocked(to);
        super._move(from, to, amount);
    }

    function _checkNotBlocked(address account) private view {
        if (blocked[account]) revert AccountBlocked(account);
    }
}
