// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ERC1155Holder} from "@openzeppelin/contracts/token/ERC1155/utils/ERC1155Holder.sol";

/// @title What the accounts of the tests have in common: they receive credits and call other contracts for their sender.
/// @dev Anybody may call, because the tests are about signatures.
abstract contract CallingAccount is ERC1155Holder {
    struct Call {
        address target;
        uint256 value;
        bytes data;
    }

    /// @notice Makes a call as the account.
    function execute(address target, uint256 value, bytes calldata data) external payable {
        _call(target, value, data);
    }

    /// @notice Makes several calls as the account.
    function executeBatch(Call[] calldata calls) external payable {
        for (uint256 i = 0; i < calls.length; i++) {
            _call(calls[i].target, calls[i].value, calls[i].data);
        }
    }

    function _call(address target, uint256 value, bytes calldata data) private {
        (bool success, bytes memory result) = target.call{value: value}(data);
        if (!success) {
            assembly ("memory-safe") {
                revert(add(result, 32), mload(result))
            }
        }
    }

    receive() external payable {}
}
