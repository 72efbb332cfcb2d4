"""Queries of a sales report, for the plans of an owner or for chosen ones."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection

from nvm_chain.index.places import Places
from nvm_chain.index.reading import HELD
from nvm_chain.index.rows import Row, ask, plan_key

AT_ONCE: Final = 500
"""Number of plans that one statement asks for."""
PLANS: Final = "SELECT * FROM plans p WHERE p.plan IN ({plans}) ORDER BY p.place"
OWNED: Final = "SELECT plan FROM plans WHERE owner = :owner ORDER BY place"
SALES: Final = """
SELECT s.plan, b.time - b.time % 86400 AS day, s.kind, s.cost, CASE WHEN EXISTS (
    SELECT 1 FROM sales f WHERE f.receiver = s.receiver AND f.plan = s.plan AND f.place < s.place
) THEN 1 ELSE 0 END AS again, count(*) AS sales
FROM sales s JOIN blocks b ON b.number = (s.place >> 20)
WHERE s.plan IN ({plans}) AND s.place >= :first AND s.place < :end
GROUP BY s.plan, 2, s.kind, s.cost, 5 ORDER BY 2, 1
"""
"""Sales by plan, day, kind and cost, and by whether the receiver had bought the same plan before."""
CREDITS: Final = """
SELECT m.plan, b.time - b.time % 86400 AS day, m.kind, exact_sum(m.amount) AS amount
FROM movements m JOIN blocks b ON b.number = (m.place >> 20)
WHERE m.plan IN ({plans}) AND m.place >= :first AND m.place < :end
GROUP BY m.plan, 2, m.kind ORDER BY 2, 1, 3
"""
PAYERS: Final = """
SELECT s.payer, s.plan, s.cost, count(*) AS sales FROM sales s
WHERE s.plan IN ({plans}) AND s.place >= :first AND s.place < :end AND s.payer IS NOT NULL GROUP BY s.payer, s.plan, s.cost
"""
USED: Final = """
SELECT m.holder, exact_sum(m.amount) AS amount FROM movements m
WHERE m.plan IN ({plans}) AND m.place >= :first AND m.place < :end AND m.kind IN (:redemption, :settlement)
GROUP BY m.holder
"""
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


def ask_period(
    connection: Connection, query: str, plan_ids: Sequence[int], places: Places, **values: object
) -> list[Row]:
    """Run a query for some plans and a period."""
    return ask_plans(connection, query, plan_ids, first=places.first, end=places.end, **values)
