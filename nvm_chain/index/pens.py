"""Statements of an index on the driver's own cursor: one way to run them, which reads every result to its end.

SQLite keeps a statement open until its result is read, and with it the transaction: a COMMIT fails, or is lost without a
word. So nothing else in this room runs a statement that writes.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeAlias

from sqlalchemy import Connection, Table

Row: TypeAlias = Sequence[Any]
Wanted: TypeAlias = tuple[Table, Sequence[Row]]
"""A table, and primary keys of it."""


@cache
def name_key(table: Table) -> str:
    """Return the columns of a table's primary key, as SQL lists them."""
    return ", ".join(column.name for column in table.primary_key)


@cache
def write_upsert(table: Table, source: str) -> str:
    """Return the statement that inserts what a source gives, or changes the rows with the same primary keys."""
    others = [column.name for column in table.columns if not column.primary_key]
    changes = ", ".join(f"{name} = excluded.{name}" for name in others)
    return f"INSERT INTO {table.name} {source} ON CONFLICT ({name_key(table)}) DO UPDATE SET {changes}"


@cache
def write_values(table: Table, count: int = 1) -> str:
    """Return the marks for some rows of a table."""
    marks = f"({', '.join('?' * len(table.columns))})"
    return f"VALUES {', '.join([marks] * count)}"


class Pen(ABC):
    """Reads and writes of one transaction. Statements have ``?`` for each value."""

    def __init__(self, connection: Connection) -> None:
        """Take a connection in a transaction."""
        self._driver: Any = connection.connection.driver_connection

    def ask(self, statement: str, values: Row = ()) -> list[Any]:
        """Run a statement, and return all rows of its result."""
        cursor = self._driver.cursor()
        try:
            self._execute(cursor, statement, values)
            return cursor.fetchall() if cursor.description is not None else []
        finally:
            cursor.close()

    def change(self, statement: str, values: Row = ()) -> int:
        """Run a statement that has no result, and return the number of changed rows."""
        cursor = self._driver.cursor()
        try:
            self._execute(cursor, statement, values)
            return int(cursor.rowcount)
        finally:
            cursor.close()

    def run(self, statement: str, values: Row = ()) -> None:
        """Run a statement that has no result. In `together` it may run later."""
        self.change(statement, values)

    @contextmanager
    def together(self, query: str) -> Iterator[list[Any]]:
        """Let `add`, `replace` and `run` wait for the end of a block, and run all at once with a query.

        Its rows are in the list then. All may run in any order, so no two may write the same row, and neither the query nor
        other statements of the block see what they write. They raise the driver's errors there.
        """
        answer: list[Any] = []
        yield answer
        answer += self.ask(query)

    def change_each(self, statement: str, rows: Iterable[Row]) -> None:
        """Run a statement without a result for each row."""
        cursor = self._driver.cursor()
        try:
            cursor.executemany(self._spell(statement), rows)
        finally:
            cursor.close()

    def _execute(self, cursor: Any, statement: str, values: Row) -> None:
        """Run a statement on a cursor."""
        cursor.execute(self._spell(statement), values)

    @abstractmethod
    def _spell(self, statement: str) -> str:
        """Return a statement with the driver's mark for a value."""

    @abstractmethod
    def add(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert rows with all columns of a table. Raises the driver's error for a row that exists."""

    @abstractmethod
    def replace(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert rows, or replace those with the same primary key."""

    def ask_each(self, asked: Sequence[tuple[str, Row]]) -> list[list[Any]]:
        """Run statements with their values, one after the other, and return the rows of each. A server is asked once."""
        return [self.ask(statement, values) for statement, values in asked]

    @contextmanager
    def sending_at_once(self) -> Iterator[None]:
        """Let the changes of a block be sent without waiting for each. Their failures are raised at its end."""
        yield

    def change_and_find(self, statement: str, values: Row, wanted: Sequence[Wanted]) -> tuple[int, list[list[Any]]]:
        """Run a statement that has no result, and return the number of changed rows.

        Return also what `find` then returns for each table and its keys.
        """
        return self.change(statement, values), [self.find(table, keys) for table, keys in wanted]

    @abstractmethod
    def find(self, table: Table, keys: Sequence[Row]) -> list[Any]:
        """Return the rows of a table with these primary keys, in any order. Missing ones are left out."""
