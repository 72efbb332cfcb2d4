// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Receiver} from "./Receiver.sol";

/// @notice Accepts credits as the ERC says, and remembers what the last hook was called with.
contract AcceptsCredits is Receiver {
    address public operator;
    uint48 public singleCount;
    uint48 public batchCount;
    address public from;
    uint256 public id;
    uint256 public value;
    bytes public data;
    uint256[] private _ids;
    uint256[] private _values;

    /// @notice Returns what the last batch hook was called with.
    function batch() external view returns (uint256[] memory ids, uint256[] memory values) {
        return (_ids, _values);
    }

    function onERC1155Received(
        address newOperator,
        address newFrom,
        uint256 newId,
        uint256 newValue,
        bytes calldata newData
    ) external override returns (bytes4) {
        ++singleCount;
        (operator, from, id, value, data) = (newOperator, newFrom, newId, newValue, newData);
        return this.onERC1155Received.selector;
    }

    function onERC1155BatchReceived(
        address newOperator,
        address newFrom,
        uint256[] calldata newIds,
        uint256[] calldata newValues,
        bytes calldata newData
    ) external override returns (bytes4) {
        ++batchCount;
        (operator, from, _ids, _values, data) = (newOperator, newFrom, newIds, newValues, newData);
        return this.onERC1155BatchReceived.selector;
    }
}
