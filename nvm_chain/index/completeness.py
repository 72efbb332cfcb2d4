"""The proof that an index has every event of its blocks. It is a pass of its own, because it reads every header.

The headers of all blocks are read, and each is linked to the one before by its hash. The chain of hashes ends at a block
that the index has. The bloom of a header tells which blocks cannot have events of our contracts. For the other blocks the
receipts are read, and their root has to be the one in the header. Then the logs in the receipts are the block's logs, and
they are compared with those in the index. A node that offers no receipts is asked for the logs a second time, by the hash
of each block.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import select

from nvm_chain.chain.ranges import read_ranges
from nvm_chain.errors import BlockReplaced, IndexBehind, IndexIncomplete, IndexMismatch
from nvm_chain.errors.fields import Number
from nvm_chain.index.checking import read_proven
from nvm_chain.index.database import Index
from nvm_chain.index.headers import Header, are_linked
from nvm_chain.index.kinds import EventKind, place_of, split_place
from nvm_chain.index.logs import Log
from nvm_chain.index.reorgs import is_same
from nvm_chain.index.schema import blocks, events, state
from nvm_chain.index.source import Source

STEP: Final = 100
"""How many blocks are proven at a time."""
STEPS_BETWEEN: Final = 10
"""After how many steps the index notes how far it is proven, at the next block that it knows."""
RECEIPTS_AT_ONCE: Final = 10
"""How many blocks' receipts one request asks for at first. The receipts of a full block have a megabyte."""


class ProofMethod(StrEnum):
    """How the events of blocks were proven to be complete. The later ones prove less."""

    RECEIPTS = "receipts"
    """By the receipts, whose root is in the header, and the header's hash was computed."""
    TOLD_HEADERS = "receipts, headers as told"
    """As above, but the chain has headers whose hash this package cannot compute."""
    SECOND_READ = "second read"
    """The node offers no receipts, and gave the same logs a second time, by the hash of each block."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What was proven: all events from ``first`` to ``last`` are in the index, as far as ``method`` tells.

    ``looked_into`` counts the blocks whose bloom did not exclude our events, and ``logs`` the events in them.
    """

    first: Number
    last: Number
    method: ProofMethod
    looked_into: Number
    logs: Number


def prove(
    source: Source, index: Index, *, again: bool = False, on_step: Callable[[int, int], object] | None = None
) -> Proof:
    """Prove that the index has every event of its blocks, and note it in the index's state.

    About one request for each hundred blocks, and one for every few blocks that may have events of our contracts. A
    proof that was interrupted goes on where it ended. Another process may follow meanwhile: the proof takes no lease, and
    ends at the block that the index has then. If the index lacks an event, it no longer counts as proven from there on.

    Args:
        source: The node.
        index: The index, open for writing.
        again: Whether to prove all blocks again.
        on_step: A function that is called with the last proven block and the last block.

    Raises:
        IndexBehind: The index is empty.
        IndexIncomplete: The index lacks an event.
        IndexMismatch: The index has an event that its block does not have, or another block than the chain.
        BlockReplaced: The chain has replaced a block.
        NetworkError: The node does not give a usable answer.
    """
    return _Prover(source, index, again=again).run(on_step)


