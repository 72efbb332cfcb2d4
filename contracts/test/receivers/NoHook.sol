// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice A contract without the hook, which can hold no credits that are sent safely.
contract NoHook {
    receive() external payable {}
}
