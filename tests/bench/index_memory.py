"""The memory of a first sync: ``python -m tests.bench.index_memory FILE 1000000`` prints it after each 100,000 events.

The logs of some blocks come again and again, in later blocks. Their balances only grow by that, so they stay true.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from nvm_chain.index.kinds import PLACE_BITS
from nvm_chain.index.logs import Log, parse_body
from nvm_chain.index.writing import Batch
from nvm_chain.types.events import Block
from tests.support.canned_logs import CONTRACTS, LogWriter, write_busy_blocks
from tests.support.index_tables import open_new

PERIOD: Final = 25_000
"""The logs that come again and again. One answer of a node has about as many."""
EACH: Final = 100_000


def repeat(count: int) -> Iterator[tuple[list[Log], list[Block]]]:
    """Yield logs and their blocks, until about ``count`` logs are out. Each part is read from a node's answer."""
    blocks = list(write_busy_blocks(PERIOD))
    bodies = [
        json.dumps({"id": 1, "result": [log for block in part for log in block.logs]}).encode()
        for part in (blocks[:1], blocks[1:])
    ]
    yield parse_body(bodies[0], CONTRACTS), [blocks[0].block]
    span, done, turn = blocks[-1].block.number, 0, 0
    while done < count:
        logs = parse_body(bodies[1], CONTRACTS)
        found = {log.place >> PLACE_BITS: LogWriter((log.place >> PLACE_BITS) + turn * span).block for log in logs}
        hashes = {number: (bytes.fromhex(block.hash[2:]), block.timestamp) for number, block in found.items()}
        yield [_shift(log, turn * span, *hashes[log.place >> PLACE_BITS]) for log in logs], list(found.values())
        done, turn = done + len(logs), turn + 1


def _shift(log: Log, blocks: int, block_hash: bytes, time: int) -> Log:
    return log._replace(place=log.place + (blocks << PLACE_BITS), block_hash=block_hash, time=time)


def read_memory() -> int:
    """Return the bytes of this process that are in memory and are not pages of files."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))


def main() -> None:
    """Sync, and print the memory."""
    index = open_new(sys.argv[1])
    done, head, shown = 0, None, 1
    for logs, blocks in repeat(int(sys.argv[2])):
        index.apply(Batch(head, blocks[-1], logs, blocks, keeps_undo=False))
        done, head = done + len(logs), blocks[-1]
        if done >= shown * EACH:
            print(read_memory(), flush=True)
            shown += 1
    index.close()


if __name__ == "__main__":
    main()
