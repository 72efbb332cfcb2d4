// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ERC1155Holder} from "@openzeppelin/contracts/token/ERC1155/utils/ERC1155Holder.sol";

import {Callback} from "../Callback.sol";
import {Party} from "./Party.sol";

/// @notice Makes the call it was armed with when it is sent coin, and keeps the coin.
contract ReentersOnCoin is Party, Callback, ERC1155Holder {
    receive() external payable {
        _callBack();
    }
}
