// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

import {AgentRegistry} from "../../../../contracts/agents/AgentRegistry.sol";
import {AttachedPlan, IAgentRegistry} from "../../../../contracts/agents/IAgentRegistry.sol";
import {ICredits} from "../../../../contracts/credits/ICredits.sol";
import {vm} from "../support/Vm.sol";
import {Fixture} from "./Fixture.sol";

/// @notice The limits of agents, and reads of what is not there.
contract RegistryTest is Fixture {
    function _plans(uint256 count) private returns (AttachedPlan[] memory plans) {
        plans = new AttachedPlan[](count);
        for (uint256 i; i < count; ++i) {
            plans[i] = AttachedPlan(_register(_terms()), 1, 2);
        }
    }

    function _agent(AttachedPlan[] memory plans) private returns (uint256) {
        vm.prank(BUILDER);
        return registry.register("uri", plans);
    }

    function test_constructor__withoutCode__reverts() external {
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.CreditsWithoutCode.selector, STRANGER));
        new AgentRegistry(ICredits(STRANGER));
    }

    function test_credits__always__isTheContractGiven() external view {
        _same(address(registry.credits()), address(credits), "credits");
    }

    function test_attachPlan__beyondTheLast__reverts() external {
        uint256 agentId = _agent(_plans(64));
        uint256 planId = _register(_terms());
        vm.prank(BUILDER);
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.TooManyPlans.selector, 65, 64));
        registry.attachPlan(agentId, planId, 0, 0);
        _same(registry.plansOf(agentId).length, 64, "plans");
    }

    function test_register__withTooManyPlans__reverts() external {
        AttachedPlan[] memory plans = _plans(65);
        vm.prank(BUILDER);
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.TooManyPlans.selector, 65, 64));
        registry.register("", plans);
    }

    function test_attachPlan__wrongly__reverts() external {
        AttachedPlan[] memory plans = _plans(1);
        uint256 agentId = _agent(plans);
        uint256 planId = plans[0].planId;
        vm.prank(BUILDER);
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.PlanAlreadyAttached.selector, agentId, planId));
        registry.attachPlan(agentId, planId, 1, 2);
        vm.prank(BUILDER);
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.InvalidCreditsRange.selector, planId, 2, 1));
        registry.attachPlan(agentId, planId, 2, 1);
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.NotAgentOwner.selector, agentId, STRANGER));
        registry.attachPlan(agentId, planId, 1, 2);
        vm.prank(STRANGER);
        uint256 stranded = registry.register("", new AttachedPlan[](0));
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(ICredits.NotPlanOwner.selector, planId, STRANGER));
        registry.attachPlan(stranded, planId, 1, 2);
    }

    function test_detachPlan__wrongly__reverts() external {
        AttachedPlan[] memory plans = _plans(1);
        (uint256 agentId, uint256 planId) = (_agent(plans), plans[0].planId);
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.DetachNotAllowed.selector, agentId, planId, STRANGER));
        registry.detachPlan(agentId, planId);
        vm.prank(BUILDER);
        registry.detachPlan(agentId, planId);
        vm.prank(BUILDER);
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.PlanNotAttached.selector, agentId, planId));
        registry.detachPlan(agentId, planId);
    }

    function test_reads__ofWhatIsNotThere__revert() external {
        bytes memory error = abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 9);
        vm.expectRevert(error);
        registry.tokenURI(9);
        vm.expectRevert(error);
        registry.plansOf(9);
        vm.expectRevert(error);
        registry.costOf(9, 1);
        uint256 agentId = _agent(_plans(0));
        vm.expectRevert(abi.encodeWithSelector(IAgentRegistry.PlanNotAttached.selector, agentId, 1));
        registry.costOf(agentId, 1);
    }

    function testFuzz_agentsOf__anyPage__isThatPartOfTheList(uint256 offset, uint256 limit, uint256 count) external {
        AttachedPlan[] memory plans = _plans(1);
        count = _bound(count, 0, 6);
        for (uint256 i; i < count; ++i) {
            _agent(plans);
        }
        if (offset % 2 == 0) offset %= 8;
        if (limit % 2 == 0) limit %= 8;
        uint256[] memory page = registry.agentsOf(plans[0].planId, offset, limit);
        uint256 rest = offset < count ? count - offset : 0;
        _same(page.length, limit < rest ? limit : rest, "agents of the page");
        for (uint256 i; i < page.length; ++i) {
            _same(page[i], 1 + offset + i, "agent");
        }
    }

    /// @dev Links made and taken away in any order, against a table of them.
    function testFuzz_detachPlan__inAnyOrder__keepsBothLists(uint256 seed) external {
        AttachedPlan[] memory plans = _plans(4);
        bool[4][4] memory attached; // by agent, by plan
        for (uint256 i; i < 4; ++i) {
            _agent(new AttachedPlan[](0));
        }
        for (uint256 step; step < 30; ++step) {
            uint256 roll = uint256(keccak256(abi.encode(seed, step)));
            (uint256 agent, uint256 plan) = (roll % 4, (roll >> 8) % 4);
            vm.prank(BUILDER);
            if (attached[agent][plan]) registry.detachPlan(agent + 1, plans[plan].planId);
            else registry.attachPlan(agent + 1, plans[plan].planId, 1, 2);
            attached[agent][plan] = !attached[agent][plan];
            _checkLinks(plans, attached);
        }
    }

    function _checkLinks(AttachedPlan[] memory plans, bool[4][4] memory attached) private view {
        for (uint256 i; i < 4; ++i) {
            (uint256 ofAgent, uint256 ofPlan) = (0, 0);
            for (uint256 j; j < 4; ++j) {
                if (attached[i][j]) ++ofAgent;
                if (attached[j][i]) ++ofPlan;
                if (attached[j][i]) {
                    _check(_isIn(registry.agentsOf(plans[i].planId, 0, 9), j + 1), "an agent is missing");
                }
            }
            _same(registry.plansOf(i + 1).length, ofAgent, "plans of the agent");
            _same(registry.agentCountOf(plans[i].planId), ofPlan, "agents of the plan");
        }
    }

    function _isIn(uint256[] memory list, uint256 wanted) private pure returns (bool) {
        for (uint256 i; i < list.length; ++i) {
            if (list[i] == wanted) return true;
        }
        return false;
    }
}
