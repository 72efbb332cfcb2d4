"""The tables of an index as plain values, to compare indexes of both engines."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from nvm_chain.index.database import Batch, Index, open_index
from nvm_chain.index.logs import Log, parse_logs
from nvm_chain.index.schema import metadata
from nvm_chain.types.events import Block
from tests.support.canned_logs import CHAIN_ID, CONTRACTS, CannedBlock

Tables = dict[str, list[tuple[Any, ...]]]


def open_new(url: str) -> Index:
    """Make an index of the canned deployment."""
    return open_index(url, chain_id=CHAIN_ID, credits=CONTRACTS.credits, agents=CONTRACTS.agents, create=True)


def parse_blocks(blocks: Iterable[CannedBlock]) -> list[Log]:
    """Return the logs of blocks."""
    return parse_logs([log for block in blocks for log in block.logs], CONTRACTS)


def batch_of(index: Index, blocks: list[CannedBlock], *, keeps_undo: bool = True) -> Batch:
    """Return blocks as the next batch of an index."""
    plain = [block.block for block in blocks]
    return Batch(index.read_state().head, plain[-1], parse_blocks(blocks), plain, keeps_undo)


def feed(index: Index, blocks: list[CannedBlock], size: int = 1, *, keeps_undo: bool = True) -> Index:
    """Apply blocks in batches of some blocks, and return the index."""
    for start in range(0, len(blocks), size):
        index.apply(batch_of(index, blocks[start : start + size], keeps_undo=keeps_undo))
    return index


def read_tables(index: Index) -> Tables:
    """Return all rows of all tables in order, with the same Python values for both engines."""
    with index.snapshot() as connection:
        return {
            name: sorted(
                [tuple(map(plain, row)) for row in connection.exec_driver_sql(f"SELECT * FROM {name}")], key=repr
            )
            for name in metadata.tables
        }


def plain(value: Any) -> Any:
    """Return a value as an int, text, bytes or None."""
    if isinstance(value, bool | Decimal):
        return int(value)
    if isinstance(value, memoryview):
        return bytes(value)
    return int(value) if isinstance(value, str) and value.lstrip("-").isdigit() else value


def without_memory(tables: Tables) -> Tables:
    """Return tables without what depends on the way to a block: remembered blocks without events, undo, and its floor."""
    used = {row[0] >> 20 for row in tables["events"]}
    kept = {name: rows for name, rows in tables.items() if not name.endswith("_undo") and name != "state"}
    kept["blocks"] = [row for row in tables["blocks"] if row[0] in used]
    kept["state"] = [(*row[:8], *row[9:]) for row in tables["state"]]
    return kept


def head_of(blocks: list[CannedBlock]) -> Block:
    """Return the last block."""
    return blocks[-1].block
