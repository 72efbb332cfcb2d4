// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {CallsBack} from "./CallsBack.sol";

/// @notice Calls back in the middle of every transfer, and takes any authorization for good without looking at its signature, once.
contract CallsBackWithAuthorization is CallsBack {
    error AuthorizationUsedOrCanceled();

    mapping(address authorizer => mapping(bytes32 nonce => bool)) public authorizationState;

    /// @notice Moves tokens to the caller.
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256,
        uint256,
        bytes32 nonce,
        bytes calldata
    ) external {
        if (authorizationState[from][nonce]) revert AuthorizationUsedOrCanceled();
        authorizationState[from][nonce] = true;
        _move(from, to, value);
    }
}
