// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignerECDSA} from "@openzeppelin/contracts/utils/cryptography/signers/SignerECDSA.sol";
import {ERC7739} from "@openzeppelin/contracts/utils/cryptography/signers/draft-ERC7739.sol";
import {CallingAccount} from "./CallingAccount.sol";

/// @title An account built on OpenZeppelin's ERC7739.
contract OpenZeppelinAccount is CallingAccount, ERC7739, SignerECDSA {
    constructor(address owner) EIP712("OpenZeppelinAccount", "7") SignerECDSA(owner) {}
}
