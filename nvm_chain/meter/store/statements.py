"""The statements of the store, in each database: lock accounts, find rows, put rows, and read the clock."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import BigInteger, Boolean, Column, LargeBinary, SmallInteger, Table, Text

from nvm_chain.index.pens import Pen, Row, name_key, write_upsert, write_values
from nvm_chain.index.sqlite import SqlitePen
from nvm_chain.meter.store.packing import pack_front, pack_marks, pack_view
from nvm_chain.meter.store.schema import accounts
from nvm_chain.meter.views import UNSEEN
from nvm_chain.meter.voucher_fronts import VoucherFront

CLOCK: Final = {
    "sqlite": "CAST(strftime('%s') AS INTEGER)",
    "postgresql": "floor(extract(epoch FROM clock_timestamp()))::bigint",
}
"""The database's clock in Unix seconds."""
NUMBERS: Final = ("committed", "held", "blocked", "written_off", "ceiling", "ceiling_end")
"""What a request changes in the row of an account, beside vouchers and marks."""
ENDS: Final = ("state", "cost", "ended_at", "total")
"""What the end of a hold changes in its row."""
ROWS_AT_ONCE: Final = (64, 16, 4, 1)
"""How many rows one statement of SQLite changes. Each statement gives other threads a turn, so fewer are faster."""
ARRAYS: Final = {
    LargeBinary: "bytea",
    BigInteger: "bigint",
    SmallInteger: "smallint",
    Text: "text",
    Boolean: "boolean",
}


