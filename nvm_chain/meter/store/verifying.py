"""Verify the books: add all first entries up again, and compare the sums with the rows that the rule of admission reads."""

from dataclasses import dataclass
from typing import Final

from nvm_chain.errors.fields import Number
from nvm_chain.index.pens import Pen
from nvm_chain.meter.openings import OpeningState
from nvm_chain.meter.store.forgetting import SESSIONS
from nvm_chain.meter.store.group_rows import AccountKey, HoldState
from nvm_chain.meter.store.packing import unpack_key
from nvm_chain.meter.store.payment_ends import find_wrong_payments
from nvm_chain.meter.store.store import Store

OPEN: Final = int(HoldState.OPEN)
CHARGED: Final = int(HoldState.CHARGED)
RETURNED: Final = int(HoldState.RETURNED)
SUMS: Final = f"sum(cost) AS cost, sum(CASE WHEN state = {OPEN} THEN credits ELSE 0 END) AS open"
ALL: Final = f"""
SELECT plan, holder, sum(cost) AS cost, sum(open) AS open FROM (
    SELECT plan, holder, {SUMS} FROM holds GROUP BY plan, holder UNION ALL SELECT plan, holder, cost, 0 FROM forgotten
) entries GROUP BY plan, holder
"""  # noqa: S608
"""The sums of each account: holds that are kept, and what those had cost that were forgotten."""
ACCOUNTS: Final = f"""
SELECT a.plan, a.holder, a.committed, coalesce(h.cost, 0), a.held, coalesce(h.open, 0)
FROM accounts a LEFT JOIN ({ALL}) h ON h.plan = a.plan AND h.holder = a.holder
WHERE a.committed <> coalesce(h.cost, 0) OR a.held <> coalesce(h.open, 0)
"""  # noqa: S608
STRAYS: Final = f"""
SELECT h.plan, h.holder, 0, h.cost, 0, h.open FROM ({ALL}) h
LEFT JOIN accounts a ON a.plan = h.plan AND a.holder = h.holder WHERE a.plan IS NULL
"""  # noqa: S608
WINDOWS: Final = f"""
SELECT w.plan, w.holder, w.open_requests, coalesce(h.open, 0) FROM windows w
LEFT JOIN (SELECT plan, holder, count(*) AS open FROM holds WHERE state = {OPEN} AND credits = 0 GROUP BY plan, holder) h
ON h.plan = w.plan AND h.holder = w.holder WHERE w.open_requests <> coalesce(h.open, 0)
"""  # noqa: S608
AFTER_A_SWEEP: Final = "gap < 0 OR gaps > forgotten OR (gaps <> forgotten AND total = last AND last > last_forgotten)"
TOTALS: Final = f"""
SELECT plan, holder, total, CASE WHEN forgotten = 0 OR gap < 0 THEN before + cost ELSE total + forgotten - gaps END FROM (
    SELECT c.plan, c.holder, c.total, c.cost, c.before, c.total - c.before - c.cost AS gap,
        coalesce(f.cost, 0) AS forgotten, coalesce(f.total, 0) AS last_forgotten,
        sum(c.total - c.before - c.cost) OVER (PARTITION BY c.plan, c.holder) AS gaps,
        max(c.total) OVER (PARTITION BY c.plan, c.holder) AS last FROM (
        SELECT plan, holder, total, cost, coalesce(
            lag(total) OVER (PARTITION BY plan, holder ORDER BY total, cost DESC, hold_id), 0
        ) AS before FROM holds WHERE state = {CHARGED}
    ) c LEFT JOIN forgotten f ON f.plan = c.plan AND f.holder = c.holder
) charges WHERE CASE WHEN forgotten = 0 THEN gap <> 0 ELSE {AFTER_A_SWEEP} END
"""  # noqa: S608
"""Before each charge is the one before it, or a gap of what was forgotten. The gaps before the last charge are all that was."""
ENTRIES: Final = f"""
SELECT h.authority_id, {SUMS}, sum(CASE WHEN h.state = {RETURNED} THEN 0 ELSE 1 END) AS used,
    sum(CASE WHEN h.period <> o.period THEN 0 WHEN h.state = {OPEN} THEN h.credits ELSE h.cost END) AS period_used
FROM holds h JOIN authorities o ON o.authority_id = h.authority_id GROUP BY h.authority_id
"""  # noqa: S608
AUTHORITIES: Final = f"""
SELECT * FROM (
    SELECT a.authority_id, a.plan, a.holder, a.spent, coalesce(h.cost, 0) AS cost, a.held, coalesce(h.open, 0) AS open,
        a.used, coalesce(h.used, 0) AS uses, a.period_used, coalesce(h.period_used, 0) AS in_period
    FROM authorities a LEFT JOIN ({ENTRIES}) h ON h.authority_id = a.authority_id
) sums WHERE spent <> cost OR held <> open OR used <> uses OR period_used <> in_period
"""  # noqa: S608
OPENED: Final = f"""
SELECT a.authority_id, a.plan, a.holder, a.opened, coalesce(o.periods, 0) FROM authorities a LEFT JOIN (
    SELECT authority_id, sum(periods) AS periods FROM openings WHERE state <> {int(OpeningState.RETURNED)} GROUP BY authority_id
) o ON o.authority_id = a.authority_id WHERE a.opened <> coalesce(o.periods, 0)
"""  # noqa: S608
LOST_AUTHORITIES: Final = f"""
SELECT h.authority_id, h.plan, h.holder, count(*) FROM holds h LEFT JOIN authorities a ON a.authority_id = h.authority_id
WHERE a.authority_id IS NULL AND h.authority_id <> h.hold_id
AND (h.state = {OPEN} OR h.opened_at >= coalesce((SELECT until FROM horizons WHERE name = '{SESSIONS}'), 0))
GROUP BY h.authority_id, h.plan, h.holder
"""  # noqa: S608
"""Authorities that ended before the horizon may have been forgotten, and all their holds were opened before it."""