class _Prover:
    """A proof under way."""

    def __init__(self, source: Source, index: Index, *, again: bool) -> None:
        self._source, self._index = source, index
        known = index.read_state()
        if known.head is None:
            behind = IndexBehind(index.label, known.first_block - 1, known.first_block)
            raise behind.explain("it is empty", "Run nvm-chain index run before the proof")
        self._head, self._first, self._method = known.head, known.first_block, ProofMethod.RECEIPTS
        self._floor = known.undo_floor or 0
        if known.proven_to is not None and not again:
            self._first, self._method = known.proven_to + 1, self._read_method()
        self._before: Header | None = None
        self._looked_into, self._logs, self._steps = 0, 0, 0

    def run(self, on_step: Callable[[int, int], object] | None) -> Proof:
        start, last = self._first, self._head.number
        if start > last:
            self._check_head()
        if 0 < start <= last:
            (self._before,) = self._source.read_headers([start - 1])
        while start <= last:
            end = min(start + STEP - 1, last)
            try:
                self._prove_step(start, end, is_last=end == last)
            except (IndexIncomplete, IndexMismatch):
                self._withdraw(start - 1)
                raise
            if on_step is not None:
                on_step(end, last)
            start = end + 1
            if start > last:  # another process may have gone on
                last = max(last, self._read_head())
        return Proof(self._first, last, self._method, self._looked_into, self._logs)

    def _check_head(self) -> None:
        """Raise BlockReplaced if the chain has another block than the index's head."""
        if not is_same(self._head, *self._source.read_headers([self._head.number])):
            raise BlockReplaced(self._head.number)

    def _read_head(self) -> int:
        head = self._index.read_state().head
        return -1 if head is None else head.number

    def _prove_step(self, start: int, end: int, *, is_last: bool) -> None:
        headers = self._source.read_headers(range(start, end + 1), seals=True)
        chained = headers if self._before is None else [self._before, *headers]
        if not are_linked(chained):
            raise BlockReplaced(start)
        if not all(header.is_sealed for header in headers):
            self._weaken(ProofMethod.TOLD_HEADERS)
        stored, anchor = self._read_stored(headers)
        found = {log.place: log for log in self._find_logs([*filter(self._may_have, headers)])}
        _compare(stored, found)
        self._logs += len(found)
        self._before = headers[-1]
        self._steps += 1
        if anchor is not None and (self._steps >= STEPS_BETWEEN or is_last):
            self._note(anchor)
            self._steps = 0

    def _may_have(self, header: Header) -> bool:
        return self._source.bloom_test.may_have(header.bloom)

    def _weaken(self, method: ProofMethod) -> None:
        order = [*ProofMethod]
        self._method = order[max(order.index(self._method), order.index(method))]

    # ------------------------------------------------------------------ the node's side

    def _find_logs(self, headers: Sequence[Header]) -> list[Log]:
        """Return the logs of blocks from their receipts, or from a second read."""
        self._looked_into += len(headers)
        found: list[Log] = []
        for some in read_ranges(
            lambda first, last: self._read_receipts(headers[first : last + 1]),
            0,
            len(headers) - 1,
            most=RECEIPTS_AT_ONCE,
        ):
            found += some
        return found

    def _read_receipts(self, headers: Sequence[Header]) -> list[Log]:
        answers = self._source.find_receipts(headers)
        if answers is None:
            return self._read_again(headers)
        found: list[Log] = []
        for header, answer in zip(headers, answers, strict=True):
            logs = read_proven(self._source, header, answer)
            found += self._read_again([header]) if logs is None else logs
        return found

    def _read_again(self, headers: Sequence[Header]) -> list[Log]:
        self._weaken(ProofMethod.SECOND_READ)
        return [log for logs in self._source.read_logs_of(headers) for log in logs]

    # ------------------------------------------------------------------ the index's side

    def _read_stored(self, headers: Sequence[Header]) -> tuple[dict[int, Log], Header | None]:
        """Return the stored events of blocks by place, and the last block whose hash the index has.

        Raises IndexMismatch if the index has another block, or BlockReplaced if it can still roll it back, or just has.
        """
        first, last = headers[0].number, headers[-1].number
        hashes = {header.number: header for header in headers}
        between = events.c.place.between(place_of(first), place_of(last + 1) - 1)
        with self._index.snapshot() as connection:
            head = connection.execute(select(state.c.head_number)).scalar_one()
            kept = connection.execute(select(blocks).where(blocks.c.number.between(first, last))).all()
            rows = connection.execute(select(events).where(between)).all()
        if head is None or head < last:
            raise BlockReplaced(last)
        for row in kept:
            header = hashes[row.number]
            if bytes(row.hash) != header.hash and row.number >= self._floor:
                raise BlockReplaced(row.number)
            if bytes(row.hash) != header.hash:
                theirs, ours = f"0x{bytes(row.hash).hex()}", f"0x{header.hash.hex()}"
                raise IndexMismatch(f"hash of block {row.number}", theirs, ours, row.number)
        stored = {row.place: _build_log(row, hashes[split_place(row.place)[0]].hash) for row in rows}
        return stored, max((hashes[row.number] for row in kept), default=None)

    def _read_method(self) -> ProofMethod:
        with self._index.snapshot() as connection:
            return ProofMethod(connection.execute(select(state.c.proven_by)).scalar_one() or ProofMethod.SECOND_READ)

    def _note(self, anchor: Header) -> None:
        """Note that all is proven up to a block of the index. Raises BlockReplaced if the index no longer has it."""
        is_there = select(blocks.c.number).where(blocks.c.number == anchor.number, blocks.c.hash == anchor.hash)
        with self._index.writing() as connection:
            values = {"proven_to": anchor.number, "proven_by": str(self._method)}
            if connection.execute(state.update().where(is_there.exists()).values(values)).rowcount == 0:
                raise BlockReplaced(anchor.number)

    def _withdraw(self, last: int) -> None:
        """Note that nothing after a block is proven any more."""
        proven = last if last >= self._index.state.first_block else None
        with self._index.writing() as connection:
            connection.execute(state.update().where(state.c.proven_to > last).values(proven_to=proven))


def _build_log(row: Any, block_hash: bytes) -> Log:
    first, second, third = (None if topic is None else bytes(topic) for topic in (row.topic1, row.topic2, row.topic3))
    return Log(row.place, row.kind, (first, second, third), bytes(row.data), bytes(row.tx), block_hash, None)


def _compare(stored: dict[int, Log], found: dict[int, Log]) -> None:
    """Compare the events of some blocks. Raises IndexIncomplete or IndexMismatch for the first difference."""
    for place in sorted(stored.keys() | found.keys()):
        ours, theirs = stored.get(place), found.get(place)
        number, position = split_place(place)
        if ours is None and theirs is not None:
            name = EventKind(theirs.kind).event_name
            missing = IndexIncomplete(number, f"event {position}, {name}, is on the chain and not in the index")
            raise missing.explain("an index cannot add it later", "Build a new index, preferably from another node")
        if ours is not None and (theirs is None or ours[:-1] != theirs[:-1]):
            raise IndexMismatch(f"event {position} of the block", _name(ours), _name(theirs), number)


def _name(log: Log | None) -> str:
    if log is None:
        return "no event"
    parts: Iterable[bytes | None] = (*log.topics, log.data, log.transaction)
    return " ".join((EventKind(log.kind).event_name, *(part.hex() for part in parts if part is not None)))
