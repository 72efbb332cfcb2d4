"""The statements of the store, in each database: lock accounts, find rows, put rows, and read the clock."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from functools import cache
from itertools import chain
from typing import Any, Final, TypeAlias

from sqlalchemy import Table

from nvm_chain.index.arrays import pack_arrays, write_source
from nvm_chain.index.pens import Pen, Row, Wanted, write_upsert, write_values
from nvm_chain.index.postgres import ask_for
from nvm_chain.index.sqlite import SqlitePen, round_up, take_buffers
from nvm_chain.meter.store.packing import pack_front, pack_marks, pack_usages, pack_view
from nvm_chain.meter.store.schema import accounts, holds
from nvm_chain.meter.views import UNSEEN
from nvm_chain.meter.voucher_fronts import VoucherFront

CLOCK: Final = {
    "sqlite": "CAST(strftime('%s') AS INTEGER)",
    "postgresql": "floor(extract(epoch FROM clock_timestamp()))::bigint",
}
"""The database's clock in Unix seconds."""
NUMBERS: Final = ("committed", "held", "blocked", "written_off", "ceiling", "ceiling_end", "owed_since")
"""What a request changes in the row of an account, beside columns of bytes."""
PACKED: Final = ("marks", "vouchers", "usages")
"""Columns of bytes that a request changes in the row of an account."""
ENDS: Final = ("state", "cost", "ended_at", "total")
"""What the end of a hold changes in its row."""
ROWS_AT_ONCE: Final = 128
"""How many rows one statement of SQLite changes at most. Each statement gives other threads a turn, so fewer are faster."""

Books: TypeAlias = tuple[int, int, int, int]
"""The database's clock in seconds, the latest block's time, when it was seen, and until when the books are closed."""


