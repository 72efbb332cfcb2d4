"""A store: the books of one meter in a database. `nvm_chain.meter.store.opening.open_store` returns one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from time import time as read_clock
from typing import Any, Final

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from nvm_chain.errors import IndexFailure, IndexUnavailable
from nvm_chain.index import postgres, sqlite
from nvm_chain.index.pens import Pen
from nvm_chain.meter.notices import NoticeRule
from nvm_chain.meter.store.changes import Change
from nvm_chain.meter.store.groups import Rows, run_group
from nvm_chain.meter.store.statements import CLOCK, write_statements

CONFLICTS: Final = ("40001", "40P01")
"""PostgreSQL gave up a transaction because of another one. It can be run again."""
TRIES: Final = 5
ALONE: Final = ("PRAGMA synchronous = FULL", "PRAGMA locking_mode = EXCLUSIVE", "PRAGMA cache_size = -4096")
"""A commit is on the disk when it returns, and no other process opens the file. Few rows are read twice, so a cache of 4 MiB is enough."""
READ_COMMITTED: Final = "READ COMMITTED"
"""Each statement after the one that locks sees what others have committed. A server may have another level by default."""
WAIT_FOR_DISK: Final = (
    "SELECT set_config(name, 'on', false) FROM pg_settings WHERE name = 'synchronous_commit' AND setting = 'off'"
)
"""A commit is on the server's disk when it returns, even where the server has another default. Stronger levels stay."""
BUSY: Final = "SQLITE_BUSY"
IN_USE: Final = "another process has the file open"
USE_ALONE: Final = "end the other process, or use PostgreSQL for several processes"


