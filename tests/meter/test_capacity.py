"""What settlements cost and risk at some traffic: the table, and the settler's own choice on real books."""

import asyncio
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from nvm_chain.errors import InvalidAmount
from nvm_chain.index.database import open_index
from nvm_chain.index.following import Follower
from nvm_chain.meter import operating
from nvm_chain.meter.capacity.processes import CONNECTIONS, CONNECTIONS_OF_SETTLER, Rates, find_processes
from nvm_chain.meter.capacity.settlements import DAY, Traffic, find_settlements
from nvm_chain.meter.opening import open_meter
from nvm_chain.meter.settling.gas import GAS_BY_RULE, GAS_OF_BATCH, GAS_OF_VOUCHER
from nvm_chain.meter.settling.rules import SettleRules
from tests.bench.capacity import simulate
from tests.meter.settling_shop import BALANCE, open_shop
from tests.support.postgres import Postgres
from tests.support.world import World

HOUR = 3_600


def rules(age: int) -> SettleRules:
    """Return rules by which only the age counts."""
    return SettleRules(credits=10**6, age_seconds=age, exposure_percent=100)


# ---------------------------------------------------------------------- the table


def test_find_settlements__of_steady_traffic__comes_around_after_the_age_and_a_request() -> None:
    """1,000 holders with a request each 100 seconds, settled at an age of 900: each comes around in 1,000 seconds."""
    traffic = Traffic(1_000, 864_000, credits=2, exposure=10**6)
    found = find_settlements(traffic, rules(900))
    assert (found.cycle_seconds, found.items_a_day, found.transactions_a_day) == (1_000, 86_400, 864)
    assert found.gas_a_day == 864 * GAS_OF_BATCH + 86_400 * GAS_OF_VOUCHER
    # A holder owes for nine tenths of the time: 2 credits at first, and 20 at the end.
    assert found.owed == 1_000 * 2 * 900 * 11 // (2 * 1_000)
    assert found.owed_at_most == 10**9
    assert found.find_cost(50_000_000) == found.gas_a_day * 50_000_000


@pytest.mark.parametrize(
    ("changes", "cycle"),
    [({"credits": 10}, 1_000), ({"credits": 9}, 900), ({"exposure_percent": 50}, 500), ({"credits": 10**6}, 1_000)],
)
def test_find_settlements__with_low_limits__comes_around_sooner(changes: dict[str, int], cycle: int) -> None:
    """A request each 100 seconds, one credit each, an exposure of 10 credits and an age of 900 seconds."""
    traffic = Traffic(1_000, 864_000, exposure=10)
    settings = {"credits": 10**6, "age_seconds": 900, "exposure_percent": 100, **changes}
    assert find_settlements(traffic, SettleRules(**settings)).cycle_seconds == cycle


def test_find_settlements__by_the_plans_rule__costs_less_gas() -> None:
    parts: dict[str, Any] = {"holders": 1_000, "requests_a_day": 864_000, "exposure": 10**6}
    signed, by_rule = (find_settlements(Traffic(**parts, by_vouchers=each), rules(900)) for each in (True, False))
    assert signed.gas_a_day - by_rule.gas_a_day == signed.items_a_day * (GAS_OF_VOUCHER - GAS_BY_RULE)


def test_find_settlements__on_many_plans__needs_more_transactions() -> None:
    """A transaction settles one plan. Of few holders on each, few go along."""
    one, many = (
        find_settlements(Traffic(10_000, 100_000, exposure=10**6, plans=plans), rules(DAY)).transactions_a_day
        for plans in (1, 1_000)
    )
    assert many > 10 * one


@pytest.mark.parametrize("name", ["holders", "requests_a_day", "credits", "exposure", "plans"])
def test_traffic__of_nothing__is_refused(name: str) -> None:
    numbers: dict[str, Any] = {"holders": 1, "requests_a_day": 1, name: 0}
    with pytest.raises(InvalidAmount):
        Traffic(**numbers)


def test_find_processes__of_a_billion_requests_a_day__says_processes_and_connections() -> None:
    found = find_processes(Traffic(10**6, 10**9), Rates(process=1_000, database=20_000, peak_percent=300))
    assert (found.requests_a_second, found.peak) == (11_575, 34_725)
    assert (found.processes, found.databases) == (70, 4)
    assert found.connections == 70 * CONNECTIONS + 4
    few = find_processes(Traffic(10, 1_000), Rates(process=1_000, database=20_000))
    assert (few.processes, few.databases) == (1, 1)


def test_connections__of_processes_on_postgresql__are_what_the_table_counts(
    world: World, postgres: Postgres, tmp_path: Path
) -> None:
    """One process that serves, and one that settles."""
    books, index = postgres.new_database(), postgres.new_database()
    with open_shop(world, tmp_path, str(tmp_path / "books.db")) as shop:
        origin: dict[str, Any] = {"chain_id": world.chain.chain_id, "credits": world.credits.address}
        with closing(open_index(index, create=True, **origin)) as followed:
            Follower(world.chain, followed).sync()

        async def serve() -> int:
            async with open_meter(books, index, shop.settings, renews=True) as meter:
                assert (await meter.account(*shop.key())).view.balance == BALANCE
                return count_connections(books) + count_connections(index)

        serving = asyncio.run(serve())
        assert 1 < serving <= CONNECTIONS
        with operating.open_books(books) as writer:
            operating.read_status(writer)
            assert count_connections(books) == CONNECTIONS_OF_SETTLER


def count_connections(url: str) -> int:
    """Return the connections to a database, without the one that asks."""
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchone()
    assert found is not None
    return int(found[0])


# ---------------------------------------------------------------------- the settler itself, on real books

CASES = {
    "many holders, full transactions": (Traffic(3_000, 30_000, exposure=10**6), DAY, 16, 900),
    "few holders": (Traffic(300, 3_000, exposure=10**6), DAY, 48, 1_800),
    "a short age": (Traffic(1_000, 100_000, exposure=10**6), HOUR, 12, 600),
    "by size": (Traffic(1_000, 500_000, exposure=200), DAY, 12, 1_800),
    "several plans": (Traffic(1_600, 16_000, exposure=10**6, plans=4), DAY, 36, 3_600),
}


@pytest.mark.parametrize("case", CASES)
def test_table__is_what_the_settler_does_on_real_books(empty_url: str, case: str) -> None:
    """The same program runs a million holders: `python -m tests.bench.capacity`."""
    traffic, age, turns, seconds = CASES[case]
    found = simulate(empty_url, traffic, rules(age), turns=turns, seconds=seconds, seed=1)
    assert found.items == pytest.approx(found.expected_items, rel=0.25)
    assert found.transactions == pytest.approx(found.expected_transactions, rel=0.25, abs=3)
    assert found.owed == pytest.approx(found.expected_owed, rel=0.25)
