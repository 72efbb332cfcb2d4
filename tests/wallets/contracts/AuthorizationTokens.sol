// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {
    ERC20TransferAuthorization
} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20TransferAuthorization.sol";
import {ERC3009} from "@openzeppelin/contracts/token/ERC20/extensions/draft-ERC3009.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// @notice A token with authorizations that tells its domain by ERC-5267 only.
contract DomainToken is ERC3009 {
    constructor() ERC20("Domain Token", "DT") EIP712("Signed Domain", "7") {
        _mint(msg.sender, 10 ** 27);
    }
}

/// @notice The same with permits.
contract PermitDomainToken is ERC3009, ERC20Permit {
    constructor() ERC20("Domain Token", "DT") ERC20Permit("Domain Token") {
        _mint(msg.sender, 10 ** 27);
    }
}

/// @notice A token whose authorizations have nonces in sequence.
contract KeyedToken is ERC20TransferAuthorization {
    constructor() ERC20("Keyed Token", "KT") EIP712("Keyed Token", "1") {
        _mint(msg.sender, 10 ** 27);
    }
}

/// @notice A token that counts nonces by key and takes any nonce of an authorization, except while it is stopped.
contract StoppableToken is ERC3009 {
    bool private _stopped;

    constructor() ERC20("Stoppable Token", "ST") EIP712("Stoppable Token", "1") {
        _mint(msg.sender, 10 ** 27);
    }

    function setStopped(bool stopped) external {
        _stopped = stopped;
    }

    function nonces(address, uint192) external pure returns (uint256) {
        return 0;
    }

    function _update(address from, address to, uint256 value) internal override {
        require(!_stopped);
        super._update(from, to, value);
    }
}

/// @notice A token whose fallback function accepts each call, so a permit does nothing and does not fail.
contract IdlePermitToken is ERC20, EIP712 {
    constructor() ERC20("Idle Token", "IT") EIP712("Idle Token", "1") {
        _mint(msg.sender, 10 ** 27);
    }

    fallback() external {}

    function DOMAIN_SEPARATOR() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    function nonces(address) external pure returns (uint256) {
        return 0;
    }
}
