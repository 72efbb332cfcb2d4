"""Followers and database servers that are killed at any instant: what was told stays, and nothing is done twice."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from tests.support.index_kills import Harness, Lost, make_database, make_file
from tests.support.index_worlds import DEEPEST, IndexWorld, run_index_world
from tests.support.postgres import Postgres


@pytest.fixture(scope="module")
def chain() -> Iterator[IndexWorld]:
    """An anvil with an old and a new part."""
    with run_index_world() as made:
        made.act(10)
        made.mine(270)
        made.act(10)
        made.mine(DEEPEST)
        yield made


def test_kills__of_followers_into_sqlite__lose_nothing(chain: IndexWorld, tmp_path: Path) -> None:
    harness = Harness(chain, make_file(chain, tmp_path / "index.db"), Random(1))
    harness.run(8, tmp_path)
    assert harness.open_kills * 2 >= harness.kills


def test_kills__of_followers_and_servers_of_postgresql__lose_nothing(
    chain: IndexWorld, postgres: Postgres, tmp_path: Path
) -> None:
    harness = Harness(chain, make_database(chain, postgres), Random(2), server=postgres)
    harness.run(8, tmp_path)
    assert harness.open_kills * 2 >= harness.kills
    assert harness.server_kills


def test_kills__resumed_in_the_other_database__lose_nothing(
    chain: IndexWorld, postgres: Postgres, tmp_path: Path
) -> None:
    harness = Harness(chain, make_file(chain, tmp_path / "index.db"), Random(3))
    harness.run(2, tmp_path)
    harness.copy_to(lambda: make_database(chain, postgres), postgres)
    harness.run(4, tmp_path)
    harness.copy_to(lambda: make_file(chain, tmp_path / "copy.db"), None)
    harness.run(6, tmp_path)
    assert harness.copies == 2


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_kills__of_a_store_that_leaves_out_commits__find_it(
    chain: IndexWorld, request: pytest.FixtureRequest, tmp_path: Path, engine: str
) -> None:
    if engine == "sqlite":
        where = make_file(chain, tmp_path / "index.db")
    else:
        where = make_database(chain, request.getfixturevalue("postgres"))
    harness = Harness(chain, where, Random(4), defers=True)
    with pytest.raises(Lost):
        harness.run(12, tmp_path)


def test_copy__of_an_index__is_equal(chain: IndexWorld, postgres: Postgres, tmp_path: Path) -> None:
    harness = Harness(chain, make_file(chain, tmp_path / "index.db"), Random(5))
    harness.run(1, tmp_path)
    harness.copy_to(lambda: make_database(chain, postgres), postgres)
    with closing(chain.open(harness.where)) as copied:
        chain.check(copied, tmp_path)
