"""Databases that cannot be the meter's books, and failures of a database: typed errors, and nothing half done."""

import ast
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from nvm_chain.errors import (
    CreditsUsedUp,
    DiskFull,
    IndexNotWritable,
    IndexUnavailable,
    InvalidAddress,
    InvalidAmount,
    InvalidConfig,
    NewerSchema,
    NvmChainError,
    OtherChain,
    WrongDatabase,
)
from nvm_chain.index.database import open_index
from nvm_chain.meter.store import store as store_module
from nvm_chain.meter.store.group_rows import StoredHold
from nvm_chain.meter.store.hold_ends import ChargeHold
from nvm_chain.meter.store.opening import open_store
from nvm_chain.meter.store.schema import VERSION_TABLE, metadata
from nvm_chain.meter.store.store import Store
from tests.support.full_disk import full_disk
from tests.support.meter_books import check_books, read_rows
from tests.support.meter_stores import (
    CHAIN_ID,
    CREDITS,
    KEY,
    admitted,
    fill,
    key_of,
    open_books,
    present,
    read_holds,
    run,
    see_balance,
    sign,
)
from tests.support.postgres import Postgres, run_postgres

ROOM = Path(store_module.__file__).parent
OTHER = "0x" + "77" * 20


def run_sql(url: str, *statements: str) -> None:
    """Run statements beside the store, which is closed."""
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()
    else:
        with psycopg.connect(url) as server:
            for statement in statements:
                server.execute(statement.encode())


# ---------------------------------------------------------------------- schema


def test_schema__after_migrations__is_that_of_the_package(store: Store) -> None:
    with store.transaction() as connection:
        options = {"version_table": VERSION_TABLE, "compare_type": False}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
        for name, table in metadata.tables.items():
            cursor = connection.exec_driver_sql(f"SELECT * FROM {name} WHERE 1 = 0")
            assert list(cursor.keys()) == [column.name for column in table.columns]
            cursor.close()


def test_schema__rows_of_one_key__are_found_by_an_index(tmp_path: Path) -> None:
    open_books(str(tmp_path / "books.db")).close()
    connection = sqlite3.connect(tmp_path / "books.db")
    for statement in (
        "SELECT * FROM accounts WHERE (plan, holder) IN (VALUES (x'00', x'01'))",
        "SELECT * FROM pasts WHERE (plan, holder) IN (VALUES (x'00', x'01'))",
        "SELECT * FROM holds WHERE (hold_id) IN (VALUES (x'00'))",
        "SELECT * FROM holds WHERE state = 0 AND until < 7",
        "SELECT * FROM tokens WHERE token_hash = x'00'",
    ):
        plan = " ".join(str(row) for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}"))
        table = re.search(r"FROM (\w+)", statement)
        assert table is not None
        assert f"SEARCH {table[1]} USING" in plan, plan
    connection.close()


def test_room__statements_that_write__run_by_pens_only() -> None:
    """TRAP-5: a pen reads every result to its end, so no RETURNING can be left unread."""
    writes = re.compile(r"\s*(INSERT|UPDATE|DELETE|REPLACE|COPY|TRUNCATE)\b|.*\bRETURNING\b", re.DOTALL)
    files = [path for path in sorted(ROOM.rglob("*.py")) if "migrations" not in path.parts]
    assert len(files) > 8
    for path in files:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                runs = node.func.attr in {"exec_driver_sql", "execute", "executemany", "text"}
                texts = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)]
                said = [text for text in texts if isinstance(text, str) and writes.match(text)]
                assert not (runs and said), f"{path.name}: {said}"


# ---------------------------------------------------------------------- other databases


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"chain_id": 1}, "its chain is 31337, not 1"), ({"credits": OTHER}, "its Credits is 0x0[cC]0.*, not 0x7777")],
)
def test_open_store__of_another_chain__is_refused(books_url: str, changes: dict[str, Any], words: str) -> None:
    store = open_books(books_url)
    fill(store, 10)
    store.close()
    right: dict[str, Any] = {"chain_id": CHAIN_ID, "credits": CREDITS}
    with pytest.raises(OtherChain, match=words):
        open_store(books_url, **{**right, **changes})
    store = open_store(books_url, **right)
    admitted(run(store, present(sign(), 10)))
    store.close()


