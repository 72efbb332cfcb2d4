// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice Forces the coin it is made with on a contract that would not take it, by destroying itself in its favour.
contract ForcesCoin {
    /// @param target Who gets the coin.
    constructor(address target) payable {
        // A contract whose constructor is PUSH20 target SELFDESTRUCT, since Solidity warns of the word.
        bytes memory code = abi.encodePacked(hex"73", target, hex"ff");
        assembly ("memory-safe") {
            if iszero(create(callvalue(), add(code, 32), mload(code))) { revert(0, 0) }
        }
    }
}
