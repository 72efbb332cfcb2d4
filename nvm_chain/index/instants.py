"""An index at one instant: several reads, each of which opens a snapshot, see the same state."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from nvm_chain.index.store import Index


class Instant(Index):
    """The index as of one snapshot, for functions that open a snapshot of their own."""

    def __init__(self, index: Index, connection: Connection) -> None:
        """Take an index and the snapshot."""
        super().__init__(index.engine, index.label)
        self._connection = connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Return the snapshot for a ``with`` block. It stays open after it."""
        yield self._connection
