// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {AgentRegistry} from "../../../../contracts/agents/AgentRegistry.sol";
import {Credits} from "../../../../contracts/credits/Credits.sol";
import {Split, Terms} from "../../../../contracts/credits/ICredits.sol";
import {Checks} from "../support/Checks.sol";
import {vm} from "../support/Vm.sol";

/// @notice Both contracts, a builder, and terms that make a plan.
abstract contract Fixture is Checks {
    address internal constant OWNER = address(0x0111);
    address internal constant BUILDER = address(0x0222);
    address internal constant HOLDER = address(0x0333);
    address internal constant STRANGER = address(0x0444);

    Credits internal credits = new Credits(OWNER);
    AgentRegistry internal registry = new AgentRegistry(credits);
    uint256 private _salt;

    function _terms() internal pure returns (Terms memory terms) {
        (terms.credits, terms.minRedeem, terms.maxRedeem) = (10, 1, 5);
        terms.splits = new Split[](0);
    }

    function _register(Terms memory terms) internal returns (uint256) {
        vm.prank(BUILDER);
        return credits.registerPlan(terms, bytes32(_salt++), "", 1000);
    }

    function _mint(uint256 planId, address to, uint256 amount) internal {
        vm.prank(BUILDER);
        credits.mint(planId, to, amount);
    }

    function _burn(uint256 planId, address holder, uint256 amount) internal {
        vm.prank(holder);
        credits.burn(planId, holder, amount);
    }
}
