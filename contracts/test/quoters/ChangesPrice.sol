// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IQuoter} from "../../credits/IQuoter.sol";

/// @notice Names one price today and another tomorrow, whatever is ordered.
contract ChangesPrice is IQuoter {
    uint256 public price;

    /// @param firstPrice What it names until told otherwise.
    constructor(uint256 firstPrice) {
        price = firstPrice;
    }

    /// @notice Sets what an order costs from now on.
    function setPrice(uint256 newPrice) external {
        price = newPrice;
    }

    /// @inheritdoc IQuoter
    function quote(uint256, address, uint256) external view returns (uint256) {
        return price;
    }
}
