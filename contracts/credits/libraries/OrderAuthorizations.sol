// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {EfficientHashLib} from "solady/utils/EfficientHashLib.sol";
import {LibCall} from "solady/utils/LibCall.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

import {ICredits, OrderAuthorization} from "../ICredits.sol";

/// @title The money of an order that its payer signed (EIP-3009)
library OrderAuthorizations {
    /// @dev `receiveWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)`
    bytes4 private constant _WITH_BYTES = 0x88b7ab63;
    /// @dev `receiveWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)`
    bytes4 private constant _WITH_VRS = 0xef55bec6;

    /// @notice Returns the nonce of the authorization, which binds it to this one order on this contract and chain.
    /// @return The nonce.
    function nonceOf(OrderAuthorization calldata order) internal view returns (bytes32) {
        return EfficientHashLib.hash(
            block.chainid,
            uint256(uint160(address(this))),
            order.planId,
            uint256(uint160(order.payer)),
            uint256(uint160(order.receiver)),
            order.quantity,
            order.maxCost,
            uint256(order.salt)
        );
    }

    /// @notice Brings the money of an order from its payer to this contract, exactly `maxCost`, or reverts.
    /// @dev Only the payee can use the authorization, so it cannot be taken out of its order. Some tokens do not revert where they
    /// should, so what counts is what has come.
    /// @param token The plan's token.
    /// @param signature The payer's signature.
    function collect(OrderAuthorization calldata order, address token, bytes calldata signature) internal {
        if (token.code.length == 0) revert ICredits.TokenWithoutCode(token);
        // Nothing would come with or without a signature.
        if (order.maxCost == 0) revert ICredits.AuthorizationFailed(token, order.payer, 0);
        uint256 before = SafeTransferLib.balanceOf(token, address(this));
        bytes32 nonce = nonceOf(order);
        bool done = _call(token, _withBytes(order, nonce, signature));
        if (!done && signature.length == 65) done = _call(token, _withVrs(order, nonce, signature));
        unchecked {
            uint256 come = SafeTransferLib.balanceOf(token, address(this)) - before;
            if (!done || come != order.maxCost) {
                revert ICredits.AuthorizationFailed(token, order.payer, order.maxCost);
            }
        }
    }

    function _withBytes(OrderAuthorization calldata order, bytes32 nonce, bytes calldata signature)
        private
        view
        returns (bytes memory)
    {
        return abi.encodeWithSelector(
            _WITH_BYTES,
            order.payer,
            address(this),
            order.maxCost,
            order.validAfter,
            order.validBefore,
            nonce,
            signature
        );
    }

    function _withVrs(OrderAuthorization calldata order, bytes32 nonce, bytes calldata signature)
        private
        view
        returns (bytes memory)
    {
        (bytes32 r, bytes32 s) = abi.decode(signature, (bytes32, bytes32));
        return abi.encodeWithSelector(
            _WITH_VRS,
            order.payer,
            address(this),
            order.maxCost,
            order.validAfter,
            order.validBefore,
            nonce,
            uint8(signature[64]),
            r,
            s
        );
    }

    function _call(address token, bytes memory data) private returns (bool done) {
        (done,,) = LibCall.tryCall(token, 0, gasleft(), 0, data);
    }
}
