"""An index in PostgreSQL: how it is opened and written, and what its failures mean."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from functools import cache
from typing import Any, Final

from sqlalchemy import Column, Connection, Engine, Table, create_engine, event
from sqlalchemy.engine import URL

from nvm_chain.errors import DiskFull, IndexFailure, IndexNotWritable, IndexUnavailable, WrongDatabase
from nvm_chain.index.arrays import Array, pack_arrays, write_source
from nvm_chain.index.extras import require_extra
from nvm_chain.index.packing import list_columns, pack_rows
from nvm_chain.index.pens import Pen, Row, Wanted, name_key, write_upsert
from nvm_chain.index.pooling import check_before_use

CONNECTION: Final = {
    "connect_timeout": 10,
    "tcp_user_timeout": 30_000,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}
"""How long a connection waits: for the server at first, until sent data arrives (in milliseconds), and while all is quiet.

Without the later ones, a server that vanishes without a word holds a process for a quarter of an hour, or two hours. They
have no effect on a socket in the file system, or where the system does not offer them. A URL can name other values.
"""
FEW: Final = 200
"""Below this number, rows are added together with those of other tables. More of them take less time by COPY."""
FULL: Final = ("53100",)
"""The disk of the server is full."""
READ_ONLY: Final = ("25006", "42501")
"""The transaction or the user may only read."""
PASSING: Final = ("08", "40", "53", "55", "57", "58")
"""The classes of failures that may pass: of connections, locks, resources, operators and the system. Others stay."""


def open_engine(url: URL) -> Engine:
    """Return an engine for a database. Raises MissingExtra if psycopg is not installed."""
    require_extra("postgres", "An index in PostgreSQL")
    options = {name: value for name, value in CONNECTION.items() if name not in url.query}
    engine = create_engine(url.set(drivername="postgresql+psycopg"), connect_args=options)
    event.listen(engine, "connect", _set_up)
    check_before_use(engine)
    return engine


def _set_up(driver: Any, _: object) -> None:
    """Read numeric as int, as all of ours are whole numbers, and send arrays as they are packed."""
    from psycopg.adapt import Dumper, Loader
    from psycopg.pq import Format

    class Whole(Loader):
        def load(self, data: Any) -> int:
            return int(bytes(data))

    class Packed(Dumper):
        format = Format.BINARY

        def dump(self, obj: Array) -> Array:
            return obj

    driver.adapters.register_loader("numeric", Whole)
    driver.adapters.register_dumper(Array, Packed)


def explain_failure(where: str, error: Any) -> IndexFailure:
    """Return the error of this package for a failure of psycopg.

    A lost connection has no code. Other failures without a code are wrong calls, which do not pass.
    """
    from psycopg import InterfaceError, OperationalError

    code, text = getattr(error, "sqlstate", None) or "", " ".join(str(error).split())
    if code in FULL:
        return DiskFull(where, text)
    if code in READ_ONLY:
        return IndexNotWritable(where, text)
    passes = code.startswith(PASSING) if code else isinstance(error, OperationalError | InterfaceError)
    return (IndexUnavailable if passes else WrongDatabase)(where, text)


class PostgresPen(Pen):
    """Reads and writes of a transaction of PostgreSQL."""

    def __init__(self, connection: Connection) -> None:
        """Take a connection in a transaction."""
        super().__init__(connection)
        self._waiting: list[tuple[str, Row]] | None = None

    def _spell(self, statement: str) -> str:
        return _spell(statement)

    def _execute(self, cursor: Any, statement: str, values: Row) -> None:
        """Run a statement. The first one of a transaction is sent together with the transaction's begin."""
        with self.sending_at_once() if self._is_idle() else nullcontext():
            super()._execute(cursor, statement, values)

    def _is_idle(self) -> bool:
        return not self._driver.pgconn.transaction_status

    @contextmanager
    def sending_at_once(self) -> Iterator[None]:
        """Send all statements of a block without waiting for their results, which the cursors have afterwards."""
        from psycopg import Error, Pipeline
        from psycopg.errors import PipelineAborted

        if not Pipeline.is_supported():  # the library of PostgreSQL 13 and older
            yield
            return
        try:
            with self._driver.pipeline():
                yield
        except PipelineAborted as error:
            first = error.__context__  # the failure that ended the others
            raise (first if isinstance(first, Error) else error) from None

    def run(self, statement: str, values: Row = ()) -> None:
        """Run a statement that has no result. In `together` it runs later."""
        if self._waiting is None:
            self.change(statement, values)
        else:
            self._waiting.append((statement, values))

    @contextmanager
    def together(self, query: str) -> Iterator[list[Any]]:
        """Run the statements of a block as one at its end, with a query, so that the server is asked once."""
        answer: list[Any] = []
        waiting = self._waiting = []
        try:
            yield answer
        finally:
            self._waiting = None
        statements = tuple(statement for statement, _ in waiting)
        answer += self.ask(_join(statements, query), [value for _, values in waiting for value in values])

    def add(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert rows with all columns of a table: by COPY, or a few rows by a statement."""
        columns = list_columns(table)
        if 0 < len(rows) < FEW:
            self.run(f"INSERT INTO {table.name} {write_source(columns)}", pack_arrays(columns, rows))
        elif rows:
            self._copy(table.name, columns, rows)

    def replace(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert rows, or replace those with the same primary key. A key may occur once."""
        if rows:
            columns = list_columns(table)
            self.run(write_upsert(table, write_source(columns)), pack_arrays(columns, rows))

    def find(self, table: Table, keys: Sequence[Row]) -> list[Any]:
        """Return the rows of a table with these primary keys."""
        return self.ask(*ask_for(table, keys)) if keys else []

    def change_and_find(self, statement: str, values: Row, wanted: Sequence[Wanted]) -> tuple[int, list[list[Any]]]:
        """Run a statement, and return the number of changed rows and rows of some tables. The server is asked once."""
        asked = [ask_for(table, keys) for table, keys in wanted if keys]
        changed, *rows = self.ask_each([(f"{statement} RETURNING 1", values), *asked])
        found = iter(rows)
        return len(changed), [next(found) if keys else [] for _, keys in wanted]

    def ask_each(self, asked: Sequence[tuple[str, Row]]) -> list[list[Any]]:
        """Return the rows of each statement. The server is asked once, and runs one after the other."""
        cursors = [self._driver.cursor() for _ in asked]
        with ExitStack() as stack:
            for cursor in cursors:
                stack.callback(cursor.close)
            with self.sending_at_once():
                for cursor, (statement, values) in zip(cursors, asked, strict=True):
                    cursor.execute(self._spell(statement), values)
            return [cursor.fetchall() if cursor.description is not None else [] for cursor in cursors]

    def _copy(self, name: str, columns: Sequence[Column[Any]], rows: Sequence[Row]) -> None:
        cursor = self._driver.cursor()
        try:
            with cursor.copy(f"COPY {name} FROM STDIN (FORMAT BINARY)") as copy:
                for piece in pack_rows(columns, rows):
                    copy.write(piece)
        finally:
            cursor.close()


@cache
def _spell(statement: str) -> str:
    return statement.replace("?", "%s")


@cache
def _join(statements: tuple[str, ...], query: str) -> str:
    """Return one statement that runs some, and then a query. Each of them sees the rows as they were before all."""
    parts = ", ".join(f"part{number} AS ({statement})" for number, statement in enumerate(statements))
    return f"WITH {parts} {query}" if parts else query


def ask_for(table: Table, keys: Sequence[Row]) -> tuple[str, list[Array]]:
    """Return the query of rows by their keys, and its values. There must be a key."""
    return _select(table), pack_arrays(tuple(table.primary_key), keys)


@cache
def _select(table: Table) -> str:
    """Return the query of rows by their keys, which finds each of them by the table's index."""
    key = tuple(table.primary_key)
    return (
        f"SELECT t.* FROM {table.name} t JOIN ({write_source(key)}) AS k({name_key(table)}) "  # noqa: S608
        f"USING ({name_key(table)})"
    )