@dataclass(frozen=True, slots=True)
class BooksDifference:
    """A number of the books that is not what its first entries, the index or the chain say.

    ``authority_id`` is that of a session, an allowance or a sign-in, or None for a number of the account itself. ``source``
    says what the books were compared with: ``charges``, ``payments``, ``index`` or ``chain``.
    """

    key: AccountKey
    authority_id: bytes | None
    what: str
    by_books: Number
    by_entries: Number
    source: str = "charges"


def verify_books(store: Store) -> list[BooksDifference]:
    """Return each number that differs from the sum of its charges or open holds. Empty if the books are right.

    What was forgotten after its time is carried forward, and counts as it was.

    Compared are what accounts and authorities have charged and held, the uses and the period of authorities, and the open
    requests in access windows. So are the running total of each charge, and the periods that openings took from sign-ins. Each
    payment has to have its own name, and what its state says.

    Raises:
        IndexFailure: The books cannot be read.
    """
    with store.asking() as pen:
        return [
            *_compare(pen, ACCOUNTS, ("charged", "held")),
            *_compare(pen, STRAYS, ("charged", "held")),
            *_compare(pen, WINDOWS, ("open requests",)),
            *_compare(pen, TOTALS, ("running total",)),
            *_compare(pen, AUTHORITIES, ("charged", "held", "uses", "charged in the period"), of_authorities=True),
            *_compare(pen, OPENED, ("periods for openings",), of_authorities=True),
            *(
                BooksDifference(unpack_key(bytes(row[1]), bytes(row[2])), bytes(row[0]), "uses", 0, int(row[3]))
                for row in pen.ask(LOST_AUTHORITIES)
            ),
            *(BooksDifference(key, None, what, 1, 0, "payments") for key, what in find_wrong_payments(pen)),
        ]


def _compare(
    pen: Pen, statement: str, names: tuple[str, ...], *, of_authorities: bool = False
) -> list[BooksDifference]:
    """Return the differences of a statement, which has two columns for each name after the key."""
    found: list[BooksDifference] = []
    for row in pen.ask(statement):
        authority, first = (bytes(row[0]), 1) if of_authorities else (None, 0)
        key, numbers = unpack_key(bytes(row[first]), bytes(row[first + 1])), [int(each) for each in row[first + 2 :]]
        found += [
            BooksDifference(key, authority, name, books, entries)
            for name, books, entries in zip(names, numbers[::2], numbers[1::2], strict=True)
            if books != entries
        ]
    return found
