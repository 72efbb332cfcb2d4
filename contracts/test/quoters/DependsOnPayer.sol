// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IQuoter} from "../../credits/IQuoter.sol";

/// @notice Asks one price of everybody and another of those it dislikes.
contract DependsOnPayer is IQuoter {
    uint256 public constant PRICE = 1000;
    uint256 public constant DISLIKED_PRICE = 9000;

    mapping(address payer => bool) public disliked;

    /// @notice Has an account pay more.
    function dislike(address payer) external {
        disliked[payer] = true;
    }

    /// @inheritdoc IQuoter
    function quote(uint256, address payer, uint256 quantity) external view returns (uint256) {
        return (disliked[payer] ? DISLIKED_PRICE : PRICE) * quantity;
    }
}
