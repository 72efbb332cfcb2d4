"""Sellers and database servers that are killed at any instant: what was told stays, and no voucher is served twice (S1, S3, S10)."""

from pathlib import Path
from random import Random

import pytest

from tests.support.meter_kills import Harness, Lost, ServedTwice
from tests.support.postgres import Postgres

KILLS = 10
"""Kills in each database. `make deep` runs more."""


@pytest.mark.long
def test_kills__of_sellers_on_sqlite__lose_nothing(made_copy: Path) -> None:
    harness = Harness(str(made_copy), Random(1))
    harness.run(KILLS)
    assert harness.open_kills * 2 >= harness.kills
    assert harness.charges
    assert harness.abandoned


@pytest.mark.long
def test_kills__of_sellers_and_servers_of_postgresql__lose_nothing(postgres_books_url: str, postgres: Postgres) -> None:
    harness = Harness(postgres_books_url, Random(2), server=postgres)
    harness.run(KILLS)
    assert harness.open_kills * 2 >= harness.kills
    assert harness.server_kills
    assert harness.charges
    assert harness.abandoned


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_kills__of_a_store_that_leaves_out_commits__find_it(request: pytest.FixtureRequest, engine: str) -> None:
    where = request.getfixturevalue("made_copy" if engine == "sqlite" else "postgres_books_url")
    harness = Harness(str(where), Random(3), leaves_out=True)
    with pytest.raises((Lost, ServedTwice)):
        harness.run(10 * KILLS)
