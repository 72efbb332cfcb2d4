// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {WeirdToken} from "./WeirdToken.sol";

/// @notice Has no permit, and a fallback that accepts a call to it and any other without a word, as WETH does.
contract PhantomPermit is WeirdToken {
    fallback() external {}
}
