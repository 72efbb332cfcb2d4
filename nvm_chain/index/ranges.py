"""Reads of logs over ranges of blocks, as large as the node allows, one range ahead of the writer."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple, TypeVar

from nvm_chain.chain.ranges import PartSize
from nvm_chain.errors import BlockReplaced
from nvm_chain.index.kinds import place_of
from nvm_chain.index.logs import Log
from nvm_chain.index.source import Source, block_of, list_blocks
from nvm_chain.types.events import Block

FIRST_RANGE: Final = 2_000
"""The number of blocks in the first request for logs."""
MOST_LOGS: Final = 25_000
"""About how many logs one request asks for. More of them need much memory, and fewer need more requests."""
MOST_BLOCKS: Final = 1 << 20
Item = TypeVar("Item")


class Chunk(NamedTuple):
    """The logs of a range of blocks. ``before`` is the block before the range, or None if the range begins with block 0.

    ``blocks`` are the blocks that have logs, and ``head`` is the last block of the range.
    """

    before: Block | None
    head: Block
    logs: list[Log]
    blocks: list[Block]


class RangeReader:
    """Reads ranges of blocks. It remembers which size the node accepts."""

    def __init__(self, source: Source) -> None:
        """Take the source. No request."""
        self._source, self._size, self._is_limited = source, PartSize(FIRST_RANGE), False

    def read(self, first: int, last: int) -> Iterator[Chunk]:
        """Yield the logs from a first to a last block, both included. Two requests or more for each chunk.

        Raises:
            BlockReplaced: A block was replaced during the reads.
            RpcFailed: The node refuses even a single block, or lacks a block.
            ConnectionFailed: The node does not answer for a single block.
        """
        while first <= last:
            count = min(self._size.now, last - first + 1)
            end = first + count - 1
            logs: list[Log] = []
            with self._size.asking(count):
                logs = self._source.read_logs(first, end)
            if self._size.was_refused:
                self._is_limited = True
                continue
            self._adapt(count, len(logs))
            yield self._complete(first, end, logs)
            first = end + 1

    def _adapt(self, count: int, found: int) -> None:
        """Ask for fewer blocks if they have many logs, and for more if they have few and the node never refused."""
        if found > MOST_LOGS:
            self._size.now = max(1, count * MOST_LOGS // found)
        elif not self._is_limited and found * 2 < MOST_LOGS:
            self._size.now = min(MOST_BLOCKS, max(self._size.now, count * 2))

    def _complete(self, first: int, end: int, logs: list[Log]) -> Chunk:
        """Add the blocks. Raises BlockReplaced if their hashes are not those of the logs."""
        found = list_blocks(logs)
        untold = [number for number, (_, time) in found.items() if time is None]
        ends = [number for number in (first - 1, end) if number >= 0]
        headers = {header.number: header for header in self._source.read_headers(sorted({*ends, *untold}))}
        for number, header in headers.items():
            if number in found and found[number][0] != header.hash:
                raise BlockReplaced(number)
        blocks = [
            block_of(headers[number]) if number in headers else Block(number, f"0x{block_hash.hex()}", time or 0)
            for number, (block_hash, time) in found.items()
        ]
        before = headers.get(first - 1)
        return Chunk(None if before is None else block_of(before), block_of(headers[end]), logs, blocks)


def read_ahead(items: Iterator[Item]) -> Iterator[Item]:
    """Yield the items of an iterator, while another thread fetches the next one."""
    with ThreadPoolExecutor(1, "nvm-chain-index") as threads:
        upcoming = threads.submit(next, items, None)
        while (item := upcoming.result()) is not None:
            upcoming = threads.submit(next, items, None)
            yield item


def split_chunk(chunk: Chunk, most: int = 2 * MOST_LOGS) -> Iterator[Chunk]:
    """Yield a chunk in parts of about ``most`` logs, because one transaction for all would need too much memory."""
    logs, blocks, before = chunk.logs, chunk.blocks, chunk.before
    while len(logs) > most:
        limit = logs[most].place
        done = [block for block in blocks if place_of(block.number + 1) <= limit] or blocks[:1]
        if len(done) == len(blocks):
            break
        head = done[-1]
        count = sum(1 for log in logs if log.place < place_of(head.number + 1))
        yield Chunk(before, head, logs[:count], done)
        logs, blocks, before = logs[count:], blocks[len(done) :], head
    yield Chunk(before, chunk.head, logs, blocks)
