// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {WeirdToken} from "./WeirdToken.sol";

/// @notice Takes any authorization for good without looking at its signature, and does nothing, without reverting, when it was used before.
contract SilentAuthorization is WeirdToken {
    event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce);
    event AuthorizationAlreadyUsed(address indexed authorizer, bytes32 indexed nonce);

    mapping(address authorizer => mapping(bytes32 nonce => bool)) public authorizationState;

    /// @notice Moves tokens to the caller, the first time.
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256,
        uint256,
        bytes32 nonce,
        bytes calldata
    ) external {
        if (authorizationState[from][nonce]) {
            emit AuthorizationAlreadyUsed(from, nonce);
            return;
        }
        authorizationState[from][nonce] = true;
        emit AuthorizationUsed(from, nonce);
        _move(from, to, value);
    }
}
