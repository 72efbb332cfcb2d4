// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {WeirdToken} from "./WeirdToken.sol";

/// @notice Has permits of another kind than EIP-2612's, as DAI has, and all else that a token with permits has: only its type
/// hash tells.
contract PermitsOtherwise is WeirdToken {
    string public constant version = "1";
    bytes32 public constant PERMIT_TYPEHASH =
        keccak256("Permit(address holder,address spender,uint256 nonce,uint256 expiry,bool allowed)");
    mapping(address holder => uint256) public nonces;

    /// @notice Returns the hash of the token's EIP-712 domain.
    function DOMAIN_SEPARATOR() external view returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256(bytes(this.name())),
                keccak256(bytes(version)),
                block.chainid,
                address(this)
            )
        );
    }
}
