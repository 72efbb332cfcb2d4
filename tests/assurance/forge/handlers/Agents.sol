// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

import {AttachedPlan, IAgentRegistry} from "../../../../contracts/agents/IAgentRegistry.sol";
import {ICredits} from "../../../../contracts/credits/ICredits.sol";

import {Reentrants} from "./Reentrants.sol";
import {vm} from "../support/Vm.sol";

/// @notice Agents: registered, given other plans, handed over, by those who own them and by others.
abstract contract Agents is Reentrants {
    struct AgentNote {
        address owner;
        string uri;
        AttachedPlan[] plans;
    }

    /// @dev The agent's id is its position, from 1.
    AgentNote[] internal agents;
    mapping(uint256 agentId => address) private _approvedFor;
    mapping(address owner => mapping(address operator => bool)) private _operators;

    function _setUpAgents() internal {
        for (uint256 i; i < 3; ++i) {
            _registerAgent(i);
        }
    }

    function register(uint128 seed) external onTime {
        _registerAgent(seed);
    }

    function _registerAgent(uint256 seed) private {
        address owner = plans[seed % plans.length].owner;
        AttachedPlan[] memory list = _someOf(owner, seed);
        bytes4 why = _whyNoList(owner, list);
        bytes memory data = abi.encodeCall(IAgentRegistry.register, (vm.toString(seed), list));
        if (!_tryAgents("register", owner, data, why)) return;
        AgentNote storage agent = agents.push();
        (agent.owner, agent.uri) = (owner, vm.toString(seed));
        _setPlans(agent, list);
        _same(registry.agentCount(), agents.length, "agentCount");
    }

    function setAgentUri(uint128 seed) external onTime {
        (uint256 id, AgentNote storage agent, address caller, bytes4 why) = _findAgent(seed);
        bytes memory data = abi.encodeCall(IAgentRegistry.setAgentUri, (id, vm.toString(seed)));
        if (_tryAgents("setAgentUri", caller, data, why)) agent.uri = vm.toString(seed);
    }

    function attachPlan(uint128 seed) external onTime {
        (uint256 id, AgentNote storage agent, address caller, bytes4 why) = _findAgent(seed);
        AttachedPlan memory link = _link(_ownedOrAny(caller, agent, seed), seed);
        if (why == 0) why = _whyNotAttached(caller, agent, link);
        bytes memory data =
            abi.encodeCall(IAgentRegistry.attachPlan, (id, link.planId, link.minCredits, link.maxCredits));
        if (_tryAgents("attachPlan", caller, data, why)) agent.plans.push(link);
    }

    /// @dev Owners of the agent and owners of the plan may detach.
    function detachPlan(uint128 seed) external onTime {
        (uint256 id, AgentNote storage agent, address caller,) = _findAgent(seed);
        for (uint256 i; i < agents.length && agents[id - 1].plans.length == 0; ++i) {
            (id, agent, caller,) = _findAgent(seed + i * 32);
        }
        uint256 count = agent.plans.length;
        uint256 planId = count == 0 || _isWrong(seed) ? _anyPlan(seed).id : agent.plans[seed % count].planId;
        address planOwner = plans[indexOf[planId]].owner;
        if (seed % 3 == 0) caller = planOwner;
        uint256 place = _positionOf(agent, planId);
        bytes4 why;
        if (place == 0) why = IAgentRegistry.PlanNotAttached.selector;
        else if (caller != agent.owner && caller != planOwner) why = IAgentRegistry.DetachNotAllowed.selector;
        bytes memory data = abi.encodeCall(IAgentRegistry.detachPlan, (id, planId));
        if (_tryAgents("detachPlan", caller, data, why)) {
            agent.plans[place - 1] = agent.plans[count - 1];
            agent.plans.pop();
        }
    }

    function replacePlans(uint128 seed) external onTime {
        (uint256 id, AgentNote storage agent, address caller, bytes4 why) = _findAgent(seed);
        AttachedPlan[] memory list = _someOf(caller, seed);
        if (why == 0) why = _whyNoList(caller, list);
        if (_tryAgents("replacePlans", caller, abi.encodeCall(IAgentRegistry.replacePlans, (id, list)), why)) {
            delete agent.plans;
            _setPlans(agent, list);
        }
    }

    /// @dev In all three ways of ERC-721, by the owner, the one approved for the agent, and operators.
    function transferAgent(uint128 seed) external onTime {
        (uint256 id, AgentNote storage agent, address caller,) = _findAgent(seed);
        if (seed % 3 == 0 && _approvedFor[id] != address(0)) caller = _approvedFor[id];
        if (seed % 3 == 1) caller = _operatorOf(agent.owner, caller);
        address to = holders[_mix(seed, "to") % KEYS];
        bool may = caller == agent.owner || caller == _approvedFor[id] || _operators[agent.owner][caller];
        // ERC721InsufficientApproval(address,uint256)
        bytes4 why = may ? bytes4(0) : bytes4(0x177e802f);
        uint256 way = _mix(seed, "way") % 3;
        bytes memory data = abi.encodeCall(IERC721.transferFrom, (agent.owner, to, id));
        if (way == 1) data = abi.encodeWithSignature("safeTransferFrom(address,address,uint256)", agent.owner, to, id);
        if (way == 2) {
            data = abi.encodeWithSignature("safeTransferFrom(address,address,uint256,bytes)", agent.owner, to, id, "x");
        }
        if (_tryAgents("transfer of an agent", caller, data, why)) (agent.owner, _approvedFor[id]) = (to, address(0));
        _same(registry.getApproved(id), _approvedFor[id], "getApproved");
    }

    function approveAgent(uint128 seed) external onTime {
        (uint256 id, AgentNote storage agent, address caller,) = _findAgent(seed);
        if (seed % 3 == 0) caller = _operatorOf(agent.owner, caller);
        address to = _mix(seed, "nobody") % 8 == 0 ? address(0) : _caller(_mix(seed, "to"));
        // ERC721InvalidApprover(address)
        bytes4 why = caller == agent.owner || _operators[agent.owner][caller] ? bytes4(0) : bytes4(0xa9fbf51f);
        bytes memory data = abi.encodeCall(IERC721.approve, (to, id));
        if (_tryAgents("approve of an agent", caller, data, why)) _approvedFor[id] = to;
        _same(registry.getApproved(id), _approvedFor[id], "getApproved");
    }

    function setAgentOperator(uint128 seed) external onTime {
        (address owner, address operator) = (agents[seed % agents.length].owner, _caller(_mix(seed, "operator")));
        if (_isWrong(seed)) operator = address(0);
        bool allowed = _mix(seed, "allowed") % 2 == 0;
        // ERC721InvalidOperator(address)
        bytes4 why = operator == address(0) ? bytes4(0x5b08ba18) : bytes4(0);
        bytes memory data = abi.encodeCall(IERC721.setApprovalForAll, (operator, allowed));
        if (_tryAgents("setApprovalForAll of agents", owner, data, why)) _operators[owner][operator] = allowed;
    }

    function _operatorOf(address owner, address otherwise) private view returns (address) {
        for (uint256 i; i < 8; ++i) {
            if (_operators[owner][_caller(i)]) return _caller(i);
        }
        return otherwise;
    }

    // ------------------------------------------------------------------ which

    function _tryAgents(string memory name, address caller, bytes memory data, bytes4 why) private returns (bool) {
        (bool done,) = _attempt(Attempt(name, caller, address(registry), 0, data, why));
        return done;
    }

    function _findAgent(uint256 seed)
        private
        view
        returns (uint256 id, AgentNote storage agent, address caller, bytes4 why)
    {
        id = 1 + seed % agents.length;
        agent = agents[id - 1];
        caller = _isWrong(seed) ? _caller(_mix(seed, "anyone")) : agent.owner;
        if (caller != agent.owner) why = IAgentRegistry.NotAgentOwner.selector;
    }

    /// @dev A plan that the caller owns and the agent has not, or any.
    function _ownedOrAny(address owner, AgentNote storage agent, uint256 seed) private view returns (uint256) {
        for (uint256 i; i < plans.length && !_isWrong(seed); ++i) {
            PlanNote storage plan = plans[(seed + i) % plans.length];
            if (plan.owner == owner && _positionOf(agent, plan.id) == 0) return plan.id;
        }
        return _anyPlan(seed).id;
    }

    /// @dev Some of an owner's plans; now and then one twice, one of another, or a range that is none.
    function _someOf(address owner, uint256 seed) private view returns (AttachedPlan[] memory list) {
        AttachedPlan[] memory found = new AttachedPlan[](4);
        uint256 count;
        for (uint256 i; i < plans.length && count < _mix(seed, "count") % 4; ++i) {
            PlanNote storage plan = plans[(seed + i) % plans.length];
            if (plan.owner == owner) found[count++] = _link(plan.id, seed + i);
        }
        uint256 extra = _isWrong(seed) && count > 0 ? 1 : 0;
        list = new AttachedPlan[](count + extra);
        for (uint256 i; i < count; ++i) {
            list[i] = found[i];
        }
        if (extra == 1) list[count] = seed % 2 == 0 ? found[0] : _link(_anyPlan(seed).id, seed);
    }

    function _link(uint256 planId, uint256 seed) private pure returns (AttachedPlan memory) {
        uint32 least = uint32(_mix(seed, "least") % 100);
        uint32 most = uint32(least + _mix(seed, "most") % 100);
        if (_isWrong(seed) && _mix(seed, "range") % 4 == 0) (least, most) = (most + 1, least);
        return AttachedPlan(planId, least, most);
    }

    function _positionOf(AgentNote storage agent, uint256 planId) private view returns (uint256) {
        for (uint256 i; i < agent.plans.length; ++i) {
            if (agent.plans[i].planId == planId) return i + 1;
        }
        return 0;
    }

    function _setPlans(AgentNote storage agent, AttachedPlan[] memory list) private {
        for (uint256 i; i < list.length; ++i) {
            agent.plans.push(list[i]);
        }
    }

    // ------------------------------------------------------------------ what must come of it

    function _whyNotAttached(address caller, AgentNote storage agent, AttachedPlan memory link)
        private
        view
        returns (bytes4)
    {
        if (link.minCredits > link.maxCredits) return IAgentRegistry.InvalidCreditsRange.selector;
        if (_positionOf(agent, link.planId) != 0) return IAgentRegistry.PlanAlreadyAttached.selector;
        bool owns = plans[indexOf[link.planId]].owner == caller;
        return owns ? bytes4(0) : ICredits.NotPlanOwner.selector;
    }

    /// @dev The first error of a list of plans that an agent without plans is given.
    function _whyNoList(address caller, AttachedPlan[] memory list) private view returns (bytes4) {
        for (uint256 i; i < list.length; ++i) {
            if (list[i].minCredits > list[i].maxCredits) return IAgentRegistry.InvalidCreditsRange.selector;
            for (uint256 j; j < i; ++j) {
                if (list[j].planId == list[i].planId) return IAgentRegistry.PlanAlreadyAttached.selector;
            }
            if (plans[indexOf[list[i].planId]].owner != caller) return ICredits.NotPlanOwner.selector;
        }
        return 0;
    }
}
