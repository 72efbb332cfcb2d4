// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title A receiver that refuses credits with any bytes, such as those of an error of Credits.
contract ErrorReceiver {
    bytes private _answer;

    constructor(bytes memory answer) {
        _answer = answer;
    }

    function onERC1155Received(address, address, uint256, uint256, bytes calldata) external view returns (bytes4) {
        bytes memory answer = _answer;
        assembly {
            revert(add(answer, 32), mload(answer))
        }
    }
}
