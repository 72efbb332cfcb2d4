// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

import {Actor} from "./Actor.sol";

/// @notice An ERC-1271 wallet of two keys: its signature is one of each, one behind the other, 130 bytes and no other number.
contract TwoKeyWallet is Actor, IERC1271 {
    address public immutable first;
    address public immutable second;

    /// @param firstKey Address of the key that signs first.
    /// @param secondKey Address of the key that signs second.
    constructor(address firstKey, address secondKey) {
        (first, second) = (firstKey, secondKey);
    }

    /// @inheritdoc IERC1271
    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        bytes4 no = 0xffffffff;
        if (signature.length != 130) return no;
        (address one,,) = ECDSA.tryRecoverCalldata(hash, signature[:65]);
        (address two,,) = ECDSA.tryRecoverCalldata(hash, signature[65:]);
        return one == first && two == second ? IERC1271.isValidSignature.selector : no;
    }
}
