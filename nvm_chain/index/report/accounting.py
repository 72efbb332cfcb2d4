"""Plans of a sales report: their names, and what was sold, paid and used on each of them by day."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection

from nvm_chain.index.catalogue import read_terms
from nvm_chain.index.kinds import MovementCode, SaleCode
from nvm_chain.index.places import Places
from nvm_chain.index.report.names import find_name
from nvm_chain.index.report.queries import CREDITS, PLANS, SALES, ask_period, ask_plans
from nvm_chain.index.report.types import DailySales, DailyUse, PlanSummary
from nvm_chain.index.rows import Row, explain_unknown, read_id

SOLD: Final = (MovementCode.ORDER, MovementCode.PAID_EXTERNALLY)
USED: Final = (MovementCode.REDEMPTION, MovementCode.SETTLEMENT)


def read_plans(connection: Connection, plan_ids: Sequence[int]) -> list[Row]:
    """Return the rows of plans, in the order of their registration. Raises UnknownPlan."""
    rows = ask_plans(connection, PLANS, plan_ids)
    missing = set(plan_ids) - {read_id(row.plan) for row in rows}
    if missing:
        raise explain_unknown(connection, min(missing))
    return sorted(rows, key=lambda row: int(row.place))


def read_sales(connection: Connection, plan_ids: Sequence[int], places: Places) -> Iterator[DailySales]:
    """Yield the sales of plans by day, in the order of days."""
    sums: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for row in ask_period(connection, SALES, plan_ids, places):
        total = sums[row.day, read_id(row.plan)]
        if row.kind != SaleCode.EXTERNAL:
            total[0] += row.sales
            total[1] += row.sales * int(row.cost)
        if row.kind != SaleCode.USAGE:
            total[3 if row.again else 2] += row.sales
    for (day, plan_id), total in sorted(sums.items()):
        yield DailySales(day, plan_id, *total)


def read_use(connection: Connection, plan_ids: Sequence[int], places: Places) -> Iterator[DailyUse]:
    """Yield the sold, granted and used credits of plans by day, in the order of days."""
    sums: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in ask_period(connection, CREDITS, plan_ids, places):
        if row.kind in SOLD:
            sums[row.day, read_id(row.plan)][0] += int(row.amount)
        elif row.kind == MovementCode.GRANT:
            sums[row.day, read_id(row.plan)][1] += int(row.amount)
        elif row.kind in USED:
            sums[row.day, read_id(row.plan)][2] -= int(row.amount)
    for (day, plan_id), total in sorted(sums.items()):
        yield DailyUse(day, plan_id, *total)


def sum_up(
    rows: Iterable[Row],
    sales: Iterable[DailySales],
    use: Iterable[DailyUse],
    holders: Mapping[int, int],
    ended: Mapping[int, int],
) -> Iterator[PlanSummary]:
    """Yield a summary of each plan: the sums of its days, and its holders."""
    sums: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    days: list[tuple[Any, tuple[str, ...]]] = [(day, SALES_FIELDS) for day in sales]
    for day, fields in [*days, *((day, USE_FIELDS) for day in use)]:
        for field in fields:
            sums[day.plan_id][field] += getattr(day, field)
    for row in rows:
        plan_id, terms = read_id(row.plan), read_terms(row.terms)
        yield PlanSummary(
            plan_id=plan_id,
            name=find_name(row.uri),
            kind=terms.kind,
            token=terms.token,
            is_active=bool(row.is_active),
            holders=holders.get(plan_id, 0),
            ended=ended.get(plan_id, 0),
            **sums[plan_id],
        )


SALES_FIELDS: Final = ("sales", "paid", "first_purchases", "renewals")
USE_FIELDS: Final = ("sold", "granted", "used")
