// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {IERC721Metadata} from "@openzeppelin/contracts/token/ERC721/extensions/IERC721Metadata.sol";

import {AttachedPlan, IAgentRegistry} from "./IAgentRegistry.sol";
import {ICredits} from "../credits/ICredits.sol";

/// @title Agents and the plans they accept
/// @notice See {IAgentRegistry}, which documents every function, event and error.
/// @dev The functions are in the order of an agent's life: register, change, attach, detach, replace, read. Only {_attach} and
/// {_detach} change which plans an agent has.
contract AgentRegistry is IAgentRegistry, ERC721 {
    /// @dev That an agent accepts a plan, in one slot. Says where each is in the other's list, so that detaching searches nothing.
    struct Link {
        uint32 minCredits;
        uint32 maxCredits;
        uint64 planPosition; // in _plansOf[agentId], counted from 1; 0 if the plan is not attached
        uint64 agentPosition; // in _agentsOf[planId], counted from 1
    }

    /// @inheritdoc IAgentRegistry
    uint256 public constant MAX_PLANS = 64;

    /// @dev Never changes. Not `immutable`, which would be part of the code: so the code is the same on every chain, and its hash tells it.
    ICredits private _credits;
    uint64 private _agentCount;
    mapping(uint256 agentId => string) private _uris;
    mapping(uint256 agentId => mapping(uint256 planId => Link)) private _links;
    mapping(uint256 agentId => uint256[]) private _plansOf;
    mapping(uint256 planId => uint64[]) private _agentsOf;

    /// @param credits_ The contract that keeps the plans.
    constructor(ICredits credits_) ERC721("nvm_chain agents", "AGENT") {
        if (address(credits_).code.length == 0) revert CreditsWithoutCode(address(credits_));
        _credits = credits_;
    }

    modifier onlyAgentOwner(uint256 agentId) {
        if (ownerOf(agentId) != msg.sender) revert NotAgentOwner(agentId, msg.sender);
        _;
    }

    // ------------------------------------------------------------------ agents

    /// @inheritdoc IAgentRegistry
    function register(string calldata agentUri, AttachedPlan[] calldata plans) external returns (uint256 agentId) {
        agentId = ++_agentCount;
        _mint(msg.sender, agentId);
        _uris[agentId] = agentUri;
        emit Registered(agentId, agentUri, msg.sender);
        _attachAll(agentId, plans);
    }

    /// @inheritdoc IAgentRegistry
    function setAgentUri(uint256 agentId, string calldata agentUri) external onlyAgentOwner(agentId) {
        _uris[agentId] = agentUri;
        emit URIUpdated(agentId, agentUri, msg.sender);
    }

    // ------------------------------------------------------------------ plans

    /// @inheritdoc IAgentRegistry
    function attachPlan(uint256 agentId, uint256 planId, uint32 minCredits, uint32 maxCredits)
        external
        onlyAgentOwner(agentId)
    {
        _attach(agentId, planId, minCredits, maxCredits);
    }

    function _attach(uint256 agentId, uint256 planId, uint32 minCredits, uint32 maxCredits) private {
        uint256[] storage plans = _plansOf[agentId];
        Link storage link = _links[agentId][planId];
        if (minCredits > maxCredits) revert InvalidCreditsRange(planId, minCredits, maxCredits);
        if (link.planPosition != 0) revert PlanAlreadyAttached(agentId, planId);
        if (plans.length == MAX_PLANS) revert TooManyPlans(MAX_PLANS + 1, MAX_PLANS);
        if (_credits.stateOf(planId).owner != msg.sender) revert ICredits.NotPlanOwner(planId, msg.sender);

        uint64[] storage agents = _agentsOf[planId];
        plans.push(planId);
        agents.push(uint64(agentId)); // an agent that exists has an id of 64 bits
        link.minCredits = minCredits;
        link.maxCredits = maxCredits;
        link.planPosition = uint64(plans.length);
        link.agentPosition = uint64(agents.length);
        emit PlanAttached(agentId, planId, minCredits, maxCredits);
    }

    /// @inheritdoc IAgentRegistry
    function detachPlan(uint256 agentId, uint256 planId) external {
        address agentOwner = ownerOf(agentId);
        if (_links[agentId][planId].planPosition == 0) revert PlanNotAttached(agentId, planId);
        if (msg.sender != agentOwner && msg.sender != _credits.stateOf(planId).owner) {
            revert DetachNotAllowed(agentId, planId, msg.sender);
        }
        _detach(agentId, planId);
    }

    /// @dev The last of each list takes the place that is free, and the last may be the one that goes: its link is deleted after.
    function _detach(uint256 agentId, uint256 planId) private {
        Link memory link = _links[agentId][planId];

        uint256[] storage plans = _plansOf[agentId];
        uint256 lastPlan = plans[plans.length - 1];
        plans[link.planPosition - 1] = lastPlan;
        _links[agentId][lastPlan].planPosition = link.planPosition;
        plans.pop();

        uint64[] storage agents = _agentsOf[planId];
        uint64 lastAgent = agents[agents.length - 1];
        agents[link.agentPosition - 1] = lastAgent;
        _links[lastAgent][planId].agentPosition = link.agentPosition;
        agents.pop();

        delete _links[agentId][planId];
        emit PlanDetached(agentId, planId, msg.sender);
    }

    /// @inheritdoc IAgentRegistry
    function replacePlans(uint256 agentId, AttachedPlan[] calldata plans) external onlyAgentOwner(agentId) {
        uint256[] storage old = _plansOf[agentId];
        for (uint256 i = old.length; i > 0; --i) {
            _detach(agentId, old[i - 1]);
        }
        _attachAll(agentId, plans);
    }

    function _attachAll(uint256 agentId, AttachedPlan[] calldata plans) private {
        if (plans.length > MAX_PLANS) revert TooManyPlans(plans.length, MAX_PLANS);
        for (uint256 i; i < plans.length; ++i) {
            _attach(agentId, plans[i].planId, plans[i].minCredits, plans[i].maxCredits);
        }
    }

    // ------------------------------------------------------------------ reads

    /// @inheritdoc IAgentRegistry
    function credits() external view returns (ICredits) {
        return _credits;
    }

    /// @inheritdoc IAgentRegistry
    function agentCount() external view returns (uint256) {
        return _agentCount;
    }

    /// @inheritdoc IERC721Metadata
    function tokenURI(uint256 agentId) public view override(ERC721, IERC721Metadata) returns (string memory) {
        _requireOwned(agentId);
        return _uris[agentId];
    }

    /// @inheritdoc IAgentRegistry
    function plansOf(uint256 agentId) external view returns (AttachedPlan[] memory plans) {
        _requireOwned(agentId);
        uint256[] storage planIds = _plansOf[agentId];
        plans = new AttachedPlan[](planIds.length);
        for (uint256 i; i < plans.length; ++i) {
            Link storage link = _links[agentId][planIds[i]];
            plans[i] = AttachedPlan(planIds[i], link.minCredits, link.maxCredits);
        }
    }

    /// @inheritdoc IAgentRegistry
    function agentsOf(uint256 planId, uint256 offset, uint256 limit) external view returns (uint256[] memory agentIds) {
        uint64[] storage agents = _agentsOf[planId];
        if (offset >= agents.length) return agentIds;
        uint256 rest = agents.length - offset;
        agentIds = new uint256[](limit < rest ? limit : rest);
        for (uint256 i; i < agentIds.length; ++i) {
            agentIds[i] = agents[offset + i];
        }
    }

    /// @inheritdoc IAgentRegistry
    function agentCountOf(uint256 planId) external view returns (uint256) {
        return _agentsOf[planId].length;
    }

    /// @inheritdoc IAgentRegistry
    function costOf(uint256 agentId, uint256 planId) external view returns (uint32 minCredits, uint32 maxCredits) {
        _requireOwned(agentId);
        Link storage link = _links[agentId][planId];
        if (link.planPosition == 0) revert PlanNotAttached(agentId, planId);
        return (link.minCredits, link.maxCredits);
    }
}
