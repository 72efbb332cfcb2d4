"""The terms of plans, which never change: read once on a connection, and known then."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from nvm_chain.chain.batches import Reader
from nvm_chain.chain.client import Chain
from nvm_chain.enums import Activation, PlanKind, RedemptionRule
from nvm_chain.types.ids import parse_plan_id
from nvm_chain.types.plans import Terms
from nvm_chain.types.prices import Split


def plan_questions(chain: Chain, plan_id: int | str) -> tuple[Reader, ...]:
    """Return what `read_plan_state` asks, for `Chain.read_ahead`."""
    number = parse_plan_id(plan_id)
    return partial(read_state, chain, number), partial(read_terms_once, chain, number)


def read_state(chain: Chain, plan_id: int) -> Any:
    """Read what the owner has set: owner, pending owner, whether the plan is active, its fee. One request. Raises UnknownPlan."""
    return chain.read(chain.credits.functions.stateOf(plan_id))


def find_known_terms(chain: Chain, plan_id: int | str) -> Terms | None:
    """Return the terms of a plan that were read before on this connection, or None. No request.

    The plan's id is a hash of its terms, its seller and a salt, so that no block can have other terms under it. Whether
    the plan is there is another question; see `read_state`.
    """
    number = parse_plan_id(plan_id)
    known: Terms | None = chain.facts.find("terms", chain.credits.address, number)
    return known


def read_terms_once(chain: Chain, plan_id: int) -> Terms:
    """Return a plan's terms. One request, and none where they are known. Raises UnknownPlan."""
    known = find_known_terms(chain, plan_id)
    return ask_terms(chain, plan_id) if known is None else known


def ask_terms(chain: Chain, plan_id: int) -> Terms:
    """Read a plan's terms, and keep them. One request. Raises UnknownPlan."""
    terms = parse_terms(chain.read(chain.credits.functions.termsOf(plan_id)))
    return chain.facts.keep(terms, "terms", chain.credits.address, plan_id)


def expect_cost(terms: Terms, quantity: object, max_cost: object) -> int:
    """Return what an order may come to, before anything is checked: only what is asked ahead is built on it."""
    if terms.is_quoted:
        return max_cost if isinstance(max_cost, int) else 0
    return terms.price * quantity if isinstance(quantity, int) else 0


def parse_terms(fields: Sequence[Any]) -> Terms:
    """Return terms from their fields in the contract's order, as a call returns them and an event has them."""
    (
        kind,
        activation,
        token,
        splits,
        quoter,
        paid_externally,
        credits,
        duration,
        least,
        most,
        rule,
        trial,
        transferable,
    ) = fields
    return Terms(
        kind=PlanKind(kind),
        activation=Activation(activation),
        token=token,
        splits=tuple(Split(receiver, amount) for receiver, amount in splits),
        quoter=quoter,
        paid_externally=paid_externally,
        credits=credits,
        duration=duration,
        min_redeem=least,
        max_redeem=most,
        rule=RedemptionRule(rule),
        trial=trial,
        transferable=transferable,
    )
