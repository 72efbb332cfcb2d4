"""What the feed asks an index, all in one snapshot: blocks, plans, accounts as they were, and movements."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, select, tuple_

from nvm_chain.errors import IndexBehind
from nvm_chain.index.accounts import unpack_lots
from nvm_chain.index.catalogue import read_terms
from nvm_chain.index.kinds import MovementCode, place_of
from nvm_chain.index.rows import ask, ask_each, plan_key, read_id
from nvm_chain.index.schema import account_undo, accounts, movements, plans
from nvm_chain.meter.feed.replaying import Movement, Page, Totals
from nvm_chain.meter.feed.starts import Pages
from nvm_chain.meter.store.group_rows import AccountKey
from nvm_chain.meter.store.packing import pack_key, unpack_key
from nvm_chain.types.plans import Terms

AT_ONCE: Final = 200
"""Number of accounts that one statement reads."""
OURS: Final = (
    f"m.kind IN ({int(MovementCode.REDEMPTION)}, {int(MovementCode.SETTLEMENT)}) AND m.party IN ({{redeemers}})"
)
"""Whether one of the meter's keys took credits with a movement, in SQL."""
WANTED: Final = "WITH wanted (plan, holder, since, until) AS (VALUES {wanted}) "
TOTALS: Final = (
    WANTED
    + """
SELECT w.plan, w.holder, exact_sum(m.amount) AS moved, exact_sum(CASE WHEN {ours} THEN m.amount ELSE 0 END) AS taken
FROM wanted w JOIN movements m ON m.holder = w.holder AND m.plan = w.plan AND m.place >= w.since AND m.place < w.until
GROUP BY 1, 2
"""
)
MOVEMENTS: Final = (
    WANTED
    + """
SELECT w.plan, w.holder, m.kind, m.amount, CASE WHEN {ours} THEN 1 ELSE 0 END AS ours, b.number, b.hash, b.time
FROM wanted w JOIN movements m ON m.holder = w.holder AND m.plan = w.plan AND m.place >= w.since AND m.place < w.until
JOIN blocks b ON b.number = (m.place >> 20)
ORDER BY w.plan, w.holder, m.place, m.item
"""
)
PAGES: Final = "SELECT b.number, b.hash, b.time FROM {values} v JOIN blocks b ON b.number = v.value"
PAGE: Final = (
    "SELECT number, hash, time FROM blocks WHERE number <= :number ORDER BY number DESC LIMIT 1",
    "SELECT number, hash, time FROM blocks WHERE number > :number ORDER BY number LIMIT 1",
)
Spans = Mapping[AccountKey, tuple[int, int]]
"""The first and the last block of what is read of accounts."""


def read_pages(connection: Connection, label: str, numbers: Collection[int]) -> Pages:
    """Read the head, and the blocks with some numbers. Raises IndexBehind if the index is empty."""
    (state,) = ask(connection, "SELECT first_block, head_number, head_hash, head_time, undo_floor FROM state")
    if state.head_number is None:
        raise IndexBehind(label, state.first_block - 1, state.first_block)
    head = Page(state.head_number, bytes(state.head_hash), state.head_time)
    found = {row.number: _page_of(row) for row in ask_each(connection, PAGES, sorted(numbers))}
    return Pages(head, state.undo_floor, found)


def find_page(connection: Connection, number: int) -> Page:
    """Return the latest block up to a number. If the index begins later, return its first block."""
    for statement in PAGE:
        for row in ask(connection, statement, number=number):
            return _page_of(row)
    raise AssertionError("an index with a head has a block")


def _page_of(row: Any) -> Page:
    return Page(row.number, bytes(row.hash), row.time)


def read_plans(connection: Connection, plan_ids: Collection[int]) -> dict[int, Terms]:
    """Return the terms of plans. Those that the index does not have are left out."""
    if not plan_ids:
        return {}
    keys = [plan_key(plan_id) for plan_id in plan_ids]
    rows = connection.execute(select(plans.c.plan, plans.c.terms).where(plans.c.plan.in_(keys)))
    return {read_id(bytes(row.plan)): read_terms(row.terms) for row in rows}


