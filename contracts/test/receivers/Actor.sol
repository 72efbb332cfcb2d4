// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ERC1155Holder} from "@openzeppelin/contracts/token/ERC1155/utils/ERC1155Holder.sol";

import {Party} from "./Party.sol";

/// @notice Takes coin and credits and makes the calls it is told to make, as a contract wallet does.
contract Actor is Party, ERC1155Holder {
    receive() external payable {}
}
