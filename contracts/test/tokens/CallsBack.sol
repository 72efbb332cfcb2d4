// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Callback} from "../Callback.sol";
import {WeirdToken} from "./WeirdToken.sol";

/// @notice Makes the call it was armed with in the middle of every transfer, as ERC-777 tokens call sender and receiver.
/// @dev To call back as somebody, take an Actor as the target.
contract CallsBack is WeirdToken, Callback {
    bool public afterMove;

    /// @notice Chooses whether it calls before the tokens have moved, which is the default, or after.
    function setAfterMove(bool isAfterMove) external {
        afterMove = isAfterMove;
    }

    function _move(address from, address to, uint256 amount) internal override {
        if (!afterMove) _callBack();
        super._move(from, to, amount);
        if (afterMove) _callBack();
    }
}