def test_open_store__database_of_another_program__is_refused_and_untouched(empty_url: str) -> None:
    run_sql(empty_url, "CREATE TABLE notes (words TEXT)")
    with pytest.raises(WrongDatabase, match="notes of another program"):
        open_books(empty_url)
    run_sql(empty_url, "INSERT INTO notes VALUES ('still mine')")


def test_open_store__index_of_events__is_refused(empty_url: str) -> None:
    """The books are a database of their own. The two have different tables of versions."""
    open_index(empty_url, chain_id=CHAIN_ID, credits=CREDITS, create=True).close()
    with pytest.raises(WrongDatabase, match="of another program"):
        open_books(empty_url)


def test_open_index__books_of_a_meter__is_refused(books_url: str) -> None:
    with pytest.raises(WrongDatabase, match="of another program"):
        open_index(books_url, chain_id=CHAIN_ID, credits=CREDITS, create=True)


def test_open_store__newer_schema__is_refused(books_url: str) -> None:
    run_sql(books_url, f"UPDATE {VERSION_TABLE} SET version_num = '0999'")
    with pytest.raises(NewerSchema, match="has the newer schema 0999"):
        open_books(books_url)
    run_sql(books_url, f"UPDATE {VERSION_TABLE} SET version_num = '0001'")
    open_books(books_url).close()


def test_open_store__file_that_is_no_database__is_refused(tmp_path: Path) -> None:
    (tmp_path / "books.db").write_text("plans, holders and orders " * 200)
    with pytest.raises(WrongDatabase, match="file is not a database"):
        open_books(str(tmp_path / "books.db"))
    assert (tmp_path / "books.db").read_text().startswith("plans, holders")


@pytest.mark.parametrize(
    ("where", "changes", "error"),
    [
        ("mysql://h/x", {}, InvalidConfig),
        ("", {}, InvalidConfig),
        ("books.db", {"chain_id": -1}, InvalidAmount),
        ("books.db", {"chain_id": 2**63}, InvalidAmount),
        ("books.db", {"credits": "0x12"}, InvalidAddress),
        ("no/books.db", {}, IndexUnavailable),
        ("postgresql://me:secret@127.0.0.1:1/books?connect_timeout=1", {}, IndexUnavailable),
    ],
)
def test_open_store__wrong_arguments__are_refused(
    tmp_path: Path, where: str, changes: dict[str, Any], error: type[NvmChainError]
) -> None:
    place = str(tmp_path / where) if where.endswith(".db") else where
    with pytest.raises(error) as caught:
        open_store(place, **{"chain_id": 1, "credits": OTHER, **changes})
    assert "secret" not in f"{caught.value} {caught.value!r}"
    assert not [*tmp_path.iterdir()]


def test_open_store__books_that_are_there__are_not_made_again(books_url: str) -> None:
    store = open_books(books_url)
    before = read_rows(store, "SELECT store_id FROM books")
    store.close()
    store = open_books(books_url)
    assert read_rows(store, "SELECT store_id FROM books") == before
    assert len(before[0][0]) == 16
    store.close()


# ---------------------------------------------------------------------- one process has a file of SQLite


SECOND = """
import sys
from nvm_chain.index import sqlite
from nvm_chain.errors import NvmChainError
from tests.support.meter_stores import open_books
sqlite.LOCK_SECONDS = 0.1
try:
    open_books(sys.argv[1]).close()
except NvmChainError as error:
    print(type(error).__name__, error)
"""


