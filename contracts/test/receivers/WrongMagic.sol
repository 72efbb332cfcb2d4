// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Receiver} from "./Receiver.sol";

/// @notice Answers the hook with a value that is not the ERC's.
contract WrongMagic is Receiver {
    function _onCredits(bytes4) internal pure override returns (bytes4) {
        return 0xdeadbeef;
    }
}
