// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Base64} from "@openzeppelin/contracts/utils/Base64.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {CallingAccount} from "./CallingAccount.sol";

/// @title A double of Coinbase Smart Wallet, made from its documented behaviour.
/// @notice Each owner is an address in 32 bytes, or the two coordinates of a passkey's public key in 64 bytes. A signature
/// names an owner by its index. The owner is asked about the hash as `CoinbaseSmartWalletMessage(bytes32 hash)` in the
/// wallet's domain. Where the chain has no precompile for passkeys, they are checked by code, which takes much gas.
contract CoinbaseSmartWalletDouble is CallingAccount, EIP712 {
    struct SignatureWrapper {
        uint256 ownerIndex;
        bytes signatureData;
    }

    struct WebAuthnAuth {
        bytes authenticatorData;
        string clientDataJSON;
        uint256 challengeIndex;
        uint256 typeIndex;
        bytes32 r;
        bytes32 s;
    }

    bytes32 private constant MESSAGE = keccak256("CoinbaseSmartWalletMessage(bytes32 hash)");
    bytes[] private _owners;

    error InvalidOwnerBytesLength(bytes owner);

    constructor(bytes[] memory owners) EIP712("Coinbase Smart Wallet", "1") {
        _owners = owners;
    }

    /// @notice The owner at an index, or empty bytes.
    function ownerAtIndex(uint256 index) public view returns (bytes memory) {
        return index < _owners.length ? _owners[index] : bytes("");
    }

    /// @notice The hash that an owner signs.
    function replaySafeHash(bytes32 hash) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(MESSAGE, hash)));
    }

    /// @notice Answers whether the owner that the signature names has signed.
    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        SignatureWrapper memory wrapper = abi.decode(signature, (SignatureWrapper));
        bytes memory owner = ownerAtIndex(wrapper.ownerIndex);
        bytes32 message = replaySafeHash(hash);
        bool isSigned;
        if (owner.length == 32) {
            address account = abi.decode(owner, (address));
            isSigned = SignatureChecker.isValidSignatureNow(account, message, wrapper.signatureData);
        } else if (owner.length == 64) {
            isSigned = _isSignedByPasskey(message, abi.decode(wrapper.signatureData, (WebAuthnAuth)), owner);
        } else {
            revert InvalidOwnerBytesLength(owner);
        }
        return isSigned ? bytes4(0x1626ba7e) : bytes4(0xffffffff);
    }

    function _isSignedByPasskey(bytes32 challenge, WebAuthnAuth memory auth, bytes memory key)
        private
        view
        returns (bool)
    {
        string memory expected = string.concat('"challenge":"', Base64.encodeURL(abi.encode(challenge)), '"');
        bytes memory json = bytes(auth.clientDataJSON);
        if (!_isAt(json, auth.typeIndex, '"type":"webauthn.get"')) return false;
        if (!_isAt(json, auth.challengeIndex, bytes(expected))) return false;
        if (auth.authenticatorData[32] & 0x01 == 0) return false;
        bytes32 signed = sha256(abi.encodePacked(auth.authenticatorData, sha256(json)));
        (bytes32 x, bytes32 y) = abi.decode(key, (bytes32, bytes32));
        return P256.verify(signed, auth.r, auth.s, x, y);
    }

    function _isAt(bytes memory text, uint256 index, bytes memory expected) private pure returns (bool) {
        if (index + expected.length > text.length) return false;
        for (uint256 i = 0; i < expected.length; i++) {
            if (text[index + i] != expected[i]) return false;
        }
        return true;
    }
}
