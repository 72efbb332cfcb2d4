"""Costs of an agent's requests in commands: their text, and a warning if a plan does not allow them."""

from functools import partial
from typing import TYPE_CHECKING

from nvm_chain.cli.lazy import errors, formatting, plans
from nvm_chain.cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nvm_chain.chain.client import Chain
    from nvm_chain.types.agents import AttachedPlan


def warn_of_costs(session: Session, chain: "Chain", attached: "Sequence[AttachedPlan]") -> None:
    """Warn if a request would cost credits that the plan does not allow. One batch of requests.

    If the plans cannot be read, for example because only the registry's address is known, the costs are not checked.
    """
    readers = [partial(plans.read_terms, chain, item.plan_id) for item in attached]
    try:
        with chain.reading_ahead(*readers):
            terms = [read() for read in readers]
    except errors.NvmChainError:
        return
    for item, found in zip(attached, terms, strict=True):
        outside = not (found.allows_cost(item.min_credits) and found.allows_cost(item.max_credits))
        if found.kind.name == "CREDITS" and outside:
            allowed = formatting.format_range(found.min_redeem, found.max_redeem, "credit")
            session.warn(
                f"a request on plan {formatting.format_plan_id(item.plan_id)} takes {allowed}, and the agent would take "
                f"{format_cost(item)}; a redemption of a number outside the range fails"
            )


def format_cost(plan: "AttachedPlan") -> str:
    """Return the cost of a request as a text."""
    least, most = plan.min_credits, plan.max_credits
    if most == 0:
        return "nothing beyond access"
    return formatting.count(most, "credit") if least == most else f"{least:,} to {formatting.count(most, 'credit')}"
