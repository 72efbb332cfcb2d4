// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {WeirdToken} from "./WeirdToken.sol";

/// @notice Returns its name and symbol as bytes32 and not as strings, as MKR does.
contract NameIsBytes32 is WeirdToken {
    function name() external pure override returns (string memory) {
        _answer("Maker");
    }

    function symbol() external pure override returns (string memory) {
        _answer("MKR");
    }

    function _answer(bytes32 text) private pure {
        assembly ("memory-safe") {
            mstore(0, text)
            return(0, 32)
        }
    }
}