def open_elsewhere(path: Path) -> str:
    """Open the books in another process, and return the error that it had."""
    command = [sys.executable, "-c", SECOND, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_open_store__file_that_another_process_has__is_refused(tmp_path: Path) -> None:
    store = open_books(str(tmp_path / "books.db"))
    fill(store, 10)
    found = open_elsewhere(tmp_path / "books.db")
    assert found.startswith("IndexUnavailable")
    assert "Another process has the file open." in found
    admitted(run(store, present(sign(), 10)))
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        read_beside(tmp_path / "books.db")
    store.close()
    assert read_beside(tmp_path / "books.db") == (10,)


def read_beside(path: Path) -> Any:
    connection = sqlite3.connect(path, timeout=0.1)
    try:
        return connection.execute("SELECT held FROM accounts").fetchone()
    finally:
        connection.close()


def test_run__after_a_failure__still_has_the_file_alone(tmp_path: Path) -> None:
    store = open_books(str(tmp_path / "books.db"))
    fill(store, 10)
    with store.asking() as pen:
        pen.change("ALTER TABLE holds RENAME TO others")
    with pytest.raises(WrongDatabase, match="no such table: holds"):
        run(store, present(sign(), 1))
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        read_beside(tmp_path / "books.db")
    with store.asking() as pen:
        pen.change("ALTER TABLE others RENAME TO holds")
    admitted(run(store, present(sign(), 10)))
    check_books(store)
    store.close()


# ---------------------------------------------------------------------- failures


def test_run__full_disk__is_typed_and_nothing_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "books.db"
    store = open_books(str(path))
    keys = [key_of(number) for number in range(1, 600)]
    fill(store, 10, keys)
    for _ in range(2):
        before = read_rows(store, "SELECT * FROM accounts"), read_rows(store, "SELECT * FROM holds")
        with full_disk(4_096), pytest.raises(DiskFull, match="its disk is full"):
            store.run([present(sign(key=key), 1) for key in keys])
        assert before == (read_rows(store, "SELECT * FROM accounts"), read_rows(store, "SELECT * FROM holds"))
        check_books(store)
        assert {type(outcome) for outcome in store.run([present(sign(key=key), 1) for key in keys])} == {StoredHold}
    assert read_holds(store, keys[0]) == (0, 2)
    store.close()
    store = open_books(str(path))
    check_books(store)
    store.close()


def test_open_store__full_disk__is_typed(tmp_path: Path) -> None:
    with full_disk(4_096), pytest.raises(DiskFull):
        open_books(str(tmp_path / "books.db"))
    open_books(str(tmp_path / "books.db")).close()


FAILS = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '{}'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON holds FOR EACH ROW EXECUTE FUNCTION refuse()
"""


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("53100", DiskFull),
        ("25006", IndexNotWritable),
        ("57P03", IndexUnavailable),
        ("40P01", IndexUnavailable),
        ("40001", IndexUnavailable),
        ("42P01", WrongDatabase),
    ],
)
def test_run__postgresql_refuses_within__is_typed_and_nothing_is_lost(
    postgres_books_url: str, code: str, error: type[NvmChainError]
) -> None:
    store = open_books(postgres_books_url)
    fill(store, 10)
    run_sql(postgres_books_url, FAILS.format(code))
    try:
        with pytest.raises(error, match="could not extend file"):
            store.run([present(sign(), 4), present(sign(), 7)])
    finally:
        run_sql(postgres_books_url, "DROP TRIGGER refuse ON holds", "DROP FUNCTION refuse")
    assert read_holds(store) == (0, 0)
    admitted(run(store, present(sign(), 10)))
    check_books(store)
    store.close()


def test_run__conflict_that_passes__is_tried_again(postgres_books_url: str) -> None:
    store = open_books(postgres_books_url)
    fill(store, 10)
    passing = FAILS.replace("BEGIN RAISE", "BEGIN IF nextval('tries') > 3 THEN RETURN NEW; END IF; RAISE")
    run_sql(postgres_books_url, "CREATE SEQUENCE tries", passing.format("40P01"))
    try:
        outcomes = store.run([present(sign(), 6), present(sign(), 6)])
        assert [type(outcome) for outcome in outcomes] == [StoredHold, CreditsUsedUp]
    finally:
        run_sql(postgres_books_url, "DROP TRIGGER refuse ON holds", "DROP FUNCTION refuse", "DROP SEQUENCE tries")
    assert read_holds(store) == (0, 6)
    store.close()


def test_run__server_goes_and_comes_back__is_typed_and_nothing_is_lost() -> None:
    with run_postgres() as server:
        url = server.new_database()
        store = open_books(url)
        fill(store, 100)
        hold = admitted(run(store, present(sign(), 10)))
        for end in (server.stop, server.kill):
            signed = sign()
            end()
            for _ in range(2):
                with pytest.raises(IndexUnavailable, match="is not available"):
                    run(store, present(signed, 10))
            with pytest.raises(IndexUnavailable):
                open_books(url)
            server.start()
            admitted(run(store, present(signed, 10)))
            check_books(store)
        assert run(store, ChargeHold(hold, 10)).total == 10
        assert read_holds(store) == (10, 20)
        store.close()


def test_run__connection_ended_by_the_server__is_typed_and_the_next_group_is_stored(postgres_books_url: str) -> None:
    store = open_books(postgres_books_url)
    fill(store, 10)
    ((pid,),) = read_rows(store, "SELECT pg_backend_pid()")
    run_sql(postgres_books_url, f"SELECT pg_terminate_backend({pid})")
    signed = sign()
    with pytest.raises(IndexUnavailable, match="is not available"):
        run(store, present(signed, 10))
    admitted(run(store, present(signed, 10)))
    check_books(store)
    store.close()


def test_run__server_stopped_for_a_while__waits_and_loses_nothing(postgres_books_url: str, postgres: Postgres) -> None:
    """A server that answers late is still there: the group waits for it, and is stored once."""
    store = open_books(postgres_books_url)
    fill(store, 10)
    ((pid,),) = read_rows(store, "SELECT pg_backend_pid()")
    waker = threading.Timer(0.3, os.kill, (pid, signal.SIGCONT))
    waker.start()
    os.kill(pid, signal.SIGSTOP)
    outcomes = store.run([present(sign(), 6), present(sign(), 6)])
    waker.join()
    assert [type(outcome) for outcome in outcomes] == [StoredHold, CreditsUsedUp]
    assert read_holds(store) == (0, 6)
    store.close()


def test_run__user_that_may_only_read__is_typed(postgres: Postgres) -> None:
    url = postgres.new_database()
    store = open_books(url)
    fill(store, 10)
    run_sql(url, "CREATE ROLE books_reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO books_reader")
    reader = open_store(url.replace("postgres@", "books_reader@"), chain_id=CHAIN_ID, credits=CREDITS)
    with pytest.raises(IndexNotWritable, match="permission denied"):
        run(reader, see_balance(5, key=KEY, block_number=7))
    reader.close()
    store.close()
    run_sql(url, "DROP OWNED BY books_reader; DROP ROLE books_reader")
    postgres.drop_database(url)


def test_run__database_with_another_isolation__is_as_right(postgres_books_url: str) -> None:
    """A server may have another default. The store's statements need to see what others committed before the lock."""
    url = postgres_books_url + "&options=-c%20default_transaction_isolation%3Drepeatable%5C%20read"
    one, two = open_books(url), open_books(url)
    ((level,),) = read_rows(one, "SHOW transaction_isolation")
    assert level == "read committed"
    one.close()
    two.close()


@pytest.mark.parametrize(("given", "found"), [("off", "on"), ("on", "on"), ("remote_apply", "remote_apply")])
def test_run__database_that_does_not_wait_for_its_disk__has_to_wait(
    postgres_books_url: str, given: str, found: str
) -> None:
    """S1: what was told is durable. A server may be set to tell of commits that are in its memory only."""
    store = open_books(f"{postgres_books_url}&options=-c%20synchronous_commit%3D{given}")
    assert read_rows(store, "SHOW synchronous_commit") == [(found,)]
    store.close()
