// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {WeirdToken} from "./WeirdToken.sol";

/// @notice Answers every transfer with 100 kB of data, as it succeeds or as it reverts.
contract ReturnsBomb is WeirdToken {
    uint256 public constant SIZE = 100_000;

    bool public reverting;

    /// @notice Chooses whether transfers revert with the data, or succeed and return it.
    function setReverting(bool isReverting) external {
        reverting = isReverting;
    }

    function transfer(address to, uint256 amount) external override returns (bool) {
        _move(msg.sender, to, amount);
        _explode();
    }

    function transferFrom(address from, address to, uint256 amount) external override returns (bool) {
        _spendAllowance(from, amount);
        _move(from, to, amount);
        _explode();
    }

    /// @dev The data begins with the word 1, so a caller that reads no further takes it for true.
    function _explode() private view {
        bool asRevert = reverting;
        uint256 size = SIZE;
        assembly ("memory-safe") {
            let start := mload(0x40)
            mstore(start, 1)
            if asRevert { revert(start, size) }
            return(start, size)
        }
    }
}
