"""Requests that are forgotten: long after their end, in parts of bounded size. What they had cost is carried forward.

A request stays as long as the rules need it: until its session is forgotten, and until what it cost was taken on the chain or is
lost. Its idempotency key goes with it.
"""

from dataclasses import dataclass
from typing import Any, Final

from nvm_chain.errors.fields import Quantity, Seconds, Time
from nvm_chain.index.pens import Pen
from nvm_chain.meter.store.group_rows import HoldState
from nvm_chain.meter.store.statements import READ_BOOKS
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.store.usage import CHARGES
from nvm_chain.meter.usage import UsageCursor

AT_ONCE: Final[Quantity] = 500
"""How many requests one part looks at."""
CHARGED: Final = int(HoldState.CHARGED)
OLD: Final = """
SELECT h.ended_at, h.total, h.hold_id, h.plan, h.holder, h.state, h.cost, h.scope,
    CASE WHEN h.authority_id <> h.hold_id AND EXISTS (SELECT 1 FROM authorities a WHERE a.authority_id = h.authority_id) THEN 0
    WHEN h.cost = 0 OR EXISTS (
        SELECT 1 FROM accounts a WHERE a.plan = h.plan AND a.holder = h.holder AND h.total <= a.taken + a.written_off
    ) THEN 1 ELSE 0 END
FROM holds h WHERE h.state <> 0 AND (h.ended_at, h.total, h.hold_id) > (?, ?, ?) AND h.ended_at < ?
ORDER BY h.ended_at, h.total, h.hold_id LIMIT ?
"""
CARRY: Final = (
    "INSERT INTO forgotten VALUES (?, ?, ?, ?, ?) ON CONFLICT (plan, holder) DO UPDATE SET "
    "cost = forgotten.cost + excluded.cost, holds = forgotten.holds + excluded.holds, "
    "total = CASE WHEN excluded.total > forgotten.total THEN excluded.total ELSE forgotten.total END"
)
HORIZON: Final = (
    "INSERT INTO horizons VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET until = excluded.until "
    "WHERE horizons.until < excluded.until"
)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What one part has forgotten, and the place behind what it looked at. None at the end of what is old."""

    count: Quantity
    next: UsageCursor | None


def forget_holds(store: Store, seconds: Seconds, after: UsageCursor, count: Quantity = AT_ONCE) -> Forgotten:
    """Forget requests that ended some seconds ago, among the next ones that are so old.

    Args:
        store: The books.
        seconds: How long requests are kept after their end.
        after: The place to begin behind.
        count: How many requests to look at.

    Raises:
        IndexFailure: The books cannot be written.
    """
    with store.asking() as pen:
        ((clock, *_),) = pen.ask(READ_BOOKS[store.engine.dialect.name])
        rows = pen.ask(OLD, (*after, clock - seconds, count))
        free = [row for row in rows if row[8]]
        if free:
            _carry(pen, free)
            pen.change_each("DELETE FROM holds WHERE hold_id = ?", [(row[2],) for row in free])
            keyed = [(row[7], row[2]) for row in free if row[7]]
            pen.change_each("DELETE FROM requests WHERE scope = ? AND hold_id = ?", keyed)
            raise_horizon(pen, CHARGES, max(int(row[0]) for row in free) + 1)
    last = UsageCursor(int(rows[-1][0]), int(rows[-1][1]), bytes(rows[-1][2])) if len(rows) == count else None
    return Forgotten(len(free), last)


def raise_horizon(pen: Pen, name: str, until: Time) -> None:
    """Note that things of a kind may have been forgotten before a second. It never falls."""
    pen.change(HORIZON, (name, until))


def _carry(pen: Pen, rows: list[Any]) -> None:
    """Add what requests had cost to what was carried forward for their accounts."""
    sums: dict[tuple[bytes, bytes], tuple[int, int, int]] = {}
    for row in rows:
        if row[5] == CHARGED:
            key = bytes(row[3]), bytes(row[4])
            cost, count, total = sums.get(key, (0, 0, 0))
            sums[key] = cost + int(row[6]), count + 1, max(total, int(row[1]))
    pen.change_each(CARRY, [(*key, *numbers) for key, numbers in sorted(sums.items())])
