// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {WeirdToken} from "./WeirdToken.sol";

/// @notice Does what it is told: a plain ERC-20 with 18 decimals, to hold the others against.
contract HonestToken is WeirdToken {}
