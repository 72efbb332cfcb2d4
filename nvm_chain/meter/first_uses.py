"""First use of time plans, as the chain has it: what an opening takes, and whether the seller's keys may open access."""

from nvm_chain.chain.client import Chain
from nvm_chain.enums import Activation, PlanKind, RedemptionRule
from nvm_chain.meter.windows import FirstUse
from nvm_chain.operations.plans import read_terms
from nvm_chain.types.plans import Terms


def read_first_use(chain: Chain, plan_id: int | str) -> FirstUse | None:
    """Return how access to a plan is opened on first use, for the plan's `WindowPolicy`. One request.

    Returns:
        What an opening takes, and who may open. None if the plan's access begins with the purchase, or if it is not a time plan.

    Raises:
        UnknownPlan: The plan is not registered.
        NetworkError: The node does not give a usable answer.
    """
    return find_first_use(read_terms(chain, plan_id))


def find_first_use(terms: Terms) -> FirstUse | None:
    """Return the same as `read_first_use`, from a plan's terms. No network."""
    if terms.kind is not PlanKind.TIME or terms.activation is not Activation.ON_FIRST_USE:
        return None
    return FirstUse(terms.min_redeem, only_holder=terms.rule is RedemptionRule.HOLDER)
