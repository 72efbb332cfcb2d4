"""An index in a file of SQLite: how it is opened and written, and what its failures mean."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Column, Connection, Engine, LargeBinary, Table, create_engine, event
from sqlalchemy.engine import URL

from nvm_chain.errors import DiskFull, IndexFailure, IndexNotWritable, IndexUnavailable, WrongDatabase
from nvm_chain.index.columns import INT64_END, Amount, ExactSum, Uint256, fit_amount
from nvm_chain.index.pens import Pen, Row, write_upsert, write_values

LOCK_SECONDS: Final = 30
"""How long a statement waits for another process's transaction."""
CACHE_KIBIBYTES: Final = 32_768
PAGE_BYTES: Final = 8_192
"""The size of a page of a new file. A first sync takes less time than with the usual 4,096 bytes."""
LOG_PAGES: Final = 8_192
"""How many pages the write-ahead log may have before they are copied into the file: 64 MiB. Most change several times."""
FULL: Final = ("SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE")
"""There is no room for what is written. A limit of a file's size is among the failures of writes."""
LASTING: Final = ("SQLITE_NOTADB", "SQLITE_CORRUPT", "SQLITE_CONSTRAINT", "SQLITE_ERROR", "SQLITE_MISMATCH")
"""Failures that stay: no file of SQLite, a damaged one, or tables that are not those of an index."""
CANNOT_SHARE: Final = "a user who may only read the file can read it only while another process has it open"
LET_SHARE: Final = "let a follower run, or let this user write to the folder of the file"
ROWS_AT_ONCE: Final = 100
"""How many rows one statement inserts. It takes a tenth less time than a statement for each row."""
KEYS_AT_ONCE: Final = 300
"""How many keys one statement looks up."""


def open_engine(path: Path, *, create: bool) -> Engine:
    """Return an engine for a file. If ``create`` is False, the file has to exist."""
    mode = "rwc" if create else "rw"
    url = URL.create("sqlite", database=f"file:{_quote(path)}", query={"mode": mode, "uri": "true"})
    engine = create_engine(url, connect_args={"timeout": LOCK_SECONDS}, max_overflow=-1)
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    return engine


def _quote(path: Path) -> str:
    """Return a path as SQLite takes it in a URI."""
    return str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _set_up(driver: sqlite3.Connection, _: object) -> None:
    """Let transactions begin where this module says so, and set what SQLite forgets with each connection."""
    driver.isolation_level = None
    driver.create_aggregate("exact_sum", 1, ExactSum)  # type: ignore[arg-type]  # sqlite3 takes text too
    for pragma in (
        f"page_size = {PAGE_BYTES}",
        "synchronous = NORMAL",
        f"cache_size = -{CACHE_KIBIBYTES}",
        f"wal_autocheckpoint = {LOG_PAGES}",
        "temp_store = MEMORY",
    ):
        driver.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    driver: Any = connection.connection.driver_connection
    if connection.get_execution_options().get("writes"):
        begin_write(driver)
    else:
        driver.execute("BEGIN").close()


def begin_write(driver: Any) -> None:
    """Begin a transaction that writes. Without the word, two of them could wait for each other."""
    driver.execute("BEGIN IMMEDIATE").close()


def prepare_file(engine: Engine) -> None:
    """Let readers and the writer work at the same time. The file keeps this, so once is enough."""
    connection = engine.raw_connection()
    try:
        connection.driver_connection.execute("PRAGMA journal_mode = WAL").close()  # type: ignore[union-attr]
    finally:
        connection.close()


def explain_failure(where: str, error: sqlite3.Error) -> IndexFailure:
    """Return the error of this package for a failure of SQLite."""
    code, text = getattr(error, "sqlite_errorname", None) or "", str(error)
    if code in FULL:
        return DiskFull(where, text)
    if code == "SQLITE_READONLY_DIRECTORY":  # also from reads, which share a file beside the database
        return IndexUnavailable(where, text).explain(CANNOT_SHARE, LET_SHARE)
    if code.startswith("SQLITE_READONLY"):
        return IndexNotWritable(where, text)
    if code.startswith(LASTING):
        return WrongDatabase(where, text)
    return IndexUnavailable(where, text)


