"""Figures of sales from the index: plans, revenue and holders, all of one instant."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from nvm_chain.errors import IndexBehind
from nvm_chain.errors.fields import PlanId, Time
from nvm_chain.gateway.sellers.periods import Period, refuse_period
from nvm_chain.index.chosen_plans import PlanSales, count_prices, read_chosen_plans, read_plan_sales
from nvm_chain.index.holder_pages import HolderCounts, count_holders
from nvm_chain.index.instants import Instant
from nvm_chain.index.places import find_places
from nvm_chain.index.results import RevenueLine
from nvm_chain.index.revenue import sum_revenue
from nvm_chain.index.rows import ask, read_head
from nvm_chain.index.store import Index
from nvm_chain.types.events import Block
from nvm_chain.types.plans import Plan

MOST_PRICES: Final = 20_000
"""Sales at one price are counted by the database. The page adds up so many different prices at most."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was sold on some plans in a period, and who has something of them, as of the block ``head``."""

    head: Block
    period: Period
    plans: Mapping[PlanId, Plan]
    sales: Mapping[PlanId, PlanSales]
    revenue: tuple[RevenueLine, ...]
    holders: HolderCounts


def read_figures(index: Index, plan_ids: Iterable[PlanId], find_period: Callable[[Time], Period]) -> Figures:
    """Read the figures of some plans. Not for a thread with an event loop.

    Raises Refused if the period is not one, or if its sales have too many different prices.

    Args:
        index: The index.
        plan_ids: The plans.
        find_period: A function that returns the period for the time of the index's block.

    Raises:
        IndexBehind: The index is empty.
    """
    with index.snapshot() as connection:
        head = read_head(connection)
        if head is None:
            (state,) = ask(connection, "SELECT first_block FROM state")
            raise IndexBehind(index.label, state.first_block - 1, state.first_block)
        period = find_period(head.timestamp)
        plans = read_chosen_plans(connection, sorted(plan_ids))
        places = find_places(connection, period.start, period.end)
        if count_prices(connection, [*plans], places, MOST_PRICES) == MOST_PRICES:
            raise refuse_period(
                "The sales of the period have too many different prices for a page. Choose a shorter one."
            )
        instant = Instant(index, connection)
        lines = [
            line for plan in plans for line in sum_revenue(instant, plan_id=plan, start=period.start, end=period.end)
        ]
        sales = read_plan_sales(connection, [*plans], places)
        holders = count_holders(connection, [*plans], head.timestamp)
        return Figures(head, period, plans, sales, tuple(sorted(lines, key=lambda line: line.day)), holders)
