// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AgentRegistry} from "../../../contracts/agents/AgentRegistry.sol";
import {AttachedPlan} from "../../../contracts/agents/IAgentRegistry.sol";
import {ICredits} from "../../../contracts/credits/ICredits.sol";
import {Setting} from "./Setting.sol";

/// @notice What strangers can do to an agent.
contract AgentProofs is Setting {
    AgentRegistry private registry;
    uint256 private agentId;

    function setUp() public override {
        super.setUp();
        registry = new AgentRegistry(ICredits(address(credits)));
        AttachedPlan[] memory plans = new AttachedPlan[](1);
        plans[0] = AttachedPlan(planId, 1, 2);
        vm.prank(BUILDER);
        agentId = registry.register("agent", plans);
    }

    function _agent() private view returns (bytes32) {
        return keccak256(
            abi.encode(
                registry.ownerOf(agentId),
                registry.getApproved(agentId),
                registry.tokenURI(agentId),
                registry.plansOf(agentId),
                registry.agentCountOf(planId)
            )
        );
    }

    /// @notice Whatever a stranger calls, with whatever arguments, an agent keeps its owner, its description and its plans.
    /// @dev C14
    /// @custom:halmos --default-array-lengths 1 --default-bytes-lengths 32
    function check_allFunctions__stranger__agentStays() public {
        address stranger = svm.createAddress("stranger");
        vm.assume(stranger != BUILDER && stranger != address(0));
        bytes32 before = _agent();
        bytes memory data = svm.createCalldata("AgentRegistry");
        vm.prank(stranger);
        (bool done,) = address(registry).call(data);
        require(done);
        assert(_agent() == before);
    }
}
