"""Plans that do not exist, are not the caller's, or cannot be used in this way."""

from nvm_chain.errors.families import ContractError
from nvm_chain.errors.fields import Kind, PlanId


class UnknownPlan(ContractError):
    """Raised when no plan has this id."""

    plan_id: PlanId

    problem = "Plan {plan_id} does not exist on this chain."
    next_step = "Check the id and the network."


class PlanNotActive(ContractError):
    """Raised when a plan takes no new orders."""

    plan_id: PlanId

    problem = "Plan {plan_id} takes no new orders."
    next_step = "Ask its owner, or order another plan."


class WrongKind(ContractError):
    """Raised when a call does not fit the plan's kind. Only usage plans are paid per request, and only other plans grant anything."""

    plan_id: PlanId
    kind: Kind

    problem = "Plan {plan_id} is of kind {kind}."
    next_step = "Use `pay_usage` for usage plans, and `order_plan` or `mint_credits` for all others."


class PaidExternally(ContractError):
    """Raised when somebody orders a plan that is paid outside the chain."""

    plan_id: PlanId

    problem = "Plan {plan_id} is paid outside the chain."
    next_step = "Pay the seller. The seller then grants the plan with `grant_external`."


class NotPlanOwner(ContractError):
    """Raised when the caller is not the plan's owner."""

    plan_id: PlanId
    caller: str

    problem = "{caller} does not own plan {plan_id}."
    next_step = "Sign with the plan owner's key."


class NotPendingPlanOwner(ContractError):
    """Raised when the caller accepts a plan that was not offered to them."""

    plan_id: PlanId
    caller: str

    problem = "Plan {plan_id} was not offered to {caller}."
    next_step = "Ask its owner to offer it first."
