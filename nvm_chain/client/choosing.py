"""Which of the things that a 402 offers is paid: what costs the account least, within the limits."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from nvm_chain.client.buyer import Buyer
from nvm_chain.client.credentials import find_problem
from nvm_chain.client.places import Place
from nvm_chain.client.wire import Offered, Required
from nvm_chain.errors.fields import Credits, PlanId

TIME: str = "time"
"""How a 402 writes the kind of a plan whose requests cost nothing while access is open."""


class Rank(IntEnum):
    """The order in which offers are paid. The best comes first."""

    OPEN = 0
    """A time plan with open access."""
    PERIOD = 1
    """A time plan with a period that the seller opens."""
    CREDITS = 2
    """Credits that are there."""
    BUDGET = 3
    """A plan that a budget may order."""
    WITHOUT = 4
    """Credits that the chain does not show. The gateway says what is missing."""


@dataclass(frozen=True, slots=True)
class Option:
    """Something that may be paid, and its rank. ``offered`` is None for a sign-in."""

    rank: Rank
    cost: Credits
    plan_id: PlanId
    kind: str
    offered: Offered | None


def find_option(buyer: Buyer, place: Place, required: Required) -> tuple[Option | None, tuple[str, ...]]:
    """Return the best option, and the reasons against the offers that are not within the limits. Reads each plan once."""
    options, reasons = [], []
    for offered in required.offers:
        problem = find_problem(buyer, place, offered.offer)
        if problem is None:
            options.append(_rank_offer(buyer, offered))
        else:
            reasons.append(problem)
    options += _rank_sign_ins(buyer, required)
    options.sort(key=lambda option: (option.rank, option.cost, option.plan_id))
    return (options[0] if options else None), tuple(dict.fromkeys(reasons))


def _rank_offer(buyer: Buyer, offered: Offered) -> Option:
    offer = offered.offer
    if buyer.purse.is_covered(offer.plan_id, offer.amount):
        rank = Rank.CREDITS
    else:
        rank = Rank.BUDGET if offer.plan_id in buyer.budgets else Rank.WITHOUT
    return Option(rank, offer.amount, offer.plan_id, "credits", offered)


def _rank_sign_ins(buyer: Buyer, required: Required) -> Iterator[Option]:
    if required.sign_in is None:
        return
    for plan_id, plan in required.sign_in.plans.items():
        if (buyer.limits.plans and plan_id not in buyer.limits.plans) or plan.credits > buyer.limits.per_request:
            continue
        rank = _rank_sign_in(buyer, plan_id, plan.kind, plan.credits)
        if rank is not None:
            yield Option(rank, plan.credits, plan_id, plan.kind, None)


def _rank_sign_in(buyer: Buyer, plan_id: PlanId, kind: str, credits: Credits) -> Rank | None:
    account = buyer.read_account(plan_id)
    if kind == TIME and account.access_until > buyer.find_now():
        return Rank.OPEN
    if account.balance >= max(1, credits) and (kind != TIME or buyer.limits.max_periods > 0):
        return Rank.PERIOD if kind == TIME else Rank.CREDITS
    return Rank.BUDGET if plan_id in buyer.budgets else None
