// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {VrsOnly} from "./VrsOnly.sol";

/// @notice Takes authorizations with v, r, s, and has a fallback that accepts one as bytes, and any other call, without a word.
contract PhantomAuthorization is VrsOnly {
    fallback() external {}
}
