"""Statements of an index in both databases: what is written comes back, and what fails says why."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Table

from nvm_chain.errors import WrongDatabase
from nvm_chain.index.database import Index
from nvm_chain.index.pens import Pen, Wanted
from nvm_chain.index.schema import account_undo, accounts, blocks, catalogue_undo, permissions, plans, sales
from tests.support.index_tables import open_new, plain, read_tables

MANY = 250
"""More rows than any statement takes as values, and than PostgreSQL takes without COPY."""
PLAN, HOLDER = bytes(range(32)), bytes(range(20))
WIDE = 2**256 - 1
ROWS: dict[Table, tuple[Any, ...]] = {
    sales: (1 << 62, 2, PLAN, None, HOLDER, 2**32 - 1, WIDE, None),
    accounts: (PLAN, HOLDER, 7, 0, WIDE, True, b"\0" * 16, None, 5),
    account_undo: (PLAN, HOLDER, 3, None, None, None, None, None, None, None),
    catalogue_undo: (3, "pläne \N{SNOWMAN}", b"", None),
    permissions: (PLAN, HOLDER, 1, HOLDER[::-1], 9),
}
"""A row of some tables, with all types of columns at their ends."""


@pytest.fixture
def index(index_url: str) -> Iterator[Index]:
    """A new index, in each database."""
    with closing(open_new(index_url)) as opened:
        yield opened


def pen_of(index: Index, connection: Connection) -> Pen:
    """Return a pen after the start of a transaction."""
    pen = index.take_pen(connection)
    pen.change("UPDATE state SET id = 1")
    return pen


@pytest.mark.parametrize("table", ROWS, ids=lambda table: table.name)
def test_replace__row_with_extreme_values__is_found_as_it_was(index: Index, table: Table) -> None:
    row = ROWS[table]
    key = tuple(value for value, column in zip(row, table.columns, strict=True) if column.primary_key)
    with index.writing() as connection:
        pen = pen_of(index, connection)
        pen.add(table, [row])
        pen.replace(table, [row])
        (found,) = pen.find(table, [key])
        assert tuple(map(plain, found)) == row
    assert read_tables(index)[table.name] == [tuple(map(plain, row))]


@pytest.mark.parametrize("count", [1, 99, 100, 101, 199, 200, MANY])
def test_add__some_rows__are_all_there(index: Index, count: int) -> None:
    rows = [(number, number.to_bytes(32), -number) for number in range(count)]
    with index.writing() as connection:
        pen = pen_of(index, connection)
        pen.add(blocks, rows)
        pen.replace(blocks, [(number, block_hash, 5) for number, block_hash, _ in rows[1:]])
        assert len(pen.find(blocks, [(number,) for number in range(-5, 2 * count)])) == count
    assert read_tables(index)["blocks"] == sorted([rows[0], *[(*row[:2], 5) for row in rows[1:]]], key=repr)


def test_together__several_statements__are_done_at_the_end_with_the_query(index: Index) -> None:
    with index.writing() as connection:
        pen = pen_of(index, connection)
        pen.add(blocks, [(1, PLAN, 1), (2, PLAN, 2)])
        with pen.together("SELECT chain_id FROM state") as answer:
            pen.run("DELETE FROM blocks WHERE number < ?", (2,))
            pen.replace(blocks, [(2, PLAN, 3)])
            pen.add(blocks, [(3, PLAN, 4)])
            assert not answer
        assert [tuple(row) for row in answer] == [(31337,)]
    assert read_tables(index)["blocks"] == [(2, PLAN, 3), (3, PLAN, 4)]


def test_together__row_is_there_already__fails_and_writes_nothing(index: Index) -> None:
    with pytest.raises(WrongDatabase, match=r"UNIQUE|duplicate key"):
        write_twice(index)
    tables = read_tables(index)
    assert not tables["blocks"]
    assert not tables["accounts"]


def write_twice(index: Index) -> None:
    """Write a block twice, and an account together with the second time."""
    with index.writing() as connection:
        pen = pen_of(index, connection)
        pen.add(blocks, [(1, PLAN, 1)])
        with pen.together("SELECT 1"):
            pen.replace(accounts, [ROWS[accounts]])
            pen.add(blocks, [(1, PLAN, 1)])


MOVE = "UPDATE state SET first_block = ? WHERE chain_id = ?"
ASKED: list[Wanted] = [(plans, [(PLAN,)]), (permissions, []), (accounts, [(PLAN, HOLDER)])]


@pytest.mark.parametrize(("chain_id", "changed"), [(31337, 1), (5, 0)])
def test_change_and_find__some_tables__finds_the_rows_of_each(index: Index, chain_id: int, changed: int) -> None:
    with index.writing() as connection:
        index.take_pen(connection).add(accounts, [ROWS[accounts]])
    with index.writing() as connection:
        pen = index.take_pen(connection)
        count, (no_plans, no_permissions, (found,)) = pen.change_and_find(MOVE, (7, chain_id), ASKED)
        assert (count, no_plans, no_permissions, tuple(map(plain, found))) == (changed, [], [], ROWS[accounts])
    assert index.read_state().first_block == (7 if changed else 0)


@pytest.mark.parametrize("broken", [plans, accounts], ids=lambda table: table.name)
def test_change_and_find__table_is_missing__says_which(index: Index, broken: Table) -> None:
    with index.writing() as connection:
        connection.exec_driver_sql(f"DROP TABLE {broken.name}")
    with pytest.raises(WrongDatabase, match=broken.name), index.writing() as connection:
        index.take_pen(connection).change_and_find(MOVE, (7, 31337), ASKED)
    assert index.read_state().first_block == 0


def test_change__first_statement_fails__says_why(index: Index) -> None:
    with pytest.raises(WrongDatabase, match="missing"), index.writing() as connection:
        index.take_pen(connection).change("UPDATE missing SET id = 1")
    assert index.read_state().head is None


@pytest.mark.parametrize("name", ["blocks", "events", "sales", "fees", "forgone"])
def test_table_in_sqlite__with_a_number_as_key__has_no_index_of_it(tmp_path: Path, name: str) -> None:
    with closing(open_new(str(tmp_path / "index.db"))) as index, index.snapshot() as connection:
        found = connection.exec_driver_sql(f"SELECT name FROM pragma_index_list('{name}')").scalars().all()
        assert not [each for each in found if "autoindex" in each]
        assert connection.exec_driver_sql("SELECT name FROM pragma_index_list('plans')").scalars().all()
