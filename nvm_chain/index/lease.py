"""The lease of an index: one process follows the chain into it at a time.

A lease ends with its process. A process that is stopped keeps it, and could still write when it wakes up after it has
lost it. `Index.apply` makes that harmless: it writes only if the head is the one that the process has read.
"""

import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol, TextIO

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from nvm_chain.errors import IndexNotWritable, IndexUnavailable, SecondFollower
from nvm_chain.index.database import Index
from nvm_chain.types.file_locks import try_lock, unlock

PAUSE_SECONDS: Final = 0.25
"""The pause between two tries while another process follows."""
KEY: Final = 0x6E766D69
"""The first half of the advisory lock's key. The second half is a hash of the schema's name."""


class Lease(Protocol):
    """The right to follow the chain into an index."""

    def check(self) -> None:
        """Check that this process still has the lease.

        Raises SecondFollower if another process has it, and IndexUnavailable if the database does not answer.
        """

    def is_lost(self) -> bool:
        """Return whether the lease is not this process's own any more, after a SecondFollower from anywhere."""

    def release(self) -> None:
        """Let another process follow."""


class FileLease:
    """The lease of an index in SQLite: a lock on a file beside it. The file remains, so that all lock the same one."""

    def __init__(self, path: Path, label: str) -> None:
        """Take the lease. Raises SecondFollower if another process has it."""
        self._file: TextIO
        try:
            self._file = path.open("a", encoding="utf-8")
        except OSError as error:
            raise IndexNotWritable(label, error.strerror or type(error).__name__) from None
        is_free = False
        with suppress(OSError):  # without locks in the file system, nobody can be sure to follow alone
            is_free = try_lock(self._file)
        if not is_free:
            self._file.close()
            raise _refuse(label)

    def check(self) -> None:
        """Do nothing: the system keeps the lock as long as the process lives."""

    def is_lost(self) -> bool:
        """Return False, as a lock on a file cannot be lost."""
        return False

    def release(self) -> None:
        """Unlock the file."""
        unlock(self._file)  # closing alone may not unlock: a forked process may have the file open too
        self._file.close()


class AdvisoryLease:
    """The lease of an index in PostgreSQL: an advisory lock on a connection of its own.

    The server gives the lock back when the connection ends. If the server was away, the lease is taken again.
    """

    def __init__(self, engine: Engine, label: str) -> None:
        """Take the lease. Raises SecondFollower if another process has it."""
        self._engine, self._label = engine, label
        self._connection: Connection | None = None
        self._driver: Any = None
        self.check()

    def check(self) -> None:
        """Check the connection with the lock, and take the lock again if the connection was lost."""
        try:
            if self._connection is None:
                self._lock()
            else:
                self._connection.exec_driver_sql("SELECT 1")
        except DBAPIError as error:
            self._drop()
            raise IndexUnavailable(self._label, " ".join(str(error.orig).split())) from None

    def is_lost(self) -> bool:
        """Return whether the connection with the lock has ended. Another process can have the lock then."""
        if self._connection is not None:
            with suppress(IndexUnavailable):
                self.check()
        return self._connection is None

    def _lock(self) -> None:
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self._driver = connection.connection.driver_connection
        connection.detach()
        self._connection = connection
        taken = text("SELECT pg_try_advisory_lock(:key, hashtext(current_schema()))")
        if not connection.execute(taken, {"key": KEY}).scalar_one():
            self.release()
            raise _refuse(self._label)

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()
            self._driver.close()  # nobody else does, because the connection is not in the pool

    def release(self) -> None:
        """End the connection, and with it the lock."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(DBAPIError):  # the server frees the lock some time after the connection's end
                connection.execute(text("SELECT pg_advisory_unlock(:key, hashtext(current_schema()))"), {"key": KEY})
            connection.close()
            self._driver.close()


def hold_lease(index: Index, waits: threading.Event | None = None) -> Lease:
    """Take the lease of an index.

    Args:
        index: The index.
        waits: If given, wait while another process follows, until this event is set.

    Raises:
        SecondFollower: Another process follows.
        IndexNotWritable: The file of the lock cannot be written.
        IndexUnavailable: The database does not answer.
    """
    while True:
        try:
            return _take_lease(index)
        except SecondFollower:
            if waits is None or waits.wait(PAUSE_SECONDS):
                raise


def _take_lease(index: Index) -> Lease:
    if index.engine.dialect.name == "postgresql":
        return AdvisoryLease(index.engine, index.label)
    return FileLease(Path(f"{Path(index.label).resolve()}.follower"), index.label)


def _refuse(label: str) -> SecondFollower:
    error = SecondFollower(label, "free", "taken")
    return error.explain(
        "it holds the index's lease",
        "Let one process follow, or let this one wait. Other processes can read the index at any time",
    )
