"""Reorganizations of the chain: whether there is one, and the last block that index and chain have in common."""

from collections.abc import Iterator, Sequence
from typing import Final

from nvm_chain.index.headers import Header
from nvm_chain.index.source import Source
from nvm_chain.types.events import Block

FIRST_LOOK: Final = 16
"""How many blocks are compared in the first request. Most reorganizations are shorter."""
LATER_LOOK: Final = 100


def is_same(block: Block, header: Header | None) -> bool:
    """Return whether a header is that of a block."""
    return header is not None and (block.number, block.hash) == (header.number, f"0x{header.hash.hex()}")


def is_behind(kept: Sequence[Block], latest: Header) -> bool:
    """Return whether a node that has fewer blocks than the index may have the same ones.

    Such a node lags, and will go on. Its latest block tells: the index remembers the block with that number.
    """
    return all(is_same(block, latest) for block in kept if block.number == latest.number)


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
