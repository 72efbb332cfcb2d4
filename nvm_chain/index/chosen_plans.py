"""Reads of chosen plans: who owns them and the agents that accept them, and what was sold and used on them in a period."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, cast

from eth_typing import ChecksumAddress
from sqlalchemy import Connection

from nvm_chain.errors.fields import Credits, Number, PlanId, Quantity
from nvm_chain.index.kinds import MovementCode, SaleCode
from nvm_chain.index.places import Places
from nvm_chain.index.reading import describe_plan
from nvm_chain.index.rows import Row, ask, plan_key, read_address, read_id
from nvm_chain.types.plans import Plan

AT_ONCE: Final = 500
"""How many ids one statement asks for."""
OWNERS: Final = "SELECT plan AS id, owner FROM plans WHERE plan IN ({ids})"
AGENT_OWNERS: Final = "SELECT agent AS id, owner FROM agents WHERE agent IN ({ids})"
PLANS: Final = "SELECT p.* FROM plans p WHERE p.plan IN ({ids})"
SALES: Final = """
SELECT s.plan, s.kind, count(*) AS sales, exact_sum(s.quantity) AS quantity FROM sales s
WHERE s.plan IN ({ids}) AND s.place >= :first AND s.place < :end GROUP BY s.plan, s.kind
"""
TAKEN: Final = """
SELECT m.plan, exact_sum(m.amount) AS amount FROM movements m
WHERE m.plan IN ({ids}) AND m.place >= :first AND m.place < :end AND m.kind IN (:redemption, :settlement) GROUP BY m.plan
"""
PRICES: Final = """
SELECT count(*) AS prices FROM (
    SELECT DISTINCT s.plan, s.cost FROM sales s WHERE s.plan IN ({ids}) AND s.place >= :first AND s.place < :end LIMIT :most
) found
"""


@dataclass(frozen=True, slots=True)
class PlanSales:
    """What was sold and used on a plan in a period.

    ``orders`` counts purchases, ``payments`` usage payments, and ``external`` grants for payments outside the chain.
    ``purchases`` is how many times the plan was bought in them. ``taken`` are the credits or periods that were redeemed or settled.
    """

    orders: Quantity = 0
    payments: Quantity = 0
    external: Quantity = 0
    purchases: Quantity = 0
    taken: Credits = 0

    @property
    def sales(self) -> Quantity:
        """All of them."""
        return self.orders + self.payments + self.external


def read_plan_owners(connection: Connection, plan_ids: Iterable[PlanId]) -> dict[PlanId, ChecksumAddress]:
    """Return who owns each of some plans now. Those that the index does not have are left out."""
    return _read_owners(connection, OWNERS, plan_ids)


def read_agent_owners(connection: Connection, agent_ids: Iterable[Number]) -> dict[Number, ChecksumAddress]:
    """Return who owns each of some agents now. Those that the index does not have are left out."""
    return _read_owners(connection, AGENT_OWNERS, agent_ids)


def _read_owners(connection: Connection, query: str, ids: Iterable[int]) -> dict[int, ChecksumAddress]:
    return {
        read_id(row.id): cast(ChecksumAddress, read_address(row.owner)) for row in ask_ids(connection, query, [*ids])
    }


def read_chosen_plans(connection: Connection, plan_ids: Iterable[PlanId]) -> dict[PlanId, Plan]:
    """Return some plans as they are now. Those that the index does not have are left out."""
    plans = [Plan(**describe_plan(row)) for row in ask_ids(connection, PLANS, [*plan_ids])]
    return {plan.plan_id: plan for plan in plans}


def read_plan_sales(
    connection: Connection, plan_ids: Sequence[PlanId], places: Places
) -> defaultdict[PlanId, PlanSales]:
    """Return what was sold and used on each plan in a period. The database adds up."""
    period = {"first": places.first, "end": places.end}
    sums: dict[PlanId, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in ask_ids(connection, SALES, plan_ids, **period):
        total = sums[read_id(row.plan)]
        total[_COUNTS[SaleCode(row.kind)]] += row.sales
        total["purchases"] += 0 if row.kind == SaleCode.USAGE else int(row.quantity)
    taking = {"redemption": int(MovementCode.REDEMPTION), "settlement": int(MovementCode.SETTLEMENT)}
    for row in ask_ids(connection, TAKEN, plan_ids, **period, **taking):
        sums[read_id(row.plan)]["taken"] -= int(row.amount)
    return defaultdict(PlanSales, {plan_id: PlanSales(**total) for plan_id, total in sums.items()})


_COUNTS: Final = {SaleCode.ORDER: "orders", SaleCode.USAGE: "payments", SaleCode.EXTERNAL: "external"}


def count_prices(connection: Connection, plan_ids: Sequence[PlanId], places: Places, most: Quantity) -> Quantity:
    """Return how many different prices the sales of a period had, or ``most`` if there are more."""
    rows = ask_ids(connection, PRICES, plan_ids, first=places.first, end=places.end, most=most)
    return min(most, sum(int(row.prices) for row in rows))


def ask_ids(connection: Connection, query: str, ids: Sequence[int], **values: object) -> list[Row]:
    """Run a query for some ids, as many at once as a statement takes, and return all rows."""
    rows: list[Row] = []
    for start in range(0, len(ids), AT_ONCE):
        keys = {f"p{number}": plan_key(each) for number, each in enumerate(ids[start : start + AT_ONCE])}
        rows += ask(connection, query.format(ids=", ".join(f":{name}" for name in keys)), **keys, **values)
    return rows
