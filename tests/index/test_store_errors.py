"""Databases that cannot be an index, and failures of a database: typed errors, and nothing half done."""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import create_engine

from nvm_chain.errors import (
    DiskFull,
    IndexNotWritable,
    IndexUnavailable,
    InvalidAddress,
    InvalidAmount,
    InvalidConfig,
    NewerSchema,
    NvmChainError,
    OlderSchema,
    OtherChain,
    WrongDatabase,
)
from nvm_chain.index import migrating
from nvm_chain.index.database import Index, open_index
from nvm_chain.index.schema import VERSION_TABLE
from tests.support.canned_logs import CHAIN_ID, CONTRACTS, LogWriter, write_busy_blocks
from tests.support.full_disk import full_disk
from tests.support.index_tables import batch_of, feed, open_new, read_tables
from tests.support.postgres import Postgres, run_postgres

OTHER = "0x" + "77" * 20
SECRET = "correct-horse"


@pytest.fixture
def index(index_url: str) -> Iterator[Index]:
    made = open_new(index_url)
    feed(made, list(write_busy_blocks(400)), 10)
    yield made
    made.close()


# ---------------------------------------------------------------- other databases


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"chain_id": 1}, "its chain is 31337, not 1"),
        ({"credits": OTHER}, "its Credits is 0x[cC]5.*, not 0x7777"),
        ({"agents": OTHER}, "its AgentRegistry is 0x[aA]6.*, not 0x7777"),
    ],
)
@pytest.mark.parametrize("create", [False, True])
def test_open_index__of_another_chain__refused(
    index: Index, index_url: str, changes: dict[str, Any], words: str, create: bool
) -> None:
    right: dict[str, Any] = {"chain_id": CHAIN_ID, "credits": CONTRACTS.credits, "agents": CONTRACTS.agents}
    before = read_tables(index)
    with pytest.raises(OtherChain, match=words):
        open_index(index_url, **{**right, **changes}, create=create)
    assert read_tables(index) == before
    open_index(index_url, **right, create=create).close()
    open_index(index_url, create=create).close()


@pytest.mark.parametrize("create", [False, True])
def test_open_index__database_of_another_program__refused_and_untouched(index_url: str, create: bool) -> None:
    run_sql(index_url, "CREATE TABLE notes (words TEXT)")
    with pytest.raises(WrongDatabase, match="notes of another program"):
        open_index(index_url, chain_id=1, credits=OTHER, create=create)
    run_sql(index_url, "INSERT INTO notes VALUES ('still mine')")
    if index_url.startswith("sqlite"):
        path = Path(index_url.removeprefix("sqlite:///"))
        assert sqlite3.connect(path).execute("PRAGMA journal_mode").fetchone() == ("delete",)


def run_sql(url: str, statement: str) -> None:
    """Run a statement beside the index."""
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
            connection.execute(statement)
        connection.close()
    else:
        with psycopg.connect(url) as server:
            server.execute(statement.encode())


@pytest.mark.parametrize("create", [False, True])
def test_open_index__file_that_is_no_database__refused(tmp_path: Path, create: bool) -> None:
    (tmp_path / "index.db").write_text("plans, holders and orders " * 200)
    with pytest.raises(WrongDatabase, match="file is not a database"):
        open_index(tmp_path / "index.db", chain_id=1, credits=OTHER, create=create)
    assert (tmp_path / "index.db").read_text().startswith("plans, holders")


def test_open_index__missing_or_empty__refused(tmp_path: Path) -> None:
    with pytest.raises(IndexUnavailable, match="the file does not exist"):
        open_index(tmp_path / "index.db")
    assert not (tmp_path / "index.db").exists()
    (tmp_path / "index.db").touch()
    with pytest.raises(WrongDatabase, match="it is empty"):
        open_index(tmp_path / "index.db")
    with pytest.raises(IndexUnavailable, match="unable to open"):
        open_index(tmp_path / "no" / "index.db", chain_id=1, credits=OTHER, create=True)


