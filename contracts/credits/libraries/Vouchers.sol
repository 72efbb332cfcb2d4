// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

import {Voucher} from "../ICredits.sol";

/// @title How a voucher is hashed (EIP-712)
library Vouchers {
    /// @notice Hash of the type of a voucher.
    bytes32 internal constant TYPEHASH = keccak256(
        "Voucher(uint256 planId,address holder,address redeemer,uint64 ceiling,bytes32 context,uint64 deadline)"
    );

    /// @notice Returns what the holder of a voucher signs.
    /// @param domainSeparator Hash of the contract's EIP-712 domain.
    function digestOf(Voucher calldata voucher, bytes32 domainSeparator) internal pure returns (bytes32) {
        return MessageHashUtils.toTypedDataHash(domainSeparator, keccak256(abi.encode(TYPEHASH, voucher)));
    }
}
