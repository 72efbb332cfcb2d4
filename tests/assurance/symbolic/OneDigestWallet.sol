// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

/// @notice A wallet that has signed one digest, or all.
contract OneDigestWallet is IERC1271 {
    bytes32 private signed;
    bool private all;

    function sign(bytes32 digest) external {
        signed = digest;
    }

    function signAll() external {
        all = true;
    }

    function isValidSignature(bytes32 digest, bytes calldata) external view returns (bytes4) {
        return all || digest == signed ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}
