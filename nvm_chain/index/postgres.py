"""An index in PostgreSQL: how it is opened and written, and what its failures mean."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import Column, Engine, Table, create_engine, event
from sqlalchemy.engine import URL

from nvm_chain.errors import DiskFull, IndexFailure, IndexNotWritable, IndexUnavailable, WrongDatabase
from nvm_chain.index.extras import require_extra
from nvm_chain.index.packing import list_columns, pack_rows
from nvm_chain.index.pens import Pen, Row, name_key, write_upsert, write_values
from nvm_chain.index.pooling import check_before_use

CONNECT_SECONDS: Final = 10
"""How long a connection waits for the server."""
FEW: Final = 40
"""Below this number, rows are written and looked up without a temporary table, which takes longer."""
FULL: Final = ("53100",)
"""The disk of the server is full."""
READ_ONLY: Final = ("25006", "42501")
"""The transaction or the user may only read."""
PASSING: Final = ("08", "40", "53", "55", "57", "58")
"""The classes of failures that may pass: of connections, locks, resources, operators and the system. Others stay."""


def open_engine(url: URL) -> Engine:
    """Return an engine for a database. Raises MissingExtra if psycopg is not installed."""
    require_extra("postgres", "An index in PostgreSQL")
    engine = create_engine(url.set(drivername="postgresql+psycopg"), connect_args={"connect_timeout": CONNECT_SECONDS})
    event.listen(engine, "connect", _set_up)
    check_before_use(engine)
    return engine


def _set_up(driver: Any, _: object) -> None:
    """Read numeric as int, as all of ours are whole numbers."""
    from psycopg.adapt import Loader

    class Whole(Loader):
        def load(self, data: Any) -> int:
            return int(bytes(data))

    driver.adapters.register_loader("numeric", Whole)


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

    def _spell(self, statement: str) -> str:
        return _spell(statement)

    def add(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert rows with all columns of a table: by COPY, or a few rows by one statement."""
        if 0 < len(rows) < FEW:
            values = [value for row in rows for value in row]
            self.change(f"INSERT INTO {table.name} {write_values(table, len(rows))}", values)
        elif rows:
            self._copy(table.name, list_columns(table), rows)

    def replace(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert rows, or replace those with the same primary key. A key may occur once."""
        if 0 < len(rows) < FEW:
            self.change_each(write_upsert(table, write_values(table)), rows)
        elif rows:
            name = f"new_{table.name}"
            self.change(_make_temporary(table, name, "*"))
            self._copy(name, list_columns(table), rows)
            self.change(write_upsert(table, f"SELECT * FROM {name} ORDER BY {name_key(table)}"))  # noqa: S608
            self.change(f"TRUNCATE {name}")

    def find(self, table: Table, keys: Sequence[Row]) -> list[Any]:
        """Return the rows of a table with these primary keys."""
        if not keys:
            return []
        if len(keys) < FEW:
            return self.ask(_select(table, len(keys)), [value for key in keys for value in key])
        name = f"wanted_{table.name}"
        self.change(_make_temporary(table, name, name_key(table)))
        self._copy(name, tuple(table.primary_key), keys)
        found = self.ask(f"SELECT t.* FROM {table.name} t JOIN {name} USING ({name_key(table)})")  # noqa: S608
        self.change(f"TRUNCATE {name}")
        return found

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
def _make_temporary(table: Table, name: str, columns: str) -> str:
    """Return the statement that makes a table for this connection. A later transaction finds it empty."""
    return (
        f"CREATE TEMPORARY TABLE IF NOT EXISTS {name} ON COMMIT DELETE ROWS "  # noqa: S608
        f"AS SELECT {columns} FROM {table.name} WITH NO DATA"
    )


@cache
def _select(table: Table, count: int) -> str:
    key = f"({', '.join('?' * len(table.primary_key))})"
    return f"SELECT * FROM {table.name} WHERE ({name_key(table)}) IN ({', '.join([key] * count)})"  # noqa: S608
