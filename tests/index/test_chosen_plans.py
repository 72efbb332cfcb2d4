"""Reads of chosen plans and of their holders in pages, compared with the other reads of an index, on both databases."""

import random

import pytest

from nvm_chain.index import holder_pages
from nvm_chain.index.activity import sum_credits
from nvm_chain.index.chosen_plans import (
    PlanSales,
    count_prices,
    read_agent_owners,
    read_chosen_plans,
    read_plan_owners,
    read_plan_sales,
)
from nvm_chain.index.database import Index
from nvm_chain.index.holder_pages import count_holders, read_holder_page
from nvm_chain.index.instants import Instant
from nvm_chain.index.listing import list_agents, list_orders
from nvm_chain.index.places import find_places
from nvm_chain.index.reading import list_holders, list_plans
from nvm_chain.index.rows import read_head
from nvm_chain.types.addresses import ZERO_ADDRESS
from tests.support.keeping_worlds import run_keeping_world
from tests.support.lived_index import indexed, live

DAY = 86_400


@pytest.mark.parametrize("seed", [3, 11])
def test_chosen_plans__after_histories__agree_with_the_other_reads(index_url: str, seed: int) -> None:
    with run_keeping_world() as world:
        history = live(world, seed, 50)
        chain = world.chain
        with indexed(chain, index_url) as index:
            every = list_plans(index)
            ids = [plan.plan_id for plan in every]
            with index.snapshot() as connection:
                assert read_plan_owners(connection, [*ids, 1]) == {plan.plan_id: plan.owner for plan in every}
                agents = list_agents(index)
                assert read_agent_owners(connection, [each.agent_id for each in agents]) == {
                    each.agent_id: each.owner for each in agents
                }
                found = read_chosen_plans(connection, ids)
                for plan in every:
                    mine = found[plan.plan_id]
                    assert (mine.terms, mine.owner, mine.active) == (plan.terms, plan.owner, plan.active)
                    assert (mine.uri, mine.fee_bps) == (plan.uri, plan.fee_bps)
            check_sales(index, ids, random.Random(seed))
            check_holders(index, ids)
        assert history.plans


def check_sales(index: Index, ids: list[int], chance: random.Random) -> None:
    """Compare sales of some periods with the sales one by one, and with the sums of movements."""
    with index.snapshot() as connection:
        head = read_head(connection)
        assert head is not None
        periods = [(0, head.timestamp + 1), (head.timestamp, head.timestamp + 1)]
        periods += [
            (start := chance.randrange(head.timestamp - 90 * DAY, head.timestamp), start + 30 * DAY) for _ in range(3)
        ]
        for start, end in periods:
            places = find_places(connection, start, end)
            sales = read_plan_sales(connection, ids, places)
            prices = set()
            for plan_id in ids:
                orders = list_orders(index, plan_id=plan_id, start=start, end=end)
                prices |= {(plan_id, order.cost) for order in orders}
                lines = sum_credits(index, plan_id=plan_id, start=start, end=end)
                kinds = [order.kind for order in orders]
                wanted = PlanSales(
                    kinds.count("order"),
                    kinds.count("usage"),
                    kinds.count("external"),
                    sum(order.quantity for order in orders if order.kind != "usage"),
                    -sum(line.amount for line in lines if line.kind in ("redemption", "settlement")),
                )
                assert sales[plan_id] == wanted
                assert sales[plan_id].sales == len(orders)
            assert count_prices(connection, ids, places, 10**6) == len(prices)
            assert count_prices(connection, ids, places, 1) == min(1, len(prices))


def check_holders(index: Index, ids: list[int]) -> None:
    """Compare counts and pages with the whole lists, now and later, when some credits have expired."""
    with index.snapshot() as connection:
        head = read_head(connection)
        assert head is not None
        for at in (head.timestamp, head.timestamp + DAY, head.timestamp + 400 * DAY):
            counts = count_holders(connection, ids, at)
            assert counts.is_exact
            for plan_id in ids:
                wanted = list_holders(index, plan_id, at=at)
                assert counts.by_plan.get(plan_id, 0) == len(wanted)
                for most in (1, 2, 50):
                    found, after = [], str(ZERO_ADDRESS)
                    while True:
                        page = read_holder_page(connection, plan_id, at, after=after, most=most)
                        assert len(page.accounts) <= most
                        found += page.accounts
                        if page.after is None:
                            break
                        after = page.after
                    assert found == sorted(wanted, key=lambda each: each.holder.lower())


def test_count_holders__with_more_to_look_at_than_it_may__says_at_least(
    index_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holder_pages, "MOST_LOOKED", 1)
    with run_keeping_world() as world:
        history = live(world, 5, 30)
        with indexed(world.chain, index_url) as index, index.snapshot() as connection:
            head = read_head(connection)
            assert head is not None
            plan_id = history.plans["expiring"]
            for at in (head.timestamp, head.timestamp + 2 * DAY, head.timestamp + 20 * DAY):
                counts = count_holders(connection, [plan_id], at)
                whole = len(list_holders(index, plan_id, at=at))
                assert (
                    counts.by_plan.get(plan_id, 0) == whole
                    if counts.is_exact
                    else counts.by_plan.get(plan_id, 0) <= whole
                )


def test_instant__of_an_index_that_goes_on__stays_as_it_was(index_url: str) -> None:
    with run_keeping_world() as world:
        first = world.register()
        with indexed(world.chain, index_url) as index, index.snapshot() as connection:
            instant = Instant(index, connection)
            before = list_plans(instant)
            world.register(credits=7)
            with indexed(world.chain, index_url) as later:
                assert len(list_plans(later)) == len(before) + 1
            assert list_plans(instant) == before
            assert [plan.plan_id for plan in before] == [first]
