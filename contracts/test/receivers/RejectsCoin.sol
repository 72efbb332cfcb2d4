// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice Takes no coin.
contract RejectsCoin {}
