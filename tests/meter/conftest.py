"""Generated examples take as long as they take. Books are in a file of SQLite, and in a real PostgreSQL."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings

from nvm_chain.meter.store.schema import metadata
from nvm_chain.meter.store.store import Store
from tests.support.meter_books import check_books
from tests.support.meter_stores import open_books
from tests.support.postgres import Postgres, run_postgres

ENGINES = ("sqlite", "postgresql")

settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Run one PostgreSQL for all tests of this process."""
    with run_postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """Return the URL of a database without tables in PostgreSQL."""
    url = postgres.new_database()
    yield url
    postgres.drop_database(url)


@pytest.fixture(params=ENGINES)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database without tables, of both engines in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture(scope="session")
def made_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make empty books in a file, to be copied: to make tables takes longer than most tests."""
    path = tmp_path_factory.mktemp("made") / "books.db"
    open_books(str(path)).close()
    return path


@pytest.fixture
def made_copy(made_file: Path, tmp_path: Path) -> Path:
    """Return the path of empty books in a file."""
    return Path(shutil.copy(made_file, tmp_path / "books.db"))


@pytest.fixture(scope="session")
def made_database(postgres: Postgres) -> str:
    """Make books in a database, to be emptied before each test."""
    url = postgres.new_database()
    open_books(url).close()
    return url


@pytest.fixture
def postgres_books_url(made_database: str) -> str:
    """Return the URL of empty books in PostgreSQL."""
    with psycopg.connect(made_database) as connection:
        connection.execute(END_OTHERS)
        connection.execute(f"TRUNCATE {', '.join(metadata.tables)}".encode())
    return made_database


@pytest.fixture(params=ENGINES)
def books_url(request: pytest.FixtureRequest) -> str:
    """Return the URL of empty books, of both engines in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{request.getfixturevalue('made_copy')}"
    url: str = request.getfixturevalue("postgres_books_url")
    return url


END_OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
"""A test that failed may have left a connection with locks."""


@pytest.fixture
def store(books_url: str) -> Iterator[Store]:
    """Open empty books. After the test, their sums have to be right (S10)."""
    made = open_books(books_url)
    yield made
    made.close()
    again = open_books(books_url)
    check_books(again)
    again.close()
