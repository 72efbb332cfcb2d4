"""The sink of a store: the feed's door to the books of credits plans."""

import queue
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from nvm_chain.index.rows import write_hash
from nvm_chain.meter.store.account_changes import SeeView
from nvm_chain.meter.store.changes import Change
from nvm_chain.meter.store.group_rows import AccountKey
from nvm_chain.meter.store.packing import pack_key, unpack_key, unpack_past
from nvm_chain.meter.store.schema import accounts, pasts
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.store.writer import Writer
from nvm_chain.meter.views import PastView
from nvm_chain.types.events import Block

ROWS_AT_ONCE: Final = 5_000
"""How many accounts one transaction looks through. Between two of them, the writer stores what waits."""
HEAD: Final = "SELECT head_number, head_hash, head_time FROM books"
NEXT_ROWS: Final = (
    "SELECT plan, holder, past FROM {table} WHERE (plan, holder) > (?, ?) ORDER BY plan, holder LIMIT {count}"
)


class StoreSink:
    """The books of a writer's store, for the feed."""

    def __init__(self, writer: Writer) -> None:
        """Take the writer."""
        self._writer = writer

    def read_head(self) -> Block | None:
        """Return the block of the last `note_head`, or None."""

        def read(store: Store) -> Block | None:
            with store.asking() as pen:
                ((number, block_hash, time),) = pen.ask(HEAD)
            return Block(number, write_hash(block_hash), time) if any(bytes(block_hash)) else None

        return self._writer.run(read)

    def find_past(self, keys: Collection[AccountKey]) -> Mapping[AccountKey, Sequence[PastView]]:
        """Return the views in the books of accounts, the latest last. Accounts without books are left out."""
        packed = [pack_key(key) for key in keys]
        if not packed:
            return {}

        def read(store: Store) -> dict[AccountKey, Sequence[PastView]]:
            with store.asking() as pen:
                known: dict[AccountKey, Sequence[PastView]] = {
                    unpack_key(row[0], row[1]): () for row in pen.find(accounts, packed)
                }
                for row in pen.find(pasts, packed):
                    known[unpack_key(row[0], row[1])] = unpack_past(row[2])
            return known

        return self._writer.run(read)

    def list_later(self, block_number: int) -> Iterator[AccountKey]:
        """Yield the accounts whose latest view is of a later block."""
        for key, past in list_rows(self._writer, "pasts"):
            if any(view.block_number > block_number for view in unpack_past(past)[-1:]):
                yield key

    def see(self, changes: Sequence[SeeView]) -> None:
        """Put views into the books, and return when they are durable.

        Raises:
            ViewUnusable: The books have changed since `find_past`.
            DiskFull: The disk is full.
            IndexUnavailable: The database does not answer.
            MeterClosed: The writer was closed.
        """
        put_all(self._writer, changes)

    def note_head(self, block: Block, seen_at: int) -> None:
        """Note that the books have all views up to a block."""
        block_hash = bytes.fromhex(block.hash[2:])
        self._writer.run(lambda store: store.note_head(block.number, block_hash, block.timestamp, seen_at))


def put_all(writer: Writer, changes: Sequence[Change[Any]]) -> None:
    """Let a writer store changes, and return when they are durable. Raises the first error among their outcomes."""
    outcomes: queue.SimpleQueue[Any] = queue.SimpleQueue()
    for change in changes:
        writer.give(change, outcomes.put)
    errors = [outcome for outcome in (outcomes.get() for _ in changes) if isinstance(outcome, Exception)]
    if errors:
        raise errors[0]


def list_rows(writer: Writer, table: str) -> Iterator[tuple[AccountKey, bytes]]:
    """Yield the key and the column ``past`` of each row of a table, in several transactions."""
    after, statement = (b"", b""), NEXT_ROWS.format(table=table, count=ROWS_AT_ONCE)
    while True:
        rows = writer.run(partial(_read_rows, statement=statement, after=after))
        for plan, holder, past in rows:
            yield unpack_key(plan, holder), past
        if len(rows) < ROWS_AT_ONCE:
            return
        after = rows[-1][:2]


def _read_rows(store: Store, *, statement: str, after: tuple[bytes, bytes]) -> list[tuple[bytes, bytes, bytes]]:
    with store.asking() as pen:
        return [(bytes(row[0]), bytes(row[1]), bytes(row[2])) for row in pen.ask(statement, after)]
