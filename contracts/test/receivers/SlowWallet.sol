// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

import {Actor} from "./Actor.sol";

/// @notice An ERC-1271 wallet that has signed everything, and needs so much gas to say so.
contract SlowWallet is Actor, IERC1271 {
    uint256 public immutable gasNeeded;

    /// @param gasToSayYes Gas that it uses up before it answers; with less it reverts.
    constructor(uint256 gasToSayYes) {
        gasNeeded = gasToSayYes;
    }

    /// @inheritdoc IERC1271
    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        uint256 end = gasleft() - gasNeeded;
        while (gasleft() > end) {}
        return IERC1271.isValidSignature.selector;
    }
}
