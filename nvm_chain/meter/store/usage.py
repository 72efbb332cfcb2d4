"""Usage in the store: charged requests, read in parts of bounded size, in the order of time.

A part looks at some rows of the index of ended requests, whatever service they are of. So no part takes long, and the books are
free between two of them.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from nvm_chain.errors.fields import Credits, Quantity, Time
from nvm_chain.meter.store.group_rows import HoldState
from nvm_chain.meter.store.packing import pack_service, unpack_key, unpack_service
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.store.writer import Writer
from nvm_chain.meter.usage import BEGIN, Usage, UsageCursor, UsageFilter, UsagePage

AT_ONCE: Final = 1_000
"""How many rows one part looks at."""
CHARGES: Final = "charges"
"""The horizon of charges: before it, some may have been forgotten."""
COLUMNS: Final = "ended_at, total, hold_id, state, service, plan, holder, cost, authority_id, opened_at"
PART: Final = (
    f"SELECT {COLUMNS} FROM holds WHERE state <> 0 AND (ended_at, total, hold_id) > (?, ?, ?) "  # noqa: S608
    "AND ended_at < ? ORDER BY ended_at, total, hold_id LIMIT ?"
)
SUMS: Final = """
SELECT (SELECT coalesce(sum(cost), 0) FROM forgotten), (SELECT coalesce(sum(holds), 0) FROM forgotten)
"""


def read_part(store: Store, wanted: UsageFilter, after: UsageCursor = BEGIN, count: Quantity = AT_ONCE) -> UsagePage:
    """Return the usage among the next requests that have ended. It may be less than ``count``, or nothing, before the end.

    Args:
        store: The books.
        wanted: Which usage is wanted.
        after: The place to begin behind.
        count: How many requests to look at.

    Raises:
        IndexFailure: The books cannot be read.
    """
    services = None if wanted.services is None else {pack_service(each) for each in wanted.services}
    with store.asking() as pen:
        rows = pen.ask(PART, (*max(after, UsageCursor(wanted.start, -1, b"")), wanted.end, count))
    entries = tuple(
        _unpack(row) for row in rows if row[3] == HoldState.CHARGED and (services is None or bytes(row[4]) in services)
    )
    following = UsageCursor(int(rows[-1][0]), int(rows[-1][1]), bytes(rows[-1][2])) if len(rows) == count else None
    return UsagePage(entries, following)


def list_usage(writer: Writer, wanted: UsageFilter, count: Quantity = AT_ONCE) -> Iterator[Usage]:
    """Yield all usage that is wanted, with one part in memory at a time. Not for a thread with an event loop.

    Raises:
        IndexFailure: The books cannot be read.
    """
    after: UsageCursor | None = BEGIN
    while after is not None:
        page = writer.run(partial(read_part, wanted=wanted, after=after, count=count))
        yield from page.entries
        after = page.next


def read_horizon(store: Store, name: str = CHARGES) -> Time:
    """Return the second before which things of a kind may have been forgotten, or 0. Raises IndexFailure."""
    with store.asking() as pen:
        rows = pen.ask("SELECT until FROM horizons WHERE name = ?", (name,))
    return int(rows[0][0]) if rows else 0


def read_forgotten(store: Store) -> tuple[Credits, Quantity]:
    """Return what requests that were forgotten had cost, and how many they were. Raises IndexFailure."""
    with store.asking() as pen:
        ((cost, holds),) = pen.ask(SUMS)
    return int(cost), int(holds)


def _unpack(row: Any) -> Usage:
    ended_at, total, hold_id, _, service, plan, holder, cost, authority_id, opened_at = row
    request_id, authority = bytes(hold_id), bytes(authority_id)
    session = b"" if authority == request_id else authority
    key = unpack_key(plan, holder)
    return Usage(ended_at, unpack_service(bytes(service)), *key, cost, total, request_id, session, opened_at)
