"""Plans that do not exist, are not the caller's, or cannot be used in this way."""

from nvm_chain.errors.families import ContractError
from nvm_chain.errors.fields import Kind, PlanId


class UnknownPlan(ContractError):
    """Raised when no plan has this id."""

    plan_id: PlanId

    problem = "Plan {plan_id} does not exist on this chain."
    explained = "Plan {plan_id} does not exist."
    next_step = "Check the id and the network."


class PlanNotActive(ContractError):
    """Raised when a plan takes no new orders."""

    plan_id: PlanId

    problem = "Plan {plan_id} is not active and takes no new orders."
    next_step = "Ask the plan owner, or order another plan."


class WrongKind(ContractError):
    """Raised when a call does not fit the plan's kind. Only usage plans are paid per request, and only the other kinds are ordered or minted."""

    plan_id: PlanId
    kind: Kind

    problem = "Plan {plan_id} is of kind {kind}, and this call needs a plan of another kind."
    next_step = "Use `pay_usage` for a usage plan. Use `order_plan` or `mint_credits` for every other plan."


class PaidExternally(ContractError):
    """Raised when somebody orders a plan that is paid outside the chain."""

    plan_id: PlanId

    problem = "Plan {plan_id} is paid outside the chain, so it cannot be ordered here."
    next_step = "Pay the plan owner. The plan owner then grants the plan with `grant_external`."


class NotPlanOwner(ContractError):
    """Raised when the caller is not the plan's owner."""

    plan_id: PlanId
    caller: str

    problem = "{caller} does not own plan {plan_id}."
    next_step = "Sign with the plan owner's key."


class NotPendingPlanOwner(ContractError):
    """Raised when the caller accepts a plan that is not offered to the caller."""

    plan_id: PlanId
    caller: str

    problem = "{caller} cannot accept plan {plan_id}: the plan is not offered to this address."
    next_step = "Ask the plan owner to offer the plan to {caller} first."
