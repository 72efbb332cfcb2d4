// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {WeirdToken} from "./WeirdToken.sol";

/// @notice Takes authorizations as EIP-3009 has them, with the signature as v, r, s, and not as bytes: USDC before version 2.2.
contract VrsOnly is WeirdToken {
    error CallerMustBePayee();
    error AuthorizationNotValidNow();
    error AuthorizationUsedOrCanceled();
    error InvalidSignature();

    string public constant version = "1";
    bytes32 private constant _RECEIVE_TYPEHASH = keccak256(
        "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );
    bytes32 private constant _DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");

    mapping(address authorizer => mapping(bytes32 nonce => bool)) public authorizationState;

    /// @notice Moves tokens to the caller as their owner has signed.
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external {
        if (to != msg.sender) revert CallerMustBePayee();
        if (block.timestamp <= validAfter || block.timestamp >= validBefore) revert AuthorizationNotValidNow();
        if (authorizationState[from][nonce]) revert AuthorizationUsedOrCanceled();
        bytes32 structHash = keccak256(abi.encode(_RECEIVE_TYPEHASH, from, to, value, validAfter, validBefore, nonce));
        address signer = ecrecover(keccak256(abi.encodePacked(hex"1901", DOMAIN_SEPARATOR(), structHash)), v, r, s);
        if (signer == address(0) || signer != from) revert InvalidSignature();
        authorizationState[from][nonce] = true;
        _move(from, to, value);
    }

    /// @notice Returns the EIP-712 domain separator.
    function DOMAIN_SEPARATOR() public view returns (bytes32) {
        return keccak256(
            abi.encode(
                _DOMAIN_TYPEHASH, keccak256("Weird Token"), keccak256(bytes(version)), block.chainid, address(this)
            )
        );
    }
}
