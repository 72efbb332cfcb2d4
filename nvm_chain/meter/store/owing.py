"""Accounts that owe credits: what was charged and is not taken, with the time of the oldest such charge.

They are read in parts, so that requests are stored between two of them.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from nvm_chain.errors.fields import Credits, PlanId, Time
from nvm_chain.meter.store.group_rows import AccountKey, StoredAccount
from nvm_chain.meter.store.packing import pack_front, unpack_account, unpack_key, unpack_view
from nvm_chain.meter.store.schema import accounts
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.store.writer import Writer
from nvm_chain.meter.voucher_fronts import VoucherFront

ROWS_AT_ONCE: Final = 2_000
"""How many accounts one transaction looks through."""
LAST: Final = "SELECT plan, holder FROM accounts WHERE (plan, holder) > (?, ?) ORDER BY plan, holder LIMIT 1 OFFSET ?"
PART: Final = "(a.plan, a.holder) > (?, ?)"
UNTIL: Final = " AND (a.plan, a.holder) <= (?, ?)"
OWING: Final = """
SELECT a.plan, a.holder, a.committed - a.taken - a.written_off, a.owed_since, a.ceiling_end, a.view FROM accounts a
WHERE a.committed - a.written_off > a.taken AND {part}
"""
OVER: Final = "SELECT a.plan, a.holder FROM accounts a WHERE a.vouchers <> ? AND a.ceiling_end < ? AND {part}"
START: Final = (b"", b"")
Place = tuple[bytes, bytes]


class Glance(NamedTuple):
    """What is read of every account that owes credits, before it is decided which ones are read as a whole.

    ``since`` is when the oldest charge was made that was not taken. ``ceiling_end`` is that of the account. ``first_end`` is
    the end of the first lot in its view, or None.
    """

    plan_id: PlanId
    owed: Credits
    since: Time
    ceiling_end: Time
    first_end: Time | None


def read_owing(writer: Writer, wants: Callable[[Glance], bool]) -> Iterator[list[tuple[Glance, StoredAccount | None]]]:
    """Yield the accounts that owe credits, in parts. Those that are not wanted are not read as a whole.

    Raises:
        IndexFailure: The books cannot be read.
    """
    after: Place | None = START
    while after is not None:
        part, after = writer.run(partial(_read_owing, wants=wants, after=after))
        yield part


def _read_owing(
    store: Store, *, wants: Callable[[Glance], bool], after: Place
) -> tuple[list[tuple[Glance, StoredAccount | None]], Place | None]:
    rows, until = _read_part(store, statement=OWING, values=(), after=after)
    glances = [(bytes(row[0]), bytes(row[1]), _glance(row)) for row in rows]
    wanted = [(plan, holder) for plan, holder, glance in glances if wants(glance)]
    found: dict[Place, StoredAccount] = {}
    if wanted:
        with store.asking() as pen:
            for row in pen.find(accounts, wanted):
                place = bytes(row[0]), bytes(row[1])
                found[place] = unpack_account(unpack_key(*place), row, None, has_past=False)
    return [(glance, found.get((plan, holder))) for plan, holder, glance in glances], until


def _glance(row: Sequence[Any]) -> Glance:
    lots = unpack_view(row[5]).lots
    return Glance(int.from_bytes(bytes(row[0])), row[2], row[3], row[4], min((lot.end for lot in lots), default=None))


def list_over(writer: Writer, final_time: int) -> Iterator[AccountKey]:
    """Yield the accounts that have a voucher which was over at a final block's time. Raises IndexFailure."""
    for rows in _read_parts(writer, OVER, (pack_front(VoucherFront()), final_time)):
        for row in rows:
            yield unpack_key(bytes(row[0]), bytes(row[1]))


def list_plans(store: Store) -> list[int]:
    """Return the plans of the books. Raises IndexFailure."""
    with store.asking() as pen:
        return [int.from_bytes(bytes(row[0])) for row in pen.ask("SELECT DISTINCT plan FROM accounts ORDER BY plan")]


def list_accounts(writer: Writer) -> Iterator[list[tuple[AccountKey, StoredAccount]]]:
    """Yield all accounts, in parts. Raises IndexFailure."""
    for rows in _read_parts(writer, "SELECT a.* FROM accounts a WHERE {part}", ()):
        keys = [unpack_key(bytes(row[0]), bytes(row[1])) for row in rows]
        yield [(key, unpack_account(key, row, None, has_past=False)) for key, row in zip(keys, rows, strict=True)]


def _read_parts(writer: Writer, statement: str, values: Sequence[Any]) -> Iterator[list[Any]]:
    """Yield the rows of a statement about accounts, in the order of their keys, in several transactions."""
    after: Place | None = START
    while after is not None:
        rows, after = writer.run(partial(_read_part, statement=statement, values=values, after=after))
        yield rows


def _read_part(store: Store, *, statement: str, values: Sequence[Any], after: Place) -> tuple[list[Any], Place | None]:
    with store.asking() as pen:
        last = [(bytes(row[0]), bytes(row[1])) for row in pen.ask(LAST, (*after, ROWS_AT_ONCE - 1))]
        until, bound = (last[0], UNTIL) if last else (None, "")
        rows = pen.ask(statement.format(part=PART + bound), (*values, *after, *(until or ())))
        return rows, until
