// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {vm} from "./Vm.sol";

/// @notice Assertions. A failure reverts with a sentence that says what was expected and what is.
abstract contract Checks {
    function _fail(string memory message) internal pure {
        revert(message);
    }

    function _check(bool ok, string memory message) internal pure {
        if (!ok) revert(message);
    }

    function _same(uint256 actual, uint256 expected, string memory what) internal pure {
        if (actual != expected) {
            revert(string.concat(what, ": expected ", vm.toString(expected), ", is ", vm.toString(actual)));
        }
    }

    function _same(address actual, address expected, string memory what) internal pure {
        if (actual != expected) {
            revert(string.concat(what, ": expected ", vm.toString(expected), ", is ", vm.toString(actual)));
        }
    }

    function _same(bytes32 actual, bytes32 expected, string memory what) internal pure {
        if (actual != expected) {
            revert(string.concat(what, ": expected ", vm.toString(expected), ", is ", vm.toString(actual)));
        }
    }

    function _bound(uint256 x, uint256 least, uint256 most) internal pure returns (uint256) {
        unchecked {
            uint256 size = most - least + 1;
            return size == 0 ? x : least + x % size;
        }
    }

    function _selector(bytes memory answer) internal pure returns (bytes4) {
        return answer.length < 4 ? bytes4(0) : bytes4(answer);
    }
}
