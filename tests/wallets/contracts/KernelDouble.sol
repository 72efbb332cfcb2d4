// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {CallingAccount} from "./CallingAccount.sol";

/// @title A double of Kernel's ECDSA validator, made from its documented behaviour: it knows one owner of each account.
contract KernelEcdsaValidatorDouble {
    mapping(address account => address owner) public ownerOf;

    /// @notice Sets the owner of the calling account.
    function setOwner(address owner) external {
        ownerOf[msg.sender] = owner;
    }

    /// @notice Answers to an account whether its owner signed a hash, with or without the prefix of signed messages.
    function isValidSignatureWithSender(address, bytes32 hash, bytes calldata signature)
        external
        view
        returns (bytes4)
    {
        address owner = ownerOf[msg.sender];
        if (ECDSA.recover(hash, signature) == owner) return 0x1626ba7e;
        bytes32 prefixed = MessageHashUtils.toEthSignedMessageHash(hash);
        return ECDSA.recover(prefixed, signature) == owner ? bytes4(0x1626ba7e) : bytes4(0xffffffff);
    }
}

/// @title A double of Kernel 3.1, made from its documented behaviour.
/// @notice The first byte of a signature says which validator checks it: 0 for the root validator, 1 for the validator in
/// the 20 bytes that follow. The validator is asked about the hash as `Kernel(bytes32 hash)` in the account's domain.
contract KernelDouble is CallingAccount, EIP712 {
    bytes32 private constant MESSAGE = keccak256("Kernel(bytes32 hash)");
    KernelEcdsaValidatorDouble public immutable ROOT;
    mapping(address validator => bool isInstalled) public isInstalled;

    error InvalidValidator();

    constructor(
        KernelEcdsaValidatorDouble root,
        address rootOwner,
        KernelEcdsaValidatorDouble other,
        address otherOwner
    ) EIP712("Kernel", "0.3.1") {
        ROOT = root;
        isInstalled[address(root)] = true;
        isInstalled[address(other)] = true;
        other.setOwner(otherOwner);
        root.setOwner(rootOwner);
    }

    /// @notice Answers whether the validator that the signature names accepts it.
    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        bytes32 message = _hashTypedDataV4(keccak256(abi.encode(MESSAGE, hash)));
        if (signature[0] == 0) return _ask(ROOT, message, signature[1:]);
        if (signature[0] != 0x01) revert InvalidValidator();
        return _ask(KernelEcdsaValidatorDouble(address(bytes20(signature[1:21]))), message, signature[21:]);
    }

    function _ask(KernelEcdsaValidatorDouble validator, bytes32 message, bytes calldata signature)
        private
        view
        returns (bytes4)
    {
        if (!isInstalled[address(validator)]) revert InvalidValidator();
        return validator.isValidSignatureWithSender(msg.sender, message, signature);
    }
}
