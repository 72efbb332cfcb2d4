"""An index: read it at one instant, and write it. `nvm_chain.index.database.open_index` returns one."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from eth_typing import ChecksumAddress
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from nvm_chain.errors import IndexFailure, IndexUnavailable
from nvm_chain.errors.fields import Number
from nvm_chain.index import postgres, sqlite
from nvm_chain.index.collector import pausing_collector
from nvm_chain.index.histories import Histories
from nvm_chain.index.pens import Pen
from nvm_chain.index.raw_events import name_address
from nvm_chain.index.signals import ring, write_telling
from nvm_chain.index.undoing import undo_blocks
from nvm_chain.index.writing import Batch, write_batch
from nvm_chain.types.events import Block


@dataclass(frozen=True, slots=True)
class IndexState:
    """What an index stands for. ``head`` is the latest block in it, or None for an empty index.

    ``undo_floor`` is the oldest block to which the index can roll back, or None for an empty index. ``proven_to`` is the
    last block up to which the events are proven to be complete, or None.
    """

    chain_id: Number
    credits: ChecksumAddress
    agents: ChecksumAddress | None
    first_block: Number
    head: Block | None
    undo_floor: Number | None
    proven_to: Number | None


class Index:
    """An index. `open_index` returns one.

    Several threads and processes may read it, each with its own `snapshot`. One follows the chain, and writes.
    """

    def __init__(self, engine: Engine, label: str) -> None:
        """Take the engine of a database, and the name of the database without secrets."""
        self.engine = engine
        self.label = label
        self._state: IndexState | None = None

    def __repr__(self) -> str:
        """Return the name of the database, without secrets."""
        return f"<Index {self.label}>"

    @property
    def is_sqlite(self) -> bool:
        """Whether the index is a file of SQLite. Else it is in PostgreSQL."""
        return self.engine.dialect.name == "sqlite"

    # ------------------------------------------------------------------ read

    @property
    def state(self) -> IndexState:
        """The state as of the last `read_state`, `apply` or `roll_back` of this object."""
        return self._state or self.read_state()

    def read_state(self) -> IndexState:
        """Read the state anew."""
        with self.snapshot() as connection:
            self._state = load_state(connection)
        return self._state

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Open a connection whose reads all see the index at the same instant, however the follower goes on.

        Raises:
            IndexUnavailable: The file or the server does not answer.
        """
        options = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self.typed_errors(), self.engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection

    @contextmanager
    def histories(self) -> Iterator[Histories]:
        """Open the histories of holders and plans at one instant, for statements.

        Raises:
            IndexBehind: The index is empty.
            IndexUnavailable: The file or the server does not answer.
        """
        with self.snapshot() as connection:
            yield Histories(connection, self.label)

    def kept_blocks(self) -> list[Block]:
        """Return the blocks to which `roll_back` can go, newest first. The first is the head."""
        with self.snapshot() as connection:
            head, floor = connection.exec_driver_sql("SELECT head_number, undo_floor FROM state").one()
            if head is None:
                return []
            found = connection.exec_driver_sql(
                f"SELECT number, hash, time FROM blocks WHERE number >= {int(floor)} ORDER BY number DESC"  # noqa: S608
            )
            return [Block(number, f"0x{block_hash.hex()}", time) for number, block_hash, time in found]

    # ------------------------------------------------------------------ write

    def apply(self, batch: Batch) -> None:
        """Write a batch in one transaction.

        Raises:
            SecondFollower: The head of the index is not ``batch.expected``.
            LogsRefused: Logs are repeated, not in order, malformed, or outside their blocks.
            IndexIncomplete: The logs do not fit the ones before, so a log is missing.
            DiskFull: The disk is full. Nothing was written.
            IndexNotWritable: The index may only be read.
            IndexUnavailable: The file or the server does not answer. Nothing was written.
        """
        self._write(lambda pen, query: write_batch(pen, self.label, batch, query))

    def roll_back(self, to: Block) -> None:
        """Go back to a block of `kept_blocks`, in one transaction. It begins at the head in ``state``.

        Raises:
            SecondFollower: Another process has moved the head meanwhile.
            ReorgTooDeep: The index does not remember the block.
            DiskFull: As in `apply`.
            IndexNotWritable: As in `apply`.
            IndexUnavailable: As in `apply`.
        """
        self._write(lambda pen, query: undo_blocks(pen, self.label, self.state.head, to, query))

    def _write(self, change: Callable[[Pen, str], list[Any]]) -> None:
        with pausing_collector(), self.writing() as connection:
            query = f"SELECT {STATE}, {write_telling(self.engine)} FROM state"  # noqa: S608
            ((*row, _),) = change(self.take_pen(connection), query)
        self._state = build_state(row)
        ring(self.engine)

    def take_pen(self, connection: Connection) -> Pen:
        """Return what runs statements in the transaction of a connection."""
        return (sqlite.SqlitePen if self.is_sqlite else postgres.PostgresPen)(connection)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a connection in a transaction that may write. It ends with a commit, or with a rollback on an error.

        Raises:
            DiskFull: The disk is full. Nothing was written.
            IndexNotWritable: The index may only be read.
            IndexUnavailable: The file or the server does not answer.
        """
        with (
            self.typed_errors(),
            self.engine.connect().execution_options(writes=True) as connection,
            connection.begin(),
        ):
            yield connection

    # ------------------------------------------------------------------ failures

    @contextmanager
    def typed_errors(self) -> Iterator[None]:
        """Turn failures of the database into errors of this package."""
        try:
            yield
        except DBAPIError as error:
            raise self._explain(error.orig) from None
        except PoolTimeout:
            raise IndexUnavailable(self.label, "all its connections are in use") from None
        except sqlite3.Error as error:
            raise self._explain(error) from None
        except self.engine.dialect.loaded_dbapi.Error as error:
            raise self._explain(error) from None

    def _explain(self, error: Any) -> IndexFailure:
        explain: Callable[[str, Any], IndexFailure] = (sqlite if self.is_sqlite else postgres).explain_failure
        return explain(self.label, error)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


STATE: Final = "chain_id, credits, agents, first_block, head_number, head_hash, head_time, undo_floor, proven_to"
"""The columns of `IndexState`."""


def load_state(connection: Connection) -> IndexState:
    """Return the state in the transaction of a connection."""
    return build_state(connection.exec_driver_sql(f"SELECT {STATE} FROM state").one())  # noqa: S608


def build_state(row: Sequence[Any]) -> IndexState:
    """Return the state in a row with the columns of ``STATE``."""
    chain_id, credits, agents, first_block, number, block_hash, time, undo_floor, proven_to = row
    return IndexState(
        chain_id=chain_id,
        credits=name_address(credits),
        agents=None if agents is None else name_address(agents),
        first_block=first_block,
        head=None if block_hash is None else Block(number, f"0x{block_hash.hex()}", time),
        undo_floor=undo_floor,
        proven_to=proven_to,
    )
