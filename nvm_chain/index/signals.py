"""Signals of a new block in an index, from this process or another one. A signal says only that it is worth to look."""

import threading
import time
from collections import defaultdict
from typing import Any, Final, Protocol

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

CHANNEL: Final = "nvm_chain_index"
"""The channel on which PostgreSQL tells every session of a new block. A database may have several indexes on it."""
POLL_SECONDS: Final = 0.02
"""The pause between two looks at a file of SQLite that another process writes. A look takes some microseconds."""
LONGEST_SECONDS: Final = 5.0
"""A signal waits no longer. So a signal that got lost costs no more than these seconds."""


class _Bell:
    """The writes to one file in this process."""

    def __init__(self) -> None:
        self.condition = threading.Condition()
        self.count = 0


_bells: dict[str, _Bell] = defaultdict(_Bell)
"""A bell for each file of SQLite that this process has written or waited for."""


def write_telling(engine: Engine) -> str:
    """Return the column of a query that tells the waiting processes of a write, as soon as its transaction is committed.

    In SQLite they see the write themselves.
    """
    return f"pg_notify('{CHANNEL}', '')" if engine.dialect.name == "postgresql" else "NULL"


def ring(engine: Engine) -> None:
    """Tell the waiting threads of this process that a transaction was committed. PostgreSQL tells them itself."""
    if engine.dialect.name == "sqlite":
        bell = _bells[_name(engine)]
        with bell.condition:
            bell.count += 1
            bell.condition.notify_all()


def _name(engine: Engine) -> str:
    return engine.url.database or ""


def _limit(seconds: float | None) -> float:
    return LONGEST_SECONDS if seconds is None else min(max(0, seconds), LONGEST_SECONDS)


class Signal(Protocol):
    """Signal of writes to an index."""

    def wait(self, timeout_seconds: float | None) -> None:
        """Wait until the index was written since the last call, or perhaps was. Not for longer than some seconds."""

    def close(self) -> None:
        """End the waiting, and close its connection."""


def open_signal(engine: Engine) -> Signal:
    """Return the signal of an index in SQLite or PostgreSQL. Writes after this call are noticed."""
    return FileSignal(engine) if engine.dialect.name == "sqlite" else SessionSignal(engine)


class FileSignal:
    """Signal of an index in SQLite: at once from this process, and by the file's version from another one."""

    def __init__(self, engine: Engine) -> None:
        """Note the file's present version."""
        self._bell = _bells[_name(engine)]
        self._connection = engine.raw_connection()
        self._seen = self._look()

    def _look(self) -> tuple[int, int]:
        """Return the number of writes in this process, and the file's version, which each commit changes."""
        cursor = self._connection.cursor()
        (version,) = cursor.execute("PRAGMA data_version").fetchone()
        cursor.close()
        return self._bell.count, version

    def wait(self, timeout_seconds: float | None) -> None:
        """Wait until the file was written since the last call."""
        end = time.monotonic() + _limit(timeout_seconds)
        with self._bell.condition:
            while (seen := self._look()) == self._seen and (left := end - time.monotonic()) > 0:
                self._bell.condition.wait(min(left, POLL_SECONDS))
        self._seen = seen

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class SessionSignal:
    """Signal of an index in PostgreSQL, on a connection of its own that listens."""

    def __init__(self, engine: Engine) -> None:
        """Begin to listen."""
        self._engine = engine
        self._connection: Connection | None = None
        self._driver: Any = None
        self._listen()

    def _listen(self) -> None:
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()
        self._connection, self._driver = connection, connection.connection.dbapi_connection
        try:
            connection.execute(text(f"LISTEN {CHANNEL}"))
        except DBAPIError:
            self.close()
            raise

    def wait(self, timeout_seconds: float | None) -> None:
        """Wait until some index in the database was written. After a lost connection, listen again and return at once."""
        if self._connection is None:
            self._listen()
            return
        try:
            for _ in self._driver.notifies(timeout=_limit(timeout_seconds), stop_after=1):
                return
        except self._engine.dialect.loaded_dbapi.Error:
            self.close()

    def close(self) -> None:
        """End the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._driver.close()  # which sends nothing, so that it works without a server too
            connection.invalidate()
            connection.close()
