// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC721Metadata} from "@openzeppelin/contracts/token/ERC721/extensions/IERC721Metadata.sol";

import {ICredits} from "../credits/ICredits.sol";

/// @notice A plan that an agent accepts, and the credits that one request to the agent costs on it.
struct AttachedPlan {
    /// The plan.
    uint256 planId;
    /// Fewest credits one request costs.
    uint32 minCredits;
    /// Most credits one request costs. Equal to `minCredits`: a fixed cost; both zero: nothing beyond access, as for time plans.
    uint32 maxCredits;
}

/// @title Agents and the plans they accept
/// @notice Builders register agents, services and files as ERC-721 tokens with a metadata URI, in the shape of ERC-8004's identity
/// registry, and attach payment plans to them. Nobody administers the registry, and no money passes through it.
/// @dev Only the owner of an agent changes its URI and its plans. An approved address or an operator of ERC-721 may move the token
/// alone, because markets and custodians hold such approvals. Whoever owns the token after that may change both.
/// Warning: a transferred agent keeps its plans. The new owner can detach them, and attach plans of their own; the owner of a plan can
/// detach it from any agent. An agent that is not registered makes functions revert with ERC721NonexistentToken.
/// Of {ICredits} only `stateOf` is used, whose UnknownPlan comes through where no plan has the id.
interface IAgentRegistry is IERC721Metadata {
    // ------------------------------------------------------------------ errors

    /// @notice Thrown when the registry would be deployed for a Credits contract that is not there.
    /// @param credits The address given.
    error CreditsWithoutCode(address credits);

    /// @notice Thrown when the caller is not the agent's owner.
    error NotAgentOwner(uint256 agentId, address caller);

    /// @notice Thrown when the caller owns neither the agent nor the plan that would be detached.
    error DetachNotAllowed(uint256 agentId, uint256 planId, address caller);

    /// @notice Thrown when a plan would be attached to an agent twice.
    error PlanAlreadyAttached(uint256 agentId, uint256 planId);

    /// @notice Thrown when a plan is not attached to an agent.
    error PlanNotAttached(uint256 agentId, uint256 planId);

    /// @notice Thrown when the lowest cost of a request is above the highest.
    /// @param minCredits Lowest cost of a request, in credits.
    /// @param maxCredits Highest cost of a request, in credits.
    error InvalidCreditsRange(uint256 planId, uint256 minCredits, uint256 maxCredits);

    /// @notice Thrown when an agent would have more plans than are allowed.
    /// @param count Number of plans it would have.
    /// @param max Number of plans allowed.
    error TooManyPlans(uint256 count, uint256 max);

    // ------------------------------------------------------------------ events

    /// @notice Emitted when an agent is registered, after the Transfer of ERC-721 and before its plans are attached. As in ERC-8004.
    /// @param agentId The agent, and its ERC-721 token.
    /// @param agentUri Where its metadata is.
    /// @param owner Who owns it.
    event Registered(uint256 indexed agentId, string agentUri, address indexed owner);

    /// @notice Emitted when an agent's metadata is elsewhere from now on. As in ERC-8004.
    /// @param agentUri Where its metadata is now.
    /// @param owner Who owns it and said so.
    event URIUpdated(uint256 indexed agentId, string agentUri, address indexed owner);

    /// @notice Emitted when an agent accepts a plan from now on.
    /// @param minCredits Fewest credits one request costs.
    /// @param maxCredits Most credits one request costs.
    event PlanAttached(uint256 indexed agentId, uint256 indexed planId, uint32 minCredits, uint32 maxCredits);

    /// @notice Emitted when an agent accepts a plan no longer.
    /// @param caller Who detached it: the agent's owner or the plan's.
    event PlanDetached(uint256 indexed agentId, uint256 indexed planId, address indexed caller);

    // ------------------------------------------------------------------ agents

