// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

/// @title How a voucher is hashed (EIP-712)
library Vouchers {
    /// @notice Hash of the type of a voucher.
    bytes32 internal constant TYPEHASH = keccak256(
        "Voucher(uint256 planId,address holder,address redeemer,uint64 ceiling,bytes32 context,uint64 deadline)"
    );

    /// @notice Returns what the holder of a voucher signs.
    /// @param planId The plan.
    /// @param holder Whose credits.
    /// @param redeemer Who may settle it.
    /// @param ceiling Most credits that vouchers may ever have redeemed of this holder on this plan.
    /// @param context What it is for.
    /// @param deadline Last timestamp at which it may be settled.
    /// @param domainSeparator Hash of the contract's EIP-712 domain.
    /// @return The digest.
    function digestOf(
        uint256 planId,
        address holder,
        address redeemer,
        uint256 ceiling,
        bytes32 context,
        uint256 deadline,
        bytes32 domainSeparator
    ) internal pure returns (bytes32) {
        bytes32 structHash = keccak256(abi.encode(TYPEHASH, planId, holder, redeemer, ceiling, context, deadline));
        return MessageHashUtils.toTypedDataHash(domainSeparator, structHash);
    }
}