class Store:
    """The books of a meter. One thread uses a store at a time: see `nvm_chain.meter.store.writer.Writer`."""

    def __init__(self, engine: Engine, label: str) -> None:
        """Take the engine of a database, and the name of the database without secrets."""
        self.engine, self.label = engine, label
        self._connection: Connection | None = None
        self._rows = Rows(is_alone=self.is_sqlite)
        self.head_time = 0
        """The latest block's time, as the last group read it."""

    def write_notices(self, rules: Mapping[int, NoticeRule]) -> None:
        """Write notices to the holders of some plans from now on. Any thread may call it."""
        self._rows.notice_rules = rules

    @property
    def notice_rules(self) -> Mapping[int, NoticeRule]:
        """The rules by which notices are written."""
        return self._rows.notice_rules

    @property
    def is_sqlite(self) -> bool:
        """Whether the books are in a file of SQLite, which one process has for itself."""
        return self.engine.dialect.name == "sqlite"

    def prepare(self, make: Callable[[Connection], None]) -> None:
        """Take a file of SQLite for this process alone, and make or check the tables in one transaction."""
        if self.is_sqlite:
            with self._explaining():
                sqlite.prepare_file(self.engine)
        with self.transaction() as connection:
            make(connection)

    def run(self, changes: Sequence[Change[Any]]) -> list[Any]:
        """Decide about changes in one transaction, and store what they change. Return their outcomes, errors among them.

        Raises:
            DiskFull: The disk is full. Nothing was changed.
            IndexUnavailable: The database does not answer. If it went away at the commit, the changes may be stored.
            WrongDatabase: The tables are not those of a meter.
        """
        for last in range(TRIES):
            try:
                return self._try(changes)
            except DBAPIError as error:
                self._drop(is_lost=error.connection_invalidated)
                if getattr(error.orig, "sqlstate", None) not in CONFLICTS or last == TRIES - 1:
                    raise self._explain(error.orig) from None
            except self._driver_error as error:
                self._drop(is_lost=self._is_lost(error))
                if getattr(error, "sqlstate", None) not in CONFLICTS or last == TRIES - 1:
                    raise self._explain(error) from None
            except SQLAlchemyError as error:
                self._drop(is_lost=True)
                raise IndexUnavailable(self.label, " ".join(str(error).split())) from None
        raise AssertionError("a try returns or raises")

    def _try(self, changes: Sequence[Change[Any]]) -> list[Any]:
        with ExitStack() as ending:
            ending.push(self._end_mistake)
            connection = self._connect()
            driver, dialect = (
                connection.connection,
                self.engine.dialect,
            )  # SQLAlchemy's transactions take five times as long
            if self.is_sqlite:
                sqlite.begin_write(driver.driver_connection)
            statements = write_statements(self._take_pen(connection))
            outcomes, self.head_time = run_group(
                self._rows,
                changes,
                statements,
                partial(dialect.do_commit, driver),
                partial(dialect.do_rollback, driver),
            )
        return outcomes

    def _end_mistake(self, _: object, error: BaseException | None, __: object) -> None:
        """End the transaction after an error that is not of the database, because nobody knows what became of it.

        A file is not closed meanwhile, unless its transaction cannot be ended. Else another process could take it, and release
        the holds of this one.
        """
        if error is not None and not isinstance(error, (SQLAlchemyError, self._driver_error)):
            self._drop(is_lost=not self._has_rolled_back())

    def _has_rolled_back(self) -> bool:
        """Roll back what the connection of a file has not committed, and return whether nothing is left of it."""
        if not self.is_sqlite or self._connection is None:
            return False
        with suppress(SQLAlchemyError, self._driver_error):
            driver: Any = self._connection.connection.driver_connection
            driver.rollback()
            return not driver.in_transaction
        return False

    def _connect(self) -> Connection:
        if self._connection is None:
            self._connection = self.engine.connect().execution_options(writes=True)
            if not self.is_sqlite:
                self._connection.execution_options(isolation_level=READ_COMMITTED)
                self._connection.exec_driver_sql(WAIT_FOR_DISK).close()
                self._connection.commit()
            else:
                for pragma in ALONE:
                    self._connection.connection.driver_connection.execute(pragma).close()  # type: ignore[union-attr]
        return self._connection

    def _take_pen(self, connection: Connection) -> Pen:
        return (sqlite.SqlitePen if self.is_sqlite else postgres.PostgresPen)(connection)

    def _drop(self, *, is_lost: bool) -> None:
        """End the connection of a transaction that failed, and forget what was read."""
        self._rows.forget()
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(SQLAlchemyError, self._driver_error):
                if is_lost:
                    connection.invalidate()
                connection.close()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Open a transaction on the connection of the store. It ends with a commit, or with a rollback on an error.

        Raises:
            IndexFailure: See `run`.
        """
        with self._explaining():
            connection = self._connect()
            self._rows.forget_books()
            with connection.begin():
                yield connection

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        """Turn failures of the database into errors of this package, after the connection was dropped."""
        try:
            yield
        except DBAPIError as error:
            self._drop(is_lost=error.connection_invalidated)
            raise self._explain(error.orig) from None
        except self._driver_error as error:
            self._drop(is_lost=self._is_lost(error))
            raise self._explain(error) from None

    @contextmanager
    def asking(self) -> Iterator[Pen]:
        """Open a transaction for reads and small writes, on the connection of the store."""
        with self.transaction() as connection:
            yield self._take_pen(connection)

    @property
    def _driver_error(self) -> type[Exception]:
        error: type[Exception] = self.engine.dialect.loaded_dbapi.Error
        return error

    def _is_lost(self, error: Exception) -> bool:
        """Return whether an error of the driver says that the connection is of no use any more."""
        if self._connection is None or self._connection.invalidated:
            return True
        driver: Any = self._connection.connection.driver_connection
        return self.engine.dialect.is_disconnect(error, driver, None)  # type: ignore[arg-type]

    def _explain(self, error: Any) -> IndexFailure:
        explain: Callable[[str, Any], IndexFailure] = (sqlite if self.is_sqlite else postgres).explain_failure
        failure = explain(self.label, error)
        is_busy = (getattr(error, "sqlite_errorname", None) or "").startswith(BUSY)
        return failure.explain(IN_USE, USE_ALONE) if is_busy else failure

    def note_head(self, number: int, block_hash: bytes, time: int, seen_at: int) -> None:
        """Note the block of the latest views, which was the latest at the second ``seen_at`` of this machine's clock.

        It is stored by the database's clock, so that machines with wrong clocks agree on how old the views are.
        """
        with self.asking() as pen:
            clock = CLOCK[self.engine.dialect.name]
            pen.change(
                f"UPDATE books SET head_number = ?, head_hash = ?, head_time = ?, head_seen_at = {clock} - ?",  # noqa: S608
                (number, block_hash, time, max(0, int(read_clock()) - seen_at)),
            )

    def close(self) -> None:
        """Close the connections."""
        self._drop(is_lost=False)
        self.engine.dispose()
