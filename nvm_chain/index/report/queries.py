"""Queries of a sales report, for the plans of an owner or for chosen ones."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection

from nvm_chain.index.kinds import MovementCode, SaleCode
from nvm_chain.index.places import Places
from nvm_chain.index.reading import HELD
from nvm_chain.index.rows import Row, ask, plan_key

DAY_OF: Final = "b.time - b.time % 86400"
"""The Unix second at which the day of a block begins in UTC."""
AT_ONCE: Final = 500
"""Number of plans that one statement asks for."""
PLANS: Final = "SELECT * FROM plans p WHERE p.plan IN ({plans}) ORDER BY p.place"
OWNED: Final = "SELECT plan FROM plans WHERE owner = :owner ORDER BY place"
IS_AGAIN: Final = (
    f"CASE WHEN s.kind <> {int(SaleCode.USAGE)} AND EXISTS (SELECT 1 FROM sales f "  # noqa: S608  constants
    "WHERE f.receiver = s.receiver AND f.plan = s.plan AND f.place < s.place) THEN 1 ELSE 0 END"
)
"""Whether the receiver of a sale had bought the same plan before."""
SALES: Final = (
    f"SELECT s.plan, {DAY_OF} AS day, s.kind, s.cost, {IS_AGAIN} AS again, count(*) AS sales "  # noqa: S608  constants
    "FROM sales s JOIN blocks b ON b.number = (s.place >> 20) "
    "WHERE s.plan IN ({plans}) AND s.place >= :first AND s.place < :end GROUP BY s.plan, 2, s.kind, s.cost, 5 ORDER BY 2, 1"
)
CREDITS: Final = (
    f"SELECT m.plan, {DAY_OF} AS day, m.kind, exact_sum(m.amount) AS amount "  # noqa: S608  constants
    "FROM movements m JOIN blocks b ON b.number = (m.place >> 20) "
    "WHERE m.plan IN ({plans}) AND m.place >= :first AND m.place < :end GROUP BY m.plan, 2, m.kind ORDER BY 2, 1, 3"
)
PAYERS: Final = """
SELECT s.payer, s.plan, s.cost, count(*) AS sales FROM sales s
WHERE s.plan IN ({plans}) AND s.place >= :first AND s.place < :end AND s.payer IS NOT NULL GROUP BY s.payer, s.plan, s.cost
"""
USERS: Final = f"""
SELECT m.holder, exact_sum(m.amount) AS amount FROM movements m
WHERE m.plan IN ({{plans}}) AND m.place >= :first AND m.place < :end
AND m.kind IN ({int(MovementCode.REDEMPTION)}, {int(MovementCode.SETTLEMENT)}) GROUP BY m.holder
"""  # noqa: S608  constants
HOLDERS: Final = f"SELECT a.plan, a.holder FROM accounts a WHERE a.plan IN ({{plans}}) AND {HELD}"  # noqa: S608  constants
EMPTY: Final = f"""
SELECT a.*, b.time FROM accounts a JOIN blocks b ON b.number = (a.place >> 20)
WHERE a.plan IN ({{plans}}) AND NOT {HELD} AND (a.place >= :first OR a.lots IS NOT NULL OR a.access_until >= :start)
"""  # noqa: S608  constants
"""Accounts that have nothing, or whose first credits expired. Those that ended before the period are mostly left out."""
AGENTS: Final = """
SELECT x.agent, x.plan, g.uri FROM agent_plans x JOIN agents g ON g.agent = x.agent
WHERE x.plan IN ({plans}) ORDER BY x.agent, x.place
"""


def ask_plans(connection: Connection, query: str, plan_ids: Sequence[int], **values: object) -> list[Row]:
    """Run a query for some plans, as many at once as a statement takes, and return all rows."""
    rows: list[Row] = []
    for start in range(0, len(plan_ids), AT_ONCE):
        keys = {f"p{number}": plan_key(plan_id) for number, plan_id in enumerate(plan_ids[start : start + AT_ONCE])}
        statement = query.format(plans=", ".join(f":{name}" for name in keys))
        rows += ask(connection, statement, **keys, **values)
    return rows


def ask_period(connection: Connection, query: str, plan_ids: Sequence[int], places: Places) -> list[Row]:
    """Run a query for some plans and a period."""
    return ask_plans(connection, query, plan_ids, first=places.first, end=places.end)
