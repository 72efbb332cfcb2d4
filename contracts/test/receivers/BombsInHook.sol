// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Receiver} from "./Receiver.sol";

/// @notice Reverts from the hook with 100 kB of data, which begin with the selector of an error.
contract BombsInHook is Receiver {
    error Bomb();

    uint256 public constant SIZE = 100_000;

    function _onCredits(bytes4) internal pure override returns (bytes4) {
        bytes4 selector = Bomb.selector;
        assembly {
            mstore(0, selector)
            revert(0, SIZE)
        }
    }
}
