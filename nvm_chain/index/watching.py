"""Changes of a meter's view, given to whoever waits: accounts that changed, with their new states and the block."""

import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from types import TracebackType
from typing import Final, NamedTuple, Self

from eth_typing import ChecksumAddress
from sqlalchemy import BigInteger, Connection, Label, literal_column, select

from nvm_chain.index.kinds import PLACE_BITS, place_of
from nvm_chain.index.raw_events import name_address
from nvm_chain.index.rows import ask, plan_key, read_head, read_id, write_hash
from nvm_chain.index.schema import KEPT_BLOCKS, blocks, movements
from nvm_chain.index.signals import open_signal
from nvm_chain.index.view import ViewReader
from nvm_chain.index.view_types import AccountKey, View
from nvm_chain.types.events import Block
from nvm_chain.types.ids import parse_plan_id

HASH_OF: Final = "SELECT hash FROM blocks WHERE number = :number"


class _Page(NamedTuple):
    """A block that the watch knows, with the accounts that it changed."""

    hash: str
    changed: set[AccountKey]


class Watch:
    """Watch on the accounts of some plans, in an index that this or another process writes.

    It tells every change after its start, however many blocks a step has, and also what a rollback undoes. So start the
    watch first, and read the first view after that. Use it in the thread of its index, with ``with`` or `close`.
    """

    def __init__(self, reader: ViewReader, plan_ids: Iterable[int | str]) -> None:
        """Begin at the index's latest block. Raises InvalidPlanId, or IndexUnavailable."""
        self._reader = reader
        self._plans = sorted({plan_key(parse_plan_id(plan)) for plan in plan_ids})
        self._pages: dict[int, _Page] = {}
        self._head: Block | None = None
        with reader.index.typed_errors():
            self._signal = open_signal(reader.index.engine)
        with ExitStack() as stack:
            stack.callback(self.close)
            self._begin()
            stack.pop_all()

    def _begin(self) -> None:
        with self._reader.index.snapshot() as connection:
            self._head = read_head(connection)
            if self._head is not None:
                self._learn(connection, max(0, self._head.number - KEPT_BLOCKS + 1), self._head)

    def wait(self, timeout_seconds: float | None = None) -> View | None:
        """Wait for a new latest block, and return the accounts that changed. None if there is none in time.

        The view has all accounts whose states differ, also those of which only an old state fell out of the depth. It is
        empty if nothing but the block changed.

        Args:
            timeout_seconds: The longest wait. It waits until the index changes if not given.
        """
        deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        while True:
            view = self.look()
            left = None if deadline is None else deadline - time.monotonic()
            if view is not None or (left is not None and left <= 0):
                return view
            with self._reader.index.typed_errors():
                self._signal.wait(left)

    def look(self) -> View | None:
        """Return what changed since the last call, as `wait` does, or None. It does not wait."""
        with self._reader.index.snapshot() as connection:
            head, before = read_head(connection), self._head
            if head is None or head == before:
                return None
            changed = self._compare(connection, head, before)
            view = self._reader.read_from(connection, sorted(changed))
        self._head = head
        return view

    def close(self) -> None:
        """End the watch."""
        self._signal.close()

    def __iter__(self) -> Iterator[View]:
        """Yield each change, for ever."""
        while True:
            view = self.wait()
            if view is not None:
                yield view

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # ------------------------------------------------------------------ what changed

    def _compare(self, connection: Connection, head: Block, before: Block | None) -> set[AccountKey]:
        """Return the accounts whose states may differ between two latest blocks."""
        common = self._find_common(connection, head, before)
        undone = [number for number in self._pages if number > common]
        changed = set[AccountKey]().union(*(self._pages.pop(number).changed for number in undone))
        changed |= self._learn(connection, common + 1, head)
        if before is not None:
            low, high = sorted(block.number - self._reader.depth + 1 for block in (before, head))
            changed = changed.union(*(page.changed for number, page in self._pages.items() if low < number <= high))
        for number in [number for number in self._pages if number <= head.number - KEPT_BLOCKS]:
            del self._pages[number]
        return changed

    def _find_common(self, connection: Connection, head: Block, before: Block | None) -> int:
        """Return the last block that the watch and the index have in common. -1 if there is none."""
        if before is None:
            return -1
        if before.number <= head.number:
            rows = ask(connection, HASH_OF, number=before.number)
            if [write_hash(row.hash) for row in rows] == [before.hash]:
                return before.number
        oldest = min(self._pages)
        kept = connection.execute(select(blocks.c.number, blocks.c.hash).where(blocks.c.number >= oldest))
        same = [row.number for row in kept if self._knows(row.number, write_hash(row.hash))]
        return max(same, default=oldest - 1)

    def _knows(self, number: int, hash_: str) -> bool:
        return number in self._pages and self._pages[number].hash == hash_

    def _learn(self, connection: Connection, first: int, head: Block) -> set[AccountKey]:
        """Note the blocks from ``first`` on and the accounts that they changed, and return these accounts."""
        recent = max(first, head.number - KEPT_BLOCKS + 1)
        for row in connection.execute(select(blocks.c.number, blocks.c.hash).where(blocks.c.number >= recent)):
            self._pages[row.number] = _Page(write_hash(row.hash), set())
        changed = set[AccountKey]()
        for number, key in self._read_changed(connection, first):
            changed.add(key)
            if number in self._pages:
                self._pages[number].changed.add(key)
        return changed

    def _read_changed(self, connection: Connection, first: int) -> Iterator[tuple[int, tuple[int, ChecksumAddress]]]:
        """Yield each block since ``first`` with each account of the plans that it changed."""
        number: Label[int] = literal_column(f"movements.place >> {PLACE_BITS}", BigInteger).label("number")
        found = select(number, movements.c.plan, movements.c.holder).distinct()
        for row in connection.execute(
            found.where(movements.c.plan.in_(self._plans), movements.c.place >= place_of(first))
        ):
            yield row.number, (read_id(bytes(row.plan)), name_address(bytes(row.holder)))