    /// @notice Registers an agent with its plans; the caller becomes its owner.
    /// @dev Anyone may call. The receiver hook of ERC-721 is not called: the caller asks for the token for itself, and a smart wallet
    /// need not have the hook.
    /// Reverts with {TooManyPlans} if there are more than {MAX_PLANS} plans.
    /// Reverts with {InvalidCreditsRange} if the lowest cost on a plan is above the highest.
    /// Reverts with {PlanAlreadyAttached} if a plan is in the list twice.
    /// Reverts with NotPlanOwner if the caller does not own each of the plans.
    /// @param agentUri Where the agent's metadata is. Anybody can read it, for ever: no secrets.
    /// @param plans The plans it accepts, with the credits one request costs.
    /// @return agentId The agent's id; ids count up from 1.
    function register(string calldata agentUri, AttachedPlan[] calldata plans) external returns (uint256 agentId);

    /// @notice Changes where an agent's metadata is.
    /// @dev Only the agent's owner.
    /// Reverts with {NotAgentOwner} if the caller does not own it.
    /// @param agentUri Where its metadata is from now on.
    function setAgentUri(uint256 agentId, string calldata agentUri) external;

    // ------------------------------------------------------------------ plans

    /// @notice Lets an agent accept a plan.
    /// @dev Only who owns both the agent and the plan.
    /// Reverts with {NotAgentOwner} if the caller does not own the agent.
    /// Reverts with {InvalidCreditsRange} if the least is above the most.
    /// Reverts with {PlanAlreadyAttached} if the agent accepts the plan already.
    /// Reverts with {TooManyPlans} if the agent has {MAX_PLANS} plans.
    /// Reverts with NotPlanOwner if the caller does not own the plan.
    /// @param minCredits Fewest credits one request costs.
    /// @param maxCredits Most credits one request costs.
    function attachPlan(uint256 agentId, uint256 planId, uint32 minCredits, uint32 maxCredits) external;

    /// @notice Ends that an agent accepts a plan; holders keep their credits.
    /// @dev The agent's owner, or the plan's.
    /// Reverts with {PlanNotAttached} if the agent does not accept the plan.
    /// Reverts with {DetachNotAllowed} if the caller owns neither.
    function detachPlan(uint256 agentId, uint256 planId) external;

    /// @notice Detaches all plans of an agent and attaches others. At no moment the agent lacks plans.
    /// @dev Only the owner of the agent and of each new plan, also of new plans that were attached before.
    /// Reverts with {NotAgentOwner} if the caller does not own the agent.
    /// Reverts with {TooManyPlans} if there are more than {MAX_PLANS} plans.
    /// Reverts with {InvalidCreditsRange} if the lowest cost on a plan is above the highest.
    /// Reverts with {PlanAlreadyAttached} if a plan is in the list twice.
    /// Reverts with NotPlanOwner if the caller does not own each of the plans.
    /// @param plans The plans it accepts from now on, with the credits one request costs.
    function replacePlans(uint256 agentId, AttachedPlan[] calldata plans) external;

    // ------------------------------------------------------------------ reads

    /// @notice Returns how many plans an agent may have, so that replacing them fits into a transaction.
    /// @return Number of plans.
    function MAX_PLANS() external view returns (uint256);

    /// @notice Returns the contract that keeps the plans. Set when the registry is deployed, for ever.
    /// @return The Credits contract.
    function credits() external view returns (ICredits);

    /// @notice Returns how many agents there are; their ids are 1 to this number.
    /// @return Number of agents.
    function agentCount() external view returns (uint256);

    /// @notice Returns the plans that an agent accepts, in no particular order.
    /// @return plans Its plans, with the credits one request costs.
    function plansOf(uint256 agentId) external view returns (AttachedPlan[] memory plans);

    /// @notice Returns some of the agents that accept a plan, in no particular order; none where the list ends before.
    /// @dev Detaching a plan moves the last agent to the place that is free: read the pages at one block.
    /// @param offset How many agents to leave out.
    /// @param limit How many agents to return at most.
    /// @return agentIds The agents.
    function agentsOf(uint256 planId, uint256 offset, uint256 limit) external view returns (uint256[] memory agentIds);

    /// @notice Returns how many agents accept a plan; zero for a plan that nobody registered.
    /// @return Number of agents.
    function agentCountOf(uint256 planId) external view returns (uint256);

    /// @notice Returns the credits that one request to an agent costs on a plan.
    /// @dev Reverts with {PlanNotAttached} if the agent does not accept the plan.
    /// @return minCredits Fewest credits.
    /// @return maxCredits Most credits.
    function costOf(uint256 agentId, uint256 planId) external view returns (uint32 minCredits, uint32 maxCredits);
}