def test_open_index__damaged_file__wrong_database(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    feed(open_new(str(path)), list(write_busy_blocks(400)), 100).close()
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(os.urandom(path.stat().st_size - 8192))
    with pytest.raises(WrongDatabase, match=r"malformed|not a database"):
        read_tables(open_index(path))


@pytest.mark.parametrize("where", ["mysql://h/x", "sqlite://", "postgresql://h", "a b://", ""])
def test_open_index__no_path_and_no_url__refused(where: str) -> None:
    with pytest.raises(InvalidConfig, match="Give a path, or a URL"):
        open_index(where)


@pytest.mark.parametrize(
    "where",
    [
        f"postgresql://u:p@{SECRET}@127.0.0.1:1/db",
        f"host=127.0.0.1 port=1 password={SECRET} dbname=x",
        f"dbname = x user=u password = {SECRET}",
    ],
)
def test_open_index__password_in_the_wrong_place__refused_and_not_shown(where: str) -> None:
    with pytest.raises(InvalidConfig, match=r"Write %40 for an @|Give a path, or a URL") as caught:
        open_index(where)
    assert SECRET not in f"{caught.value} {caught.value.__context__!r}"


@pytest.mark.parametrize("numbers", [{"chain_id": 2**70}, {"chain_id": -1}, {"first_block": -7}])
def test_open_index__numbers_that_no_chain_has__refused_before_the_file(
    tmp_path: Path, numbers: dict[str, int]
) -> None:
    arguments: dict[str, Any] = {"chain_id": 1, "credits": OTHER, **numbers}
    with pytest.raises(InvalidAmount, match="must be from 0 to"):
        open_index(tmp_path / "index.db", **arguments, create=True)
    assert not [*tmp_path.iterdir()]


def test_open_index__new_without_its_chain__refused(index_url: str) -> None:
    with pytest.raises(InvalidConfig, match="A new index needs its chain"):
        open_index(index_url, create=True)
    with pytest.raises(InvalidAddress):
        open_index(index_url, chain_id=1, credits="0x12", create=True)
    open_index(index_url, chain_id=1, credits=OTHER, create=True).close()


def test_open_index__path_with_odd_characters__is_that_file(tmp_path: Path) -> None:
    path = tmp_path / "a b?c#d%20e.db"
    open_new(str(path)).close()
    assert path.is_file()
    assert open_index(path).label == str(path)


# ---------------------------------------------------------------- versions of the schema


def test_open_index__newer_schema__refused(index: Index, index_url: str) -> None:
    run_sql(index_url, f"UPDATE {VERSION_TABLE} SET version_num = '0999'")
    for create in (False, True):
        with pytest.raises(NewerSchema, match="has the newer schema 0999"):
            open_index(index_url, create=create)
    assert len(read_tables(index)["events"]) >= 400


def test_open_index__older_schema__migrated_by_a_writer_only(
    index: Index, index_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_tables(index)
    add_migration(tmp_path, monkeypatch, "op.add_column('plans', sqlalchemy.Column('colour', sqlalchemy.Text))")
    with pytest.raises(OlderSchema, match="has the older schema 0001, not 0002"):
        open_index(index_url)
    assert read_tables(index) == before
    open_index(index_url, create=True).close()
    open_index(index_url).close()
    after = read_tables(index)
    assert [(*row, None) for row in before["plans"]] == after["plans"]
    assert after["accounts"] == before["accounts"]


def test_open_index__migration_fails__nothing_changes(
    index: Index, index_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_tables(index)
    fails = "op.drop_table('fees'); op.execute('SELECT 1 FROM nowhere')"
    add_migration(tmp_path, monkeypatch, fails)
    with pytest.raises(NvmChainError, match="nowhere"):
        open_index(index_url, create=True)
    assert read_tables(index) == before


def add_migration(folder: Path, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    """Let the package have a second migration."""
    shutil.copytree(Path(migrating.__file__).parent / "migrations", folder / "migrations")
    words = "import sqlalchemy\nfrom alembic import op\n\nrevision, down_revision = '0002', '0001'\n"
    (folder / "migrations" / "versions" / "v0002_more.py").write_text(f"{words}\n\ndef upgrade():\n    {change}\n")
    monkeypatch.setattr(migrating, "INDEX", migrating.INDEX._replace(version="0002"))
    monkeypatch.setattr(migrating, "files", lambda _: folder)


# ---------------------------------------------------------------- failures of the database


def test_apply__full_disk__typed_and_nothing_lost(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    blocks = list(write_busy_blocks(4_000))
    index = feed(open_new(str(path)), blocks[:20], 20)
    before = read_tables(index)
    with full_disk(path.stat().st_size + 200_000), pytest.raises(DiskFull, match="its disk is full"):
        index.apply(batch_of(index, blocks[20:]))
    assert read_tables(index) == before
    assert index.state.head == index.read_state().head == blocks[19].block
    feed(index, blocks[20:], 50)
    assert index.state.head == blocks[-1].block
    index.close()


def test_open_index__full_disk__typed(tmp_path: Path) -> None:
    with full_disk(4_096), pytest.raises(DiskFull):
        open_new(str(tmp_path / "index.db"))
    open_new(str(tmp_path / "index.db")).close()


FAILS = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '{}'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION refuse()
"""


@pytest.mark.parametrize(
    ("code", "error"), [("53100", DiskFull), ("25006", IndexNotWritable), ("57P03", IndexUnavailable)]
)
def test_apply__postgresql_refuses_within__typed_and_nothing_lost(
    postgres: Postgres, code: str, error: type[NvmChainError]
) -> None:
    url = postgres.new_database()
    blocks = list(write_busy_blocks(600))
    index = feed(open_new(url), blocks[:10], 10)
    before = read_tables(index)
    run_sql(url, FAILS.format(code))
    with pytest.raises(error, match="could not extend file"):
        index.apply(batch_of(index, blocks[10:]))
    assert read_tables(index) == before
    run_sql(url, "DROP TRIGGER refuse ON events")
    feed(index, blocks[10:], 10)
    assert index.state.head == blocks[-1].block
    index.close()
    postgres.drop_database(url)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Act as a user who may only read. Root may write everything."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_apply__file_that_may_only_be_read__typed() -> None:
    folder = Path(tempfile.mkdtemp(prefix="index"))
    path = folder / "index.db"
    blocks = list(write_busy_blocks(200))
    feed(open_new(str(path)), blocks[:5], 5).close()
    sqlite3.connect(path).execute("PRAGMA journal_mode = DELETE")
    path.chmod(0o444)
    folder.chmod(0o555)
    with as_nobody():
        index = open_index(path)
        assert index.state.head == blocks[4].block
        with pytest.raises(IndexNotWritable, match="readonly database"):
            index.apply(batch_of(index, blocks[5:]))
        with pytest.raises((IndexNotWritable, IndexUnavailable)):
            open_index(path, create=True)
        index.close()
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_open_index__file_and_folder_that_may_only_be_read__says_when_it_can_be() -> None:
    folder = Path(tempfile.mkdtemp(prefix="index"))
    path = folder / "index.db"
    feed(open_new(str(path)), list(write_busy_blocks(200)), 5).close()
    folder.chmod(0o555)
    with as_nobody(), pytest.raises(IndexUnavailable, match="can read it only while another process has it open"):
        open_index(path)
    follower = open_index(path, create=True)
    with as_nobody():
        index = open_index(path)
        assert index.state.head == follower.state.head
        index.close()
    follower.close()
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_snapshots__of_many_threads_at_once__are_all_open(tmp_path: Path) -> None:
    index = open_new(str(tmp_path / "index.db"))
    with ExitStack() as stack:
        connections = [stack.enter_context(index.snapshot()) for _ in range(40)]
        assert {each.exec_driver_sql("SELECT chain_id FROM state").scalar_one() for each in connections} == {CHAIN_ID}
    index.close()


def test_snapshot__without_a_free_connection__typed(tmp_path: Path) -> None:
    index = open_new(str(tmp_path / "index.db"))
    few = create_engine(index.engine.url, pool_size=1, max_overflow=0, pool_timeout=0.01)
    crowded = Index(few, index.label)
    with few.connect(), pytest.raises(IndexUnavailable, match="all its connections are in use"), crowded.snapshot():
        pass
    crowded.close()
    index.close()


def test_apply__user_that_may_only_read__typed(postgres: Postgres) -> None:
    url = postgres.new_database()
    feed(open_new(url), [LogWriter(1).canned]).close()
    run_sql(url, "CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
    reader = open_index(url.replace("postgres@", "reader@"))
    assert reader.state.head == LogWriter(1).block
    with pytest.raises(IndexNotWritable, match="permission denied"):
        reader.apply(batch_of(reader, [LogWriter(2).canned]))
    with pytest.raises(IndexNotWritable, match="permission denied"):
        reader.roll_back(LogWriter(1).block)
    reader.close()
    postgres.drop_database(url)


def test_apply__server_goes_and_comes_back__typed_and_nothing_lost() -> None:
    blocks = list(write_busy_blocks(900))
    with run_postgres() as server:
        url = server.new_database()
        index = feed(open_new(url), blocks[:15], 15)
        before = read_tables(index)
        for end in (server.stop, server.kill):
            batch = batch_of(index, blocks[15:])
            end()
            with pytest.raises(IndexUnavailable, match="is not available"):
                index.apply(batch)
            with pytest.raises(IndexUnavailable):
                index.read_state()
            with pytest.raises(IndexUnavailable):
                open_index(url)
            server.start()
            assert read_tables(index) == before
        feed(index, blocks[15:], 10)
        assert index.state.head == blocks[-1].block
        index.close()


def _write_and_end(index: Index, url: str) -> None:
    """Write, and let the server end the connection before the commit."""
    with index.writing() as connection:
        pen = index.take_pen(connection)
        pen.change("UPDATE state SET first_block = 77")
        ((pid,),) = pen.ask("SELECT pg_backend_pid()")
        run_sql(url, f"SELECT pg_terminate_backend({pid})")
        pen.change("UPDATE state SET first_block = 78")


def test_apply__connection_ended_within__typed_and_nothing_lost(postgres: Postgres) -> None:
    url = postgres.new_database()
    index = feed(open_new(url), [LogWriter(1).canned])
    with pytest.raises(IndexUnavailable, match="is not available"):
        _write_and_end(index, url)
    assert index.read_state().first_block == 0
    index.close()
    postgres.drop_database(url)


def test_read__table_that_somebody_dropped__wrong_database(index: Index, index_url: str) -> None:
    run_sql(index_url, "ALTER TABLE fees RENAME TO costs")
    for read in (lambda: read_tables(index), lambda: index.roll_back(index.kept_blocks()[1])):
        with pytest.raises(WrongDatabase, match="fees"):
            read()


def test_writing__file_locked_by_another_process__unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nvm_chain.index.sqlite.LOCK_SECONDS", 0.1)
    index = open_new(str(tmp_path / "index.db"))
    other = sqlite3.connect(tmp_path / "index.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(IndexUnavailable, match="database is locked"):
        index.apply(batch_of(index, [LogWriter(1).canned]))
    assert index.read_state().head is None
    other.execute("ROLLBACK")
    other.close()
    feed(index, [LogWriter(1).canned])


@pytest.mark.parametrize("secret", ["hunter2", "p@ss"])
def test_label__url_with_password__does_not_have_it(secret: str) -> None:
    url = f"postgresql://me:{secret.replace('@', '%40')}@127.0.0.1:1/books?connect_timeout=1"
    with pytest.raises(IndexUnavailable, match=r"postgresql://127.0.0.1:1/books") as caught:
        open_index(url)
    assert secret not in str(caught.value)
    assert secret not in repr(caught.value)
