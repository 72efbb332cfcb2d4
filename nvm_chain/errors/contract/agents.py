"""Agents, and the plans that they accept."""

from nvm_chain.errors.families import ContractError
from nvm_chain.errors.fields import AgentId, Credits, PlanId, Quantity


class CreditsWithoutCode(ContractError):
    """Raised when the registry would be deployed for a Credits contract that is not there."""

    credits: str

    problem = "{credits} cannot be Credits: nothing is deployed there on this chain."
    next_step = "Check the address and the network, or deploy Credits first."


class NotAgentOwner(ContractError):
    """Raised when the caller is not the agent's owner."""

    agent_id: AgentId
    caller: str

    problem = "{caller} does not own agent {agent_id}."
    next_step = "Sign with the agent owner's key."


class DetachNotAllowed(ContractError):
    """Raised when the caller owns neither the agent nor the plan that would be detached."""

    agent_id: AgentId
    plan_id: PlanId
    caller: str

    problem = "{caller} owns neither agent {agent_id} nor plan {plan_id}."
    next_step = "Sign with the key of one of their owners."


class PlanAlreadyAttached(ContractError):
    """Raised when a plan would be attached to an agent twice."""

    agent_id: AgentId
    plan_id: PlanId

    problem = "Plan {plan_id} is attached to agent {agent_id} already, or was given twice."
    next_step = "Give each plan once; to change its cost, use `replace_plans`."


class PlanNotAttached(ContractError):
    """Raised when a plan is not attached to an agent."""

    agent_id: AgentId
    plan_id: PlanId

    problem = "Agent {agent_id} does not accept plan {plan_id}."
    next_step = "Use one of its plans, or ask its owner to attach this one."


class InvalidCreditsRange(ContractError):
    """Raised when the minimum cost of a request is above its maximum."""

    plan_id: PlanId
    min_credits: Credits
    max_credits: Credits

    problem = "A request of plan {plan_id} cannot cost at least {min_credits} and at most {max_credits}."
    next_step = "Give the minimum first."


class TooManyPlans(ContractError):
    """Raised when an agent would have more plans than are allowed."""

    count: Quantity
    max: Quantity

    problem = "An agent can have at most {max} plans, and {count} were given."
    next_step = "Give the other plans to another agent."