class SqlitePen(Pen):
    """Reads and writes of a transaction of SQLite."""

    def __init__(self, connection: Connection) -> None:
        """Take a connection in a transaction."""
        super().__init__(connection)
        self._buffers = _Buffers()

    def _spell(self, statement: str) -> str:
        return statement

    def add(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert rows with all columns of a table."""
        self._write(rows, table, _write_insert)

    def replace(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert rows, or replace those with the same primary key."""
        self._write(rows, table, _write_upsert)

    def _write(self, rows: Sequence[Row], table: Table, spell: Callable[[Table, int], str]) -> None:
        """Write rows: first a few one by one, then many by each statement."""
        values, width = self._fit(table.columns, rows), len(table.columns)
        alone = len(rows) % ROWS_AT_ONCE * width
        if alone:
            some = [values[start : start + width] for start in range(0, alone, width)]
            self.change_each(spell(table, 1), some)
        for start in range(alone, len(values), ROWS_AT_ONCE * width):
            self.change(spell(table, ROWS_AT_ONCE), values[start : start + ROWS_AT_ONCE * width])

    def find(self, table: Table, keys: Sequence[Row]) -> list[Any]:
        """Return the rows of a table with these primary keys."""
        columns = table.primary_key.columns
        values, found, step = self._fit(columns, keys), list[Any](), KEYS_AT_ONCE * len(columns)
        for start in range(0, len(values), step):
            some = values[start : start + step]
            count = round_up(len(some) // len(columns), KEYS_AT_ONCE)
            found += self.ask(_select(table, count), some + [None] * (count * len(columns) - len(some)))
        return found

    def _fit(self, columns: Iterable[Column[Any]], rows: Sequence[Row]) -> list[Any]:
        """Return the values of rows, one after the other, as SQLite takes them."""
        values = [*chain.from_iterable(rows)]
        types = [column.type for column in columns]
        for number, kind in enumerate(types):
            given = values[number :: len(types)]
            if isinstance(kind, LargeBinary):
                values[number :: len(types)] = map(self._buffers.__getitem__, given)
            elif isinstance(kind, Uint256 | Amount):
                values[number :: len(types)] = _fit_numbers(given, fits_all=isinstance(kind, Uint256))
        return values


def take_buffers(values: Iterable[Any]) -> list[Any]:
    """Return values with bytearrays instead of bytes, see `_Buffers`. For a few rows, whose values hardly repeat."""
    return [bytearray(value) if type(value) is bytes else value for value in values]


class _Buffers(dict[bytes | None, bytearray | None]):
    """Bytes that can be changed. Python's module gives them to SQLite in a fifth of the time that it needs for others."""

    def __missing__(self, value: bytes | None) -> bytearray | None:
        buffer = self[value] = None if value is None else bytearray(value)
        return buffer


def _fit_numbers(values: list[Any], *, fits_all: bool) -> list[Any]:
    """Write money as text, and amounts beyond 64 bits too."""
    if fits_all:
        return [None if value is None else str(value) for value in values]
    given = [value for value in values if value is not None]
    if not given or -INT64_END <= min(given) <= max(given) < INT64_END:
        return values
    return [None if value is None else fit_amount(value) for value in values]


@cache
def _write_insert(table: Table, count: int) -> str:
    return f"INSERT INTO {table.name} {write_values(table, count)}"


@cache
def _write_upsert(table: Table, count: int) -> str:
    return write_upsert(table, write_values(table, count))


def round_up(count: int, most: int) -> int:
    """Return a power of two, or ``most``, so that there are few different statements, which SQLite keeps. The rest is filled up."""
    return min(1 << (count - 1).bit_length(), most)


@cache
def _select(table: Table, count: int) -> str:
    names = [column.name for column in table.primary_key]
    key = f"({', '.join('?' * len(names))})"
    return f"SELECT * FROM {table.name} WHERE ({', '.join(names)}) IN (VALUES {', '.join([key] * count)})"  # noqa: S608
