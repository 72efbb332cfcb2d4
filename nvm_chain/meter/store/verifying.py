"""Verify the books: add all first entries up again, and compare the sums with the rows that the rule of admission reads."""

from dataclasses import dataclass
from typing import Final

from nvm_chain.errors.fields import Credits
from nvm_chain.meter.store.group_rows import AccountKey, HoldState
from nvm_chain.meter.store.packing import unpack_key
from nvm_chain.meter.store.store import Store

ACCOUNTS: Final = f"""
SELECT a.plan, a.holder, a.committed, coalesce(h.cost, 0), a.held, coalesce(h.open, 0)
FROM accounts a LEFT JOIN (
    SELECT plan, holder, sum(cost) AS cost, sum(CASE WHEN state = {int(HoldState.OPEN)} THEN credits ELSE 0 END) AS open
    FROM holds GROUP BY plan, holder
) h ON h.plan = a.plan AND h.holder = a.holder
WHERE a.committed <> coalesce(h.cost, 0) OR a.held <> coalesce(h.open, 0)
"""  # noqa: S608
STRAYS: Final = """
SELECT h.plan, h.holder, 0, sum(h.cost), 0, sum(h.credits) FROM holds h
LEFT JOIN accounts a ON a.plan = h.plan AND a.holder = h.holder WHERE a.plan IS NULL GROUP BY h.plan, h.holder
"""
AUTHORITIES: Final = f"""
SELECT a.authority_id, a.plan, a.holder, a.spent, coalesce(h.cost, 0), a.held, coalesce(h.open, 0)
FROM authorities a LEFT JOIN (
    SELECT authority_id, sum(cost) AS cost, sum(CASE WHEN state = {int(HoldState.OPEN)} THEN credits ELSE 0 END) AS open
    FROM holds GROUP BY authority_id
) h ON h.authority_id = a.authority_id
WHERE a.spent <> coalesce(h.cost, 0) OR a.held <> coalesce(h.open, 0)
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class BooksDifference:
    """A number of the books that is not the sum of its first entries."""

    key: AccountKey
    authority_id: bytes | None
    what: str
    by_books: Credits
    by_entries: Credits


def verify_books(store: Store) -> list[BooksDifference]:
    """Return each number that differs from the sum of its charges or open holds. Empty if the books are right.

    Raises:
        IndexFailure: The books cannot be read.
    """
    with store.asking() as pen:
        accounts = [*pen.ask(ACCOUNTS), *pen.ask(STRAYS)]
        authorities = pen.ask(AUTHORITIES)
    rows = [(None, *row) for row in accounts] + [(bytes(row[0]), *row[1:]) for row in authorities]
    return [
        BooksDifference(unpack_key(bytes(plan), bytes(holder)), authority, what, int(books), int(entries))
        for authority, plan, holder, charged, charges, held, holds in rows
        for what, books, entries in (("charged", charged, charges), ("held", held, holds))
        if books != entries
    ]
