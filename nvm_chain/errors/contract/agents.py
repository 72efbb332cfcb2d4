"""Agents, and the plans that they accept."""

from nvm_chain.errors.families import ContractError
from nvm_chain.errors.fields import AgentId, Credits, PlanId, Quantity


class CreditsWithoutCode(ContractError):
    """Raised when an agent registry is deployed for a Credits address that has no code."""

    credits: str

    problem = "{credits} is not a Credits contract: the address has no code on this chain."
    next_step = "Check the address and the network, or deploy Credits first."


class NotAgentOwner(ContractError):
    """Raised when the caller is not the agent's owner."""

    agent_id: AgentId
    caller: str

    problem = "{caller} does not own agent {agent_id}."
    next_step = "Sign with the agent owner's key."


class DetachNotAllowed(ContractError):
    """Raised when the caller detaches a plan from an agent and owns neither the agent nor the plan."""

    agent_id: AgentId
    plan_id: PlanId
    caller: str

    problem = "{caller} cannot detach plan {plan_id} from agent {agent_id}, because it owns neither of them."
    next_step = "Sign with the key of the agent owner or the plan owner."


class PlanAlreadyAttached(ContractError):
    """Raised when a plan is attached to the same agent twice."""

    agent_id: AgentId
    plan_id: PlanId

    problem = "Plan {plan_id} is already attached to agent {agent_id}, or was given twice."
    next_step = "Give each plan once. To change the cost of a plan, use `replace_plans`."


class PlanNotAttached(ContractError):
    """Raised when a plan is not attached to an agent."""

    agent_id: AgentId
    plan_id: PlanId

    problem = "Agent {agent_id} does not accept plan {plan_id}."
    next_step = "Use a plan of this agent, or ask the agent owner to attach this plan."


class InvalidCreditsRange(ContractError):
    """Raised when the minimum cost of a request is above its maximum."""

    plan_id: PlanId
    min_credits: Credits
    max_credits: Credits

    problem = (
        "For plan {plan_id}, the minimum cost of a request ({min_credits}) is above the maximum cost ({max_credits})."
    )
    next_step = "Give a minimum cost that is not above the maximum cost."


class TooManyPlans(ContractError):
    """Raised when an agent would have more plans than are allowed."""

    count: Quantity
    max: Quantity

    problem = "An agent can have at most {max} plans. This change would give it {count}."
    next_step = "Give the other plans to another agent."
