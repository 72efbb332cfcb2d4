// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {TakesFee} from "./TakesFee.sol";

/// @notice Burns 1 % of every transfer, and takes any authorization for good without looking at its signature.
contract TakesFeeWithAuthorization is TakesFee {
    /// @notice Moves tokens to the caller, who gets less than was signed.
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256,
        uint256,
        bytes32,
        bytes calldata
    ) external {
        _move(from, to, value);
    }
}