class Statements(ABC):
    """The statements of one transaction."""

    def __init__(self, pen: Pen) -> None:
        """Take the pen of a transaction."""
        self.pen = pen

    @abstractmethod
    def read_books(self) -> tuple[int, int, int, int]:
        """Return the database's clock in seconds, the latest block's time, when it was seen, and until when books are closed."""

    @abstractmethod
    def lock_accounts(self, keys: Sequence[Row]) -> list[Any]:
        """Lock accounts in the order of their keys, and return their rows as they are then. ``keys`` are sorted."""

    @abstractmethod
    def find(self, table: Table, keys: Sequence[Row]) -> list[Any]:
        """Return the rows of a table with these primary keys."""

    @abstractmethod
    def put(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert rows, or replace those with the same primary key. A key may occur once."""

    @abstractmethod
    def end_holds(self, rows: Sequence[Row]) -> None:
        """Write the ends of holds that exist. A row has what changes, and the key at the end."""

    @abstractmethod
    def change_numbers(self, rows: Sequence[Row]) -> None:
        """Write numbers, marks and vouchers of accounts that exist. A row has them in this order, and its key at the end."""


class SqliteStatements(Statements):
    """Statements of SQLite. A transaction that writes has the whole file, so nothing else has to be locked."""

    def read_books(self) -> tuple[int, int, int, int]:
        """Read them."""
        (row,) = self.pen.ask(
            f"SELECT {CLOCK['sqlite']}, head_time, head_seen_at, closed_until FROM books"  # noqa: S608
        )
        return tuple(row)

    def lock_accounts(self, keys: Sequence[Row]) -> list[Any]:
        """Return the rows of accounts."""
        return self.find(accounts, keys)

    def find(self, table: Table, keys: Sequence[Row]) -> list[Any]:
        """Return the rows with these keys."""
        return self.pen.find(table, keys)

    def put(self, table: Table, rows: Sequence[Row]) -> None:
        """Put many rows by each statement."""
        self._change_many(rows, lambda count: _put_many(table, count))

    def end_holds(self, rows: Sequence[Row]) -> None:
        """End many holds by each statement."""
        self._change_many(rows, _end_many)

    def change_numbers(self, rows: Sequence[Row]) -> None:
        """Change many accounts by each statement."""
        self._change_many(rows, _change_many)

    def _change_many(self, rows: Sequence[Row], write: Callable[[int], str]) -> None:
        """Run statements for some rows each. There are few different ones, so that SQLite keeps them."""
        start = 0
        for count in ROWS_AT_ONCE:
            while len(rows) - start >= count:
                some = rows[start : start + count]
                self.pen.change(write(count), [value for row in some for value in row])
                start += count


class PostgresStatements(Statements):
    """Statements of PostgreSQL. Each one takes columns as arrays, so that its length does not depend on the group."""

    def read_books(self) -> tuple[int, int, int, int]:
        """Read them. A statement after the one that locks sees the clock as it is after the wait."""
        (row,) = self.pen.ask(
            f"SELECT {CLOCK['postgresql']}, head_time, head_seen_at, closed_until FROM books"  # noqa: S608
        )
        return tuple(row)

    def lock_accounts(self, keys: Sequence[Row]) -> list[Any]:
        """Lock rows in the order of their keys. Missing ones are made, so that they can be locked too."""
        found = self.pen.ask(LOCK, _turn(keys, 2))
        known = {(bytes(row[0]), bytes(row[1])) for row in found}
        missing = [key for key in keys if tuple(key) not in known]
        if not missing:
            return found
        self.pen.change(MAKE, [*EMPTY_ACCOUNT, *_turn(missing, 2)])
        return [*found, *self.pen.ask(LOCK, _turn(missing, 2))]

    def find(self, table: Table, keys: Sequence[Row]) -> list[Any]:
        """Return the rows with these keys."""
        return self.pen.ask(_find_in_arrays(table), _turn(keys, len(table.primary_key))) if keys else []

    def put(self, table: Table, rows: Sequence[Row]) -> None:
        """Put all rows by one statement."""
        if rows:
            source = f"SELECT * FROM {_unnest(table.columns)}"  # noqa: S608
            self.pen.change(write_upsert(table, source), _turn(rows, len(table.columns)))

    def end_holds(self, rows: Sequence[Row]) -> None:
        """End all holds by one statement."""
        if rows:
            self.pen.change(END, _turn(rows, len(ENDS) + 1))

    def change_numbers(self, rows: Sequence[Row]) -> None:
        """Change all rows by one statement."""
        if rows:
            self.pen.change(CHANGE, _turn(rows, len(NUMBERS) + 4))


def write_statements(pen: Pen) -> Statements:
    """Return the statements of a pen's database."""
    return SqliteStatements(pen) if isinstance(pen, SqlitePen) else PostgresStatements(pen)


def _turn(rows: Sequence[Row], width: int) -> list[list[Any]]:
    """Return the columns of some rows."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]


def _array(column: Column[Any]) -> str:
    return next(f"?::{name}[]" for kind, name in ARRAYS.items() if type(column.type) is kind)


def _unnest(columns: Any) -> str:
    return f"unnest({', '.join(_array(column) for column in columns)})"


@cache
def _put_many(table: Table, count: int) -> str:
    return write_upsert(table, write_values(table, count))


@cache
def _end_many(count: int) -> str:
    return _write_update("holds", ENDS, ("hold_id",), count)


@cache
def _change_many(count: int) -> str:
    return _write_update("accounts", (*NUMBERS, "marks", "vouchers"), ("plan", "holder"), count)


def _write_update(table: str, names: Sequence[str], keys: Sequence[str], count: int) -> str:
    """Return an update from rows of values, each with its key at the end."""
    marks = f"({', '.join('?' * (len(names) + len(keys)))})"
    changes = ", ".join(f"{name} = n.column{number}" for number, name in enumerate(names, 1))
    where = " AND ".join(f"{table}.{name} = n.column{number}" for number, name in enumerate(keys, len(names) + 1))
    return f"UPDATE {table} SET {changes} FROM (VALUES {', '.join([marks] * count)}) AS n WHERE {where}"  # noqa: S608


@cache
def _find_in_arrays(table: Table) -> str:
    key = table.primary_key.columns
    names = name_key(table)
    return f"SELECT t.* FROM {table.name} t JOIN {_unnest(key)} AS wanted({names}) USING ({names})"  # noqa: S608


LOCK: Final = (
    "SELECT * FROM accounts WHERE (plan, holder) IN (SELECT * FROM unnest(?::bytea[], ?::bytea[])) "
    "ORDER BY plan, holder FOR UPDATE OF accounts"
)
"""It returns the rows as they are after the wait. A join would read them as they were before."""
EMPTY_ACCOUNT: Final = (pack_view(UNSEEN), pack_marks(()), pack_front(VoucherFront()))
MAKE: Final = (
    "INSERT INTO accounts SELECT plan, holder, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ?::bytea, ?::bytea, ?::bytea "
    "FROM unnest(?::bytea[], ?::bytea[]) AS n(plan, holder) ORDER BY plan, holder ON CONFLICT DO NOTHING"
)
END: Final = (
    "UPDATE holds SET state = n.state, cost = n.cost, ended_at = n.ended_at, total = n.total "
    "FROM unnest(?::smallint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bytea[]) "
    "AS n(state, cost, ended_at, total, hold_id) WHERE holds.hold_id = n.hold_id"
)
CHANGE: Final = (
    "UPDATE accounts SET "  # noqa: S608
    + ", ".join(f"{name} = n.{name}" for name in (*NUMBERS, "marks", "vouchers"))
    + f" FROM unnest({', '.join(['?::bigint[]'] * len(NUMBERS))}, ?::bytea[], ?::bytea[], ?::bytea[], ?::bytea[]) "
    + f"AS n({', '.join((*NUMBERS, 'marks', 'vouchers', 'plan', 'holder'))}) "
    + "WHERE accounts.plan = n.plan AND accounts.holder = n.holder"
)
