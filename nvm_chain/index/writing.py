"""Writes of an index: a batch of logs forward. It is one transaction."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, NoReturn

from nvm_chain.errors import LogsRefused, SecondFollower
from nvm_chain.index.accounts import AccountChanges
from nvm_chain.index.catalogue import write_catalogue
from nvm_chain.index.decoding import decode_logs
from nvm_chain.index.kinds import PLACE_BITS
from nvm_chain.index.logs import Log
from nvm_chain.index.pens import Pen, Wanted
from nvm_chain.index.schema import KEPT_BLOCKS, blocks, events, fees, forgone, movements, sales
from nvm_chain.types.events import Block


class Batch(NamedTuple):
    """Logs of all blocks after ``expected``, up to and with ``head``, in the order of the chain.

    ``expected`` is the head of the index before, and None for an empty index. ``blocks`` are all blocks that have logs,
    and the blocks to remember: those of the last 256. ``keeps_undo`` says whether the index can be rolled back into the
    batch. During a first sync it is False, because the chain does not replace old blocks.
    """

    expected: Block | None
    head: Block
    logs: Sequence[Log]
    blocks: Sequence[Block]
    keeps_undo: bool = True


def write_batch(pen: Pen, where: str, batch: Batch, query: str) -> list[Any]:
    """Write a batch within a transaction, and return the rows of a query of the state afterwards.

    Raises:
        SecondFollower: The head of the index is not the expected one.
        LogsRefused: Logs are repeated, not in order, malformed, or outside their blocks.
        IndexIncomplete: The logs do not fit the ones before.
    """
    known = {block.number: block for block in sorted((*batch.blocks, batch.head), key=lambda block: block.number)}
    check_blocks(batch, known)
    check_logs(batch, known)
    floor = max(0, batch.head.number - KEPT_BLOCKS + 1) if batch.keeps_undo else batch.head.number
    rows = decode_logs(batch.logs)
    changes = AccountChanges(rows)
    found = move_head(pen, where, batch, floor, changes.wanted)
    write_catalogue(pen, rows.catalogue, keeps_undo=batch.keeps_undo)
    times = {number: block.timestamp for number, block in known.items()}
    with pen.together(query) as answer:
        _remember(pen, batch, known)
        changes.write(pen, found, times, keeps_undo=batch.keeps_undo)
        pen.add(movements, rows.movements)
        for table, added in ((events, rows.events), (sales, rows.sales), (fees, rows.fees), (forgone, rows.forgone)):
            pen.add(table, added)
    return answer


# ---------------------------------------------------------------- checks


def check_blocks(batch: Batch, known: Mapping[int, Block]) -> None:
    """Raise LogsRefused unless no block is after the head, and no block is older than one before it."""
    earlier = batch.expected
    for block in known.values():
        if block.number > batch.head.number or (block is batch.head and earlier and earlier.number >= block.number):
            raise LogsRefused(block.number, "the block is after the head of its batch")
        if earlier is not None and earlier.number < block.number:
            if block.timestamp < earlier.timestamp:
                raise LogsRefused(block.number, "the time of the block is before the time of an earlier block")
            earlier = block


def check_logs(batch: Batch, known: Mapping[int, Block]) -> None:
    """Raise LogsRefused unless the logs are in order, each once, and in blocks of the batch."""
    first = -1 if batch.expected is None else batch.expected.number
    facts = {number: (hash_of(block), block.timestamp) for number, block in known.items() if number > first}
    before, number, (block_hash, second) = -1, -1, (b"", 0)
    for log in batch.logs:
        place = log.place
        if place <= before:
            raise LogsRefused(
                place >> PLACE_BITS, "a log is there twice" if place == before else "a log is not in order"
            )
        if place >> PLACE_BITS != number:
            number = place >> PLACE_BITS
            block_hash, second = facts.get(number, (b"", 0))
        if log.block_hash != block_hash or (log.time is not None and log.time != second):
            raise LogsRefused(number, "a log does not have the hash and the time of its block")
        before = place


# ---------------------------------------------------------------- the head and the blocks


_SET_HEAD: Final = (
    "UPDATE state SET head_number = ?, head_hash = ?, head_time = ?, "
    "undo_floor = CASE WHEN undo_floor > ? THEN undo_floor ELSE ? END "
)
_MOVE_FIRST: Final = _SET_HEAD + "WHERE head_hash IS NULL"
_MOVE: Final = _SET_HEAD + "WHERE head_number = ? AND head_hash = ?"


def move_head(pen: Pen, where: str, batch: Batch, floor: int, wanted: Sequence[Wanted]) -> list[list[Any]]:
    """Set the head of the index if it is the expected one, and return the rows of some tables as they are then.

    ``floor`` is the oldest block to which the batch lets the index go back. Raises SecondFollower for another head.
    """
    expected, head = batch.expected, batch.head
    key = () if expected is None else (expected.number, hash_of(expected))
    values = head.number, hash_of(head), head.timestamp, floor, floor
    changed, found = pen.change_and_find(_MOVE_FIRST if expected is None else _MOVE, (*values, *key), wanted)
    if changed != 1:
        raise_second_follower(pen, where, expected)
    return found


def raise_second_follower(pen: Pen, where: str, expected: Block | None) -> NoReturn:
    """Raise SecondFollower with the head that the index has."""
    number, found = pen.ask("SELECT head_number, head_hash FROM state")[0]
    raise SecondFollower(where, _name_block(expected), "none" if found is None else f"{number} (0x{found.hex()})")


def _name_block(block: Block | None) -> str:
    return "none" if block is None else f"{block.number} ({block.hash})"


def _remember(pen: Pen, batch: Batch, known: Mapping[int, Block]) -> None:
    """Forget old blocks without logs, and add those of the batch that have logs, and the last 256."""
    oldest = batch.head.number - KEPT_BLOCKS + 1
    if batch.expected is not None and oldest > 0:
        pen.run(_FORGET_BLOCKS, (batch.expected.number - KEPT_BLOCKS + 1, oldest))
    limit = oldest if batch.keeps_undo else batch.head.number
    for table in ("account_undo", "catalogue_undo") if limit >= 0 else ():
        pen.run(_FORGET_UNDO.format(table), (limit,))
    used = {log.place >> PLACE_BITS for log in batch.logs}
    kept = [block for number, block in known.items() if number >= oldest or number in used]
    pen.replace(blocks, [(block.number, hash_of(block), block.timestamp) for block in kept])


_FORGET_UNDO: Final = "DELETE FROM {} WHERE block BETWEEN 0 AND ?"
"""PostgreSQL expects few rows between two limits, and uses the index. Below one limit it expects a third of all."""
_FORGET_BLOCKS: Final = (
    "DELETE FROM blocks WHERE number >= ? AND number < ? AND NOT EXISTS "  # noqa: S608
    f"(SELECT 1 FROM events WHERE place >= number << {PLACE_BITS} AND place < (number + 1) << {PLACE_BITS})"
)


def hash_of(block: Block) -> bytes:
    """Return the 32 bytes of a block's hash."""
    return bytes.fromhex(block.hash[2:])
