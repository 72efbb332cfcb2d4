// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Receiver} from "./Receiver.sol";

/// @notice Consumes all the gas it is given in the hook.
contract BurnsGasInHook is Receiver {
    function _onCredits(bytes4) internal pure override returns (bytes4) {
        assembly ("memory-safe") {
            invalid()
        }
    }
}