class Statements(ABC):
    """The statements of one transaction."""

    def __init__(self, pen: Pen) -> None:
        """Take the pen of a transaction."""
        self.pen = pen
        self.made: list[Row] = []
        """The keys of accounts that were made so that they could be locked."""

    @abstractmethod
    def read(
        self, keys: Sequence[Row], wanted: Sequence[Wanted], books: Books | None = None
    ) -> tuple[list[Any], Books, list[list[Any]]]:
        """Lock accounts in the order of their keys, and read.

        Args:
            keys: The keys of the accounts, sorted.
            wanted: Tables, each with primary keys of rows to find.
            books: The books, if they are known and nobody else can have changed them.

        Returns:
            The rows of the accounts as they are then, the books, and the rows of each table. The clock is read after the locks.
        """

    def drop_made(self, used: Collection[Row]) -> None:
        """Drop accounts that were made by this transaction, and that nothing was written for. ``used`` are the other keys."""
        unused = [key for key in self.made if key not in used]
        if unused:
            self.pen.change(DROP_MADE, pack_arrays(ACCOUNT_KEY, unused))

    @abstractmethod
    def put(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert rows, or replace those with the same primary key. A key may occur once."""

    @abstractmethod
    def end_holds(self, rows: Sequence[Row]) -> None:
        """Write the ends of holds that exist. A row has what changes, and the key at the end."""

    @abstractmethod
    def change_numbers(self, rows: Sequence[Row]) -> None:
        """Write numbers, marks, vouchers and usages of accounts that exist. A row has them in this order, and its key at the end."""


class SqliteStatements(Statements):
    """Statements of SQLite. A transaction that writes has the whole file, so nothing else has to be locked."""

    def read(
        self, keys: Sequence[Row], wanted: Sequence[Wanted], books: Books | None = None
    ) -> tuple[list[Any], Books, list[list[Any]]]:
        """Read all. Nothing has to be locked."""
        found = self.pen.find(accounts, keys) if keys else []
        books = books or tuple(self.pen.ask(READ_BOOKS["sqlite"])[0])
        return found, books, [self.pen.find(table, some) if some else [] for table, some in wanted]

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
        """Run statements for some rows each. There are few different ones, so that SQLite keeps them.

        A statement for more rows gets empty ones in addition, which change nothing.
        """
        for start in range(0, len(rows), ROWS_AT_ONCE):
            some = rows[start : start + ROWS_AT_ONCE]
            count = round_up(len(some), ROWS_AT_ONCE)
            values = take_buffers(chain.from_iterable(some))
            values += [None] * (len(some[0]) * (count - len(some)))
            self.pen.change(write(count), values)


class PostgresStatements(Statements):
    """Statements of PostgreSQL. Each one takes columns as arrays, so that its length does not depend on the group."""

    def read(
        self, keys: Sequence[Row], wanted: Sequence[Wanted], books: Books | None = None
    ) -> tuple[list[Any], Books, list[list[Any]]]:
        """Lock rows in the order of their keys, and read. Missing accounts are made, so that they can be locked too.

        The server is asked once, and runs one statement after the other. Those after the one that locks see the clock and the
        rows as they are after the wait.
        """
        asked = [(READ_BOOKS["postgresql"], ())] + [ask_for(table, some) for table, some in wanted if some]
        if keys:
            asked.insert(0, (LOCK, pack_arrays(ACCOUNT_KEY, keys)))
        answers = self.pen.ask_each(asked)
        locked = answers.pop(0) if keys else []
        if len(locked) < len(keys):
            known = {(bytes(row[0]), bytes(row[1])) for row in locked}
            missing = pack_arrays(ACCOUNT_KEY, [key for key in keys if key not in known])
            made = self.pen.ask(MAKE, [*EMPTY_ACCOUNT, *missing])
            self.made += [(bytes(row[0]), bytes(row[1])) for row in made]
            return self.read(keys, wanted)
        (read_books,), *found = answers
        rest = iter(found)
        return locked, tuple(read_books), [next(rest) if some else [] for _, some in wanted]

    def put(self, table: Table, rows: Sequence[Row]) -> None:
        """Put all rows by one statement."""
        self.pen.replace(table, rows)

    def end_holds(self, rows: Sequence[Row]) -> None:
        """End all holds by one statement."""
        if rows:
            self.pen.change(END, pack_arrays(END_COLUMNS, rows))

    def change_numbers(self, rows: Sequence[Row]) -> None:
        """Change all rows by one statement."""
        if rows:
            self.pen.change(CHANGE, pack_arrays(CHANGE_COLUMNS, rows))


def write_statements(pen: Pen) -> Statements:
    """Return the statements of a pen's database."""
    return SqliteStatements(pen) if isinstance(pen, SqlitePen) else PostgresStatements(pen)


@cache
def _put_many(table: Table, count: int) -> str:
    return write_upsert(table, f"SELECT * FROM ({write_values(table, count)}) WHERE column1 IS NOT NULL")  # noqa: S608


@cache
def _end_many(count: int) -> str:
    return _write_update("holds", ENDS, ("hold_id",), count)


@cache
def _change_many(count: int) -> str:
    return _write_update("accounts", (*NUMBERS, *PACKED), ("plan", "holder"), count)


def _write_update(table: str, names: Sequence[str], keys: Sequence[str], count: int) -> str:
    """Return an update from rows of values, each with its key at the end."""
    marks = f"({', '.join('?' * (len(names) + len(keys)))})"
    changes = ", ".join(f"{name} = n.column{number}" for number, name in enumerate(names, 1))
    where = " AND ".join(f"{table}.{name} = n.column{number}" for number, name in enumerate(keys, len(names) + 1))
    return f"UPDATE {table} SET {changes} FROM (VALUES {', '.join([marks] * count)}) AS n WHERE {where}"  # noqa: S608


READ_BOOKS: Final = {
    name: f"SELECT {clock}, head_time, head_seen_at, closed_until FROM books"  # noqa: S608
    for name, clock in CLOCK.items()
}
ACCOUNT_KEY: Final = tuple(accounts.primary_key)
LOCK: Final = (
    "SELECT * FROM accounts WHERE (plan, holder) IN (SELECT * FROM unnest(?::bytea[], ?::bytea[])) "
    "ORDER BY plan, holder FOR UPDATE OF accounts"
)
"""It returns the rows as they are after the wait. A join would read them as they were before."""
EMPTY_ACCOUNT: Final = (pack_view(UNSEEN), pack_marks(()), pack_front(VoucherFront()), pack_usages(()))
MAKE: Final = (
    "INSERT INTO accounts SELECT plan, holder, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ?::bytea, ?::bytea, ?::bytea, ?::bytea "
    "FROM unnest(?::bytea[], ?::bytea[]) AS n(plan, holder) ORDER BY plan, holder ON CONFLICT DO NOTHING "
    "RETURNING plan, holder"
)
DROP_MADE: Final = "DELETE FROM accounts WHERE (plan, holder) IN (SELECT * FROM unnest(?::bytea[], ?::bytea[]))"
"""Whoever waits for such a row to be made makes it then."""
END_COLUMNS: Final = tuple(holds.c[name] for name in (*ENDS, "hold_id"))
END: Final = (
    f"UPDATE holds SET {', '.join(f'{name} = n.{name}' for name in ENDS)} "  # noqa: S608
    f"FROM ({write_source(END_COLUMNS)}) AS n({', '.join(ENDS)}, hold_id) WHERE holds.hold_id = n.hold_id"
)
CHANGED: Final = (*NUMBERS, *PACKED)
CHANGE_COLUMNS: Final = tuple(accounts.c[name] for name in (*CHANGED, "plan", "holder"))
CHANGE: Final = (
    f"UPDATE accounts SET {', '.join(f'{name} = n.{name}' for name in CHANGED)} "  # noqa: S608
    f"FROM ({write_source(CHANGE_COLUMNS)}) AS n({', '.join(CHANGED)}, plan, holder) "
    "WHERE accounts.plan = n.plan AND accounts.holder = n.holder"
)
