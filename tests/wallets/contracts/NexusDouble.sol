// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ERC1271} from "solady/accounts/ERC1271.sol";
import {CallingAccount} from "./CallingAccount.sol";

/// @title A double of Biconomy's Nexus 1.2.1 with its default validator, made from its documented behaviour.
/// @notice A signature begins with 20 bytes that name the validator, which are zero for the default one. The rest is as
/// ERC-7739 says, or plain where the asking contract is one that the owner has named as safe.
contract NexusDouble is CallingAccount, ERC1271 {
    address private immutable OWNER;
    mapping(address sender => bool isSafe) public isSafeSender;

    constructor(address owner, address[] memory safeSenders) {
        OWNER = owner;
        for (uint256 i = 0; i < safeSenders.length; i++) {
            isSafeSender[safeSenders[i]] = true;
        }
    }

    /// @notice Answers whether the default validator accepts a signature.
    function isValidSignature(bytes32 hash, bytes calldata signature) public view override returns (bytes4) {
        if (signature.length < 20) return super.isValidSignature(hash, signature);
        if (bytes20(signature[:20]) != 0) return 0xffffffff;
        return super.isValidSignature(hash, signature[20:]);
    }

    function _erc1271Signer() internal view override returns (address) {
        return OWNER;
    }

    function _erc1271CallerIsSafe() internal view override returns (bool) {
        return isSafeSender[msg.sender];
    }

    function _domainNameAndVersion() internal pure override returns (string memory name, string memory version) {
        return ("Nexus", "1.2.1");
    }
}
