// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ERC1155Holder} from "@openzeppelin/contracts/token/ERC1155/utils/ERC1155Holder.sol";

/// @title A receiver that takes credits of one plan only, or of all others, and says so when it refuses.
contract ChoosyReceiver is ERC1155Holder {
    uint256 private immutable _PLAN;
    bool private immutable _TAKES;

    constructor(uint256 planId, bool takes) {
        _PLAN = planId;
        _TAKES = takes;
    }

    function onERC1155Received(address, address, uint256 planId, uint256, bytes memory)
        public
        view
        override
        returns (bytes4)
    {
        require((planId == _PLAN) == _TAKES, "not of this plan");
        return this.onERC1155Received.selector;
    }
}
