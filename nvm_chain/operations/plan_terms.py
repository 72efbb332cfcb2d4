"""The terms of plans. They never change, so a connection reads the terms of a plan once and keeps them."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from nvm_chain.chain.batches import Reader
from nvm_chain.chain.client import Chain
from nvm_chain.enums import Activation, PlanKind, RedemptionRule
from nvm_chain.types.ids import parse_plan_id
from nvm_chain.types.plans import Terms
from nvm_chain.types.prices import Split


def plan_readers(chain: Chain, plan_id: int | str) -> tuple[Reader, ...]:
    """Return the calls that `read_plan_state` makes, so that `Chain.read_ahead` can send them as one batch."""
    number = parse_plan_id(plan_id)
    return partial(read_state, chain, number), partial(read_terms_once, chain, number)


def read_state(chain: Chain, plan_id: int) -> Any:
    """Read a plan's owner, pending owner, active flag and fee in basis points. One request. Raises UnknownPlan."""
    return chain.read(chain.credits.functions.stateOf(plan_id))


def find_known_terms(chain: Chain, plan_id: int | str) -> Terms | None:
    """Return the terms of a plan that were read before on this connection, or None. No request.

    The plan's id is a hash that includes the terms, so the terms of an id cannot change. But the chain
    may undo the plan's block, and only `read_state` shows whether the plan exists.
    """
    number = parse_plan_id(plan_id)
    known: Terms | None = chain.facts.find("terms", chain.credits.address, number)
    return known


def read_terms_once(chain: Chain, plan_id: int) -> Terms:
    """Return a plan's terms. One request, or none if the terms are known. Raises UnknownPlan."""
    known = find_known_terms(chain, plan_id)
    return ask_terms(chain, plan_id) if known is None else known


def ask_terms(chain: Chain, plan_id: int) -> Terms:
    """Read a plan's terms, and keep them for this connection. One request. Raises UnknownPlan."""
    terms = parse_terms(chain.read(chain.credits.functions.termsOf(plan_id)))
    return chain.facts.keep(terms, "terms", chain.credits.address, plan_id)


def expect_cost(terms: Terms, quantity: object, max_cost: object) -> int:
    """Return the likely highest cost of an order, from unchecked arguments. Use it only to read ahead."""
    if terms.is_quoted:
        return max_cost if isinstance(max_cost, int) else 0
    return terms.price * quantity if isinstance(quantity, int) else 0


def parse_terms(fields: Sequence[Any]) -> Terms:
    """Return terms from a sequence of fields in the contract's order, as calls and events have them."""
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
