// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ERC4337} from "solady/accounts/ERC4337.sol";

/// @title An account built on Solady's ERC4337, whose signatures are those of Solady's ERC1271.
contract SoladyAccount is ERC4337 {
    function _domainNameAndVersion() internal pure override returns (string memory name, string memory version) {
        return ("SoladyAccount", "1");
    }
}
