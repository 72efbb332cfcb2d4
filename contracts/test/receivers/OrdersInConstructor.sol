// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {ICredits} from "../../credits/ICredits.sol";
import {Party} from "./Party.sol";

/// @notice Orders for itself while it is being made and has no code yet, so nobody can ask it whether it takes credits.
/// @dev A price in a token is paid from what the address was sent before; the native coin comes with the constructor.
contract OrdersInConstructor is Party {
    /// @param credits Contract to order from.
    /// @param token Token of the price; zero for the native coin and for free plans.
    /// @param planId The plan.
    /// @param quantity Number of purchases.
    /// @param maxCost Most to pay, in base units of the token.
    constructor(ICredits credits, IERC20 token, uint256 planId, uint256 quantity, uint256 maxCost) payable {
        if (address(token) != address(0)) token.approve(address(credits), maxCost);
        credits.order{value: msg.value}(planId, address(this), quantity, maxCost);
    }
}
