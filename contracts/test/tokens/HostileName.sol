// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {WeirdToken} from "./WeirdToken.sol";

/// @notice Has a name that attacks whoever prints it: terminal escapes, new lines, markup, quotes, zero bytes, reversed text.
contract HostileName is WeirdToken {
    string private _name =
        "USD\x1b[2J\x1b]0;owned\x07\r\n<script>alert(1)</script>\x00'; DROP TABLE plans;--\"{{7*7}}\u202ECDSU";
    string private _symbol = "\x1b[31mUSDC\u200b\n";

    /// @notice Sets another name and symbol, which may be of any length and need not be UTF-8.
    function setName(bytes calldata newName, bytes calldata newSymbol) external {
        _name = string(newName);
        _symbol = string(newSymbol);
    }

    function name() external view override returns (string memory) {
        return _name;
    }

    function symbol() external view override returns (string memory) {
        return _symbol;
    }
}
