"""Whole meters that are killed, with their settlers, over a chain that is reorganized (S1, S3, S4, S9, S10, S11)."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.meter.faults.ground import Ground, make_ground
from tests.meter.faults.kills import EndedByItself, WholeHarness
from tests.meter.faults.promises import Lost, ServedTwice
from tests.support.index_worlds import IndexWorld, run_index_world
from tests.support.postgres import Postgres

KILLS = 5
"""Kills in each database. `make deep` runs more, and test_store_kills.py kills stores."""
FINAL = 20


@pytest.fixture(scope="module")
def chain() -> Iterator[IndexWorld]:
    with run_index_world() as made:
        yield made


@pytest.fixture
def ground(chain: IndexWorld, tmp_path: Path) -> Iterator[Ground]:
    with chain.restored():
        made = make_ground(chain.world, tmp_path / "index.db")
        chain.mine(FINAL)
        yield made


@pytest.mark.long
def test_kills__of_meters_on_sqlite__lose_nothing(chain: IndexWorld, ground: Ground, tmp_path: Path) -> None:
    harness = WholeHarness(chain, ground, str(tmp_path / "books.db"), Random(1))
    harness.run(KILLS)
    check(harness)


@pytest.mark.long
def test_kills__of_meters_and_servers_of_postgresql__lose_nothing(
    chain: IndexWorld, ground: Ground, postgres: Postgres, postgres_books_url: str
) -> None:
    harness = WholeHarness(chain, ground, postgres_books_url, Random(2), server=postgres)
    harness.run(KILLS)
    check(harness)
    assert harness.manners["of the server"]


def check(harness: WholeHarness) -> None:
    assert harness.open_kills * 2 >= harness.kills
    assert harness.manners["at a step"]
    assert harness.promises.served
    assert harness.promises.charged


def test_kills__of_a_meter_that_leaves_out_commits__find_it(chain: IndexWorld, ground: Ground, tmp_path: Path) -> None:
    harness = WholeHarness(chain, ground, str(tmp_path / "books.db"), Random(3), plant="leaves out commits")
    with pytest.raises((Lost, ServedTwice, EndedByItself)):
        harness.run(10 * KILLS)