def split_keys(keys: Iterable[AccountKey]) -> Iterator[list[AccountKey]]:
    """Yield parts of some accounts, each as large as one statement may be."""
    listed = list(keys)
    for start in range(0, len(listed), AT_ONCE):
        yield listed[start : start + AT_ONCE]


def read_changes(
    connection: Connection, keys: Sequence[AccountKey], block: int
) -> Iterator[tuple[AccountKey, int | None, Any]]:
    """Yield accounts as they were before each block after a block that changed them, in order, and as they are now.

    The number of the block that changed them follows the account, or None for now. An account that nobody had yet
    is left out.
    """
    for table in (account_undo, accounts):
        wanted = select(table).where(tuple_(table.c.plan, table.c.holder).in_(list(map(pack_key, keys))))
        if table is account_undo:
            wanted = wanted.where(table.c.block > block).order_by(table.c.block)
        for row in connection.execute(wanted):
            yield unpack_key(row.plan, row.holder), getattr(row, "block", None), row


def read_totals(connection: Connection, spans: Spans, redeemers: Sequence[bytes]) -> dict[AccountKey, Totals]:
    """Return the sums of accounts over spans of blocks. Accounts without movements are left out."""
    rows = _ask_spans(connection, TOTALS, spans, redeemers)
    return {unpack_key(row.plan, row.holder): Totals(int(row.moved), -int(row.taken)) for row in rows}


def read_movements(
    connection: Connection, spans: Spans, redeemers: Sequence[bytes]
) -> dict[AccountKey, list[Movement]]:
    """Return the movements of accounts in spans of blocks, in order."""
    found: dict[AccountKey, list[Movement]] = {}
    for row in _ask_spans(connection, MOVEMENTS, spans, redeemers):
        movement = Movement(_page_of(row), int(row.amount), row.kind == MovementCode.SETTLEMENT, bool(row.ours))
        found.setdefault(unpack_key(row.plan, row.holder), []).append(movement)
    return found


def _ask_spans(connection: Connection, statement: str, spans: Spans, redeemers: Sequence[bytes]) -> list[Any]:
    if not spans:
        return []
    values: dict[str, object] = {f"r{number}": redeemer for number, redeemer in enumerate(redeemers)}
    for number, (key, (first, last)) in enumerate(spans.items()):
        plan, holder = pack_key(key)
        values |= {f"p{number}": plan, f"h{number}": holder}
        values |= {f"s{number}": place_of(first), f"u{number}": place_of(last + 1)}
    wanted = ", ".join(f"(:p{number}, :h{number}, :s{number}, :u{number})" for number in range(len(spans)))
    ours = OURS.format(redeemers=", ".join(f":r{number}" for number in range(len(redeemers))))
    return ask(connection, statement.format(wanted=wanted, ours=ours if redeemers else "FALSE"), **values)


def list_changed(connection: Connection, plan_ids: Iterable[int], block: int) -> Iterator[tuple[AccountKey, int]]:
    """Yield each account of some plans that changed after a block, with each such block."""
    found = select(movements.c.plan, movements.c.holder, movements.c.place).where(
        movements.c.plan.in_(list(map(plan_key, plan_ids))), movements.c.place >= place_of(block + 1)
    )
    for row in connection.execute(found):
        yield unpack_key(row.plan, row.holder), row.place >> 20


def list_ends(
    connection: Connection, plan_ids: Iterable[int], after: int, until: int
) -> Iterator[tuple[AccountKey, int]]:
    """Yield each account of some plans with a lot that ends after a second and until another one, and the first such end."""
    found = select(accounts.c.plan, accounts.c.holder, accounts.c.lots).where(
        accounts.c.plan.in_(list(map(plan_key, plan_ids))), accounts.c.next_expiry <= until
    )
    for row in connection.execute(found):
        ends = [lot.expires_at for lot in unpack_lots(row.lots) if after < lot.expires_at <= until]
        if ends:
            yield unpack_key(row.plan, row.holder), min(ends)
