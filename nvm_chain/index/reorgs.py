"""Reorganizations of the chain: whether there is one, and the last block that index and chain have in common."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NoReturn

from sqlalchemy import Connection, Select, select

from nvm_chain.errors import BlockReplaced, OtherChain, ReorgTooDeep
from nvm_chain.index.database import Index
from nvm_chain.index.headers import Header
from nvm_chain.index.schema import blocks
from nvm_chain.index.source import Source
from nvm_chain.types.events import Block

FIRST_LOOK: Final = 16
"""How many blocks are compared in the first request. Most reorganizations are shorter."""
LATER_LOOK: Final = 100


def is_same(block: Block, header: Header | None) -> bool:
    """Return whether a header is that of a block."""
    return header is not None and (block.number, block.hash) == (header.number, f"0x{header.hash.hex()}")


def is_behind(source: Source, index: Index, latest: Header) -> bool:
    """Return whether a node that has fewer blocks than the index may have the same ones.

    Such a node lags, and will go on. Its latest block tells, if the index remembers the block with that number. If the
    block is too old for that, the newest earlier block of the index tells. A node that began anew has another one. If the
    index has no earlier block, its next one tells, because the time only goes forward on a chain.

    Args:
        source: The node.
        index: The index.
        latest: The latest block of the node.

    Raises:
        ReorgTooDeep: The node has another history than the index.
        OtherChain: Its first block is another one too.
        NetworkError: The node does not give a usable answer.
    """
    floor = index.state.undo_floor or 0
    known, following = _find_around(index, latest.number)
    if known is None and following is not None and latest.time > following.timestamp:
        raise ReorgTooDeep(index.label, latest.number, floor)
    if known is None:
        return True
    (header,) = [latest] if known.number == latest.number else source.read_headers([known.number])
    if not is_same(known, header) and known.number < floor:
        refuse_history(source, index.label, known, floor)
    return is_same(known, header)


def refuse_history(source: Source, where: str, known: Block, floor: int) -> NoReturn:
    """Tell that the chain has other blocks than the index, up to the oldest one to which the index can roll back.

    Args:
        source: The node.
        where: The name of the index.
        known: A block of the index that is not on the chain.
        floor: The oldest block to which the index can roll back.
    """
    if known.number > 0:
        raise ReorgTooDeep(where, known.number - 1, floor)
    (header,) = source.read_headers([0])
    if is_same(known, header):  # the node answered from different heads
        raise BlockReplaced(0)
    raise OtherChain(where, "block 0", known.hash, f"0x{header.hash.hex()}")


def _find_around(index: Index, number: int) -> tuple[Block | None, Block | None]:
    """Return the newest known block up to a number, and the oldest one after it."""
    earlier = select(blocks).where(blocks.c.number <= number).order_by(blocks.c.number.desc()).limit(1)
    later = select(blocks).where(blocks.c.number > number).order_by(blocks.c.number).limit(1)
    with index.snapshot() as connection:
        return _read_one(connection, earlier), _read_one(connection, later)


def _read_one(connection: Connection, wanted: Select[Any]) -> Block | None:
    row = connection.execute(wanted).one_or_none()
    return None if row is None else Block(row.number, f"0x{bytes(row.hash).hex()}", row.time)


def find_ancestor(source: Source, kept: Sequence[Block], latest: Header) -> Block | None:
    """Return the newest remembered block that is still on the chain, or None. Up to four requests, and mostly one.

    Args:
        source: The node.
        kept: The blocks that the index remembers, newest first.
        latest: The latest block of the node.
    """
    for part in _divide([block for block in kept if block.number <= latest.number]):
        headers = source.find_headers([block.number for block in part])
        for block, header in zip(part, headers, strict=True):
            if is_same(block, header):
                return block
    return None


def _divide(blocks: Sequence[Block]) -> Iterator[Sequence[Block]]:
    yield blocks[:FIRST_LOOK]
    for start in range(FIRST_LOOK, len(blocks), LATER_LOOK):
        yield blocks[start : start + LATER_LOOK]
