// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

import {Actor} from "./Actor.sol";

/// @notice An ERC-1271 wallet of one key: what the key has signed, the wallet has signed.
/// @dev It looks at the hash alone, so two wallets of one key accept each other's signatures where a message does not name its signer.
contract SmartWallet is Actor, IERC1271 {
    address public immutable signer;

    /// @param key Address of the key that signs for the wallet.
    constructor(address key) {
        signer = key;
    }

    /// @inheritdoc IERC1271
    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        (address recovered,,) = ECDSA.tryRecoverCalldata(hash, signature);
        return recovered == signer ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }
}
