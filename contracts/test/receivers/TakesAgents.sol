// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC721Receiver} from "@openzeppelin/contracts/token/ERC721/IERC721Receiver.sol";

import {Party} from "./Party.sol";

/// @notice Takes agents: remembers what its hook was called with, and answers what it was told to.
contract TakesAgents is Party, IERC721Receiver {
    bytes4 public answer = this.onERC721Received.selector;
    address public operator;
    address public from;
    uint256 public tokenId;
    bytes public data;

    /// @notice Sets what the hook answers from now on.
    function setAnswer(bytes4 newAnswer) external {
        answer = newAnswer;
    }

    /// @inheritdoc IERC721Receiver
    function onERC721Received(address newOperator, address newFrom, uint256 newTokenId, bytes calldata newData)
        external
        returns (bytes4)
    {
        (operator, from, tokenId, data) = (newOperator, newFrom, newTokenId, newData);
        return answer;
    }
}
