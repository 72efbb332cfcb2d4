"""Reads of an index, worked by hand: plans, holders at a time, orders, agents, and sums by day."""

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nvm_chain.enums import Activation, PlanKind
from nvm_chain.errors import InvalidAddress, InvalidConfig, OtherChain, UnknownPlan
from nvm_chain.index.activity import count_renewals, list_expiring, sum_credits
from nvm_chain.index.database import Index, open_index
from nvm_chain.index.listing import list_agents, list_orders
from nvm_chain.index.places import find_places
from nvm_chain.index.reading import list_holders, list_plans, read_holdings
from nvm_chain.index.results import Expiring, Renewals
from nvm_chain.index.revenue import sum_revenue
from nvm_chain.operations.credits import grant_external, read_account, read_lots
from nvm_chain.operations.plans import read_plan
from nvm_chain.operations.usage import pay_usage
from nvm_chain.statements.reading import read_plan_statement
from nvm_chain.types.agents import Agent, AttachedPlan
from nvm_chain.types.prices import Split
from tests.support.agents import URI, Agents
from tests.support.keeping_worlds import run_keeping_world
from tests.support.lived_index import indexed, live
from tests.support.reverts import reverts
from tests.support.world import CREDITS, PRICE, ZERO, World

DAY = 86_400
TIME: dict[str, Any] = {"kind": PlanKind.TIME, "credits": 3, "duration": DAY, "min_redeem": 0, "max_redeem": 0}
ON_USE: dict[str, Any] = {**TIME, "activation": Activation.ON_FIRST_USE, "min_redeem": 1, "max_redeem": 3}
USAGE: dict[str, Any] = {"kind": PlanKind.USAGE, "credits": 0, "min_redeem": 0, "max_redeem": 0}


@pytest.fixture(scope="module")
def node() -> Iterator[World]:
    """An anvil with Credits and TestUSDC."""
    with run_keeping_world() as world:
        yield world


@pytest.fixture
def shop(node: World) -> Iterator[World]:
    """The same anvil, where three people can pay. What a test does to it is undone."""
    snapshot = node.take_snapshot()
    for payer in (node.subscriber, node.other, node.partner):
        node.fund(payer)
    yield node
    node.revert_to(snapshot)


def held(index: Index, plan_id: int, at: int | None = None) -> list[tuple[str, int, int]]:
    """Return holder, balance and end of access of each holder."""
    return [(item.holder, item.balance, item.access_until) for item in list_holders(index, plan_id, at=at)]


# ---------------------------------------------------------------- plans


def test_list_plans__of_plans_that_changed__are_as_the_chain_has_them_now(shop: World, index_url: str) -> None:
    plans = [shop.register(uri="https://example.com/a"), shop.register(transferable=True), shop.register(**TIME)]
    functions = shop.credits.functions
    shop.send(shop.builder, functions.setPlanUri(plans[0], "https://example.com/ü"))
    shop.send(shop.builder, functions.setPlanActive(plans[1], False))
    for plan_id in plans[1:]:
        shop.send(shop.builder, functions.transferPlanOwnership(plan_id, shop.partner.address))
    shop.send(shop.partner, functions.acceptPlanOwnership(plans[1]))
    with indexed(shop.chain, index_url) as index:
        found = list_plans(index)
        for plan, plan_id in zip(found, plans, strict=True):
            expected = read_plan(shop.chain, plan_id)
            assert (plan.owner, plan.terms) == (expected.owner, expected.terms)
            assert (plan.plan_id, plan.pending_owner, plan.active) == (plan_id, expected.pending_owner, expected.active)
            assert (plan.creator, plan.fee_bps, plan.uri) == (shop.builder.address, expected.fee_bps, expected.uri)
        assert found[0].registered_at == shop.chain.read_block(shop.chain.read_block().number - 7).timestamp
        assert [plan.plan_id for plan in list_plans(index, owner=shop.builder.address)] == [plans[0], plans[2]]
        assert [plan.plan_id for plan in list_plans(index, owner=shop.partner.address.lower())] == [plans[1]]
        assert list_plans(index, owner=shop.other.address) == []
        with pytest.raises(InvalidAddress):
            list_plans(index, owner="me")


def test_list_plans__of_plans_that_were_sold__counts_purchases_and_holders(shop: World, index_url: str) -> None:
    lasting, usage, outside = (
        shop.register(),
        shop.register(**USAGE),
        shop.register(paid_externally=True, token=ZERO, splits=()),
    )
    shop.order(lasting, quantity=2)
    shop.order(lasting, shop.other)
    shop.send(shop.other, shop.credits.functions.burn(lasting, shop.other.address, CREDITS))
    shop.grant(lasting, shop.partner.address, 5)
    pay_usage(shop.chain, shop.subscriber, usage, quantity=7)
    grant_external(shop.chain, shop.builder, outside, shop.other.address, reference="invoice 1", quantity=3)
    with indexed(shop.chain, index_url) as index:
        for plans in (list_plans(index), list_plans(index, owner=shop.builder.address)):
            assert [(plan.sold, plan.holders) for plan in plans] == [(3, 2), (7, 0), (3, 1)]


# ---------------------------------------------------------------- holders


@pytest.mark.parametrize("late", [-1, 0, 1])
def test_list_holders__around_an_expiry__has_the_credits_just_before(shop: World, index_url: str, late: int) -> None:
    plan_id, holder = shop.register(duration=DAY), shop.subscriber.address
    shop.order(plan_id)
    first = shop.now
    shop.mine_at(first + 100)
    shop.grant(plan_id, holder, 5)
    second = shop.now
    with indexed(shop.chain, index_url) as index:
        (before,) = list_holders(index, plan_id)
        assert (before.balance, list(before.lots)) == (CREDITS + 5, read_lots(shop.chain, plan_id, holder))
        between = held(index, plan_id, at=first + DAY + late)
        assert between == [(holder, CREDITS + 5 if late < 0 else 5, 0)]
        counts = [plan.holders for plan in list_plans(index, at=second + DAY + late)]
        assert held(index, plan_id, at=second + DAY + late) == ([(holder, 5, 0)] if late < 0 else [])
        assert counts == [1 if late < 0 else 0]


@pytest.mark.parametrize("late", [-1, 0, 1])
def test_list_holders__of_a_window__ends_period_by_period(shop: World, index_url: str, late: int) -> None:
    plan_id, holder = shop.register(**TIME), shop.subscriber.address
    shop.order(plan_id)
    until = shop.now + 3 * DAY
    with indexed(shop.chain, index_url) as index:
        assert held(index, plan_id) == [(holder, 3, until)]
        assert held(index, plan_id, at=until - DAY + late) == [(holder, 2 if late < 0 else 1, until)]
        assert held(index, plan_id, at=until + late) == ([(holder, 1, until)] if late < 0 else [])
        assert [plan.holders for plan in list_plans(index, at=until + late)] == [1 if late < 0 else 0]


def test_list_holders__of_a_window_that_was_opened__is_held_until_it_ends(shop: World, index_url: str) -> None:
    plan_id, holder = shop.register(**ON_USE), shop.subscriber.address
    shop.order(plan_id)
    shop.send(shop.subscriber, shop.credits.functions.redeem(plan_id, holder, 3, bytes(32)))
    until = shop.now + 3 * DAY
    with indexed(shop.chain, index_url) as index:
        assert held(index, plan_id, at=until - 1) == [(holder, 0, until)]
        assert held(index, plan_id, at=until) == []
        assert list_expiring(index, until) == []
        assert list_expiring(index, until + 1) == [Expiring(plan_id, holder, 0, until)]


def test_list_holders__of_several__begins_with_the_most(shop: World, index_url: str) -> None:
    plan_id = shop.register()
    for holder, amount in ((shop.other, 4), (shop.partner, 9), (shop.subscriber, 4)):
        shop.grant(plan_id, holder.address, amount)
    same = sorted([shop.other.address, shop.subscriber.address])
    with indexed(shop.chain, index_url) as index:
        expected = [(shop.partner.address, 9, 0), *((holder, 4, 0) for holder in same)]
        assert held(index, plan_id) == expected
        with reverts(UnknownPlan(7)):
            list_holders(index, 7)
        with pytest.raises(InvalidConfig) as raised:
            list_holders(index, plan_id, at=shop.now - 1)
        assert raised.value.reason == f"the time {shop.now - 1} is before the index's block, of second {shop.now}"


@pytest.mark.parametrize("seed", [31])
def test_read_holdings__after_a_random_history__are_the_chains_accounts(index_url: str, seed: int) -> None:
    with run_keeping_world() as world:
        chain, history = world.chain, live(world, seed, 50)
        now = chain.read_block().timestamp
        with indexed(chain, index_url) as index:
            for person in [*history.people, history.world.builder]:
                found = {item.plan_id: item for item in read_holdings(index, person.address)}
                for plan_id in history.plans.values():
                    account, mine = read_account(chain, plan_id, person.address), found.get(plan_id)
                    assert (mine is not None) == (account.balance > 0 or account.access_until > now)
                    if mine is not None:
                        assert (mine.balance, mine.settled) == (account.balance, account.settled)
                        assert (mine.access_until, mine.trial_taken) == (account.access_until, account.trial_taken)
            check_credits(index, history.plans.values(), chain)


def check_credits(index: Index, plan_ids: Any, chain: Any) -> None:
    """The movements by day are those of statements, without expiries and what moves only money."""
    for plan_id in plan_ids:
        expected: Counter[tuple[int, str]] = Counter()
        counts: Counter[tuple[int, str]] = Counter()
        for item in read_plan_statement(chain, plan_id).movements:
            if item.kind.value not in ("expiry", "payment"):
                key = item.timestamp // DAY * DAY, item.kind.value
                expected[key] += item.amount
                counts[key] += 1
        lines = sum_credits(index, plan_id=plan_id)
        assert {(line.day, line.kind): line.amount for line in lines} == dict(expected)
        assert {(line.day, line.kind): line.movements for line in lines} == dict(counts)


# ---------------------------------------------------------------- orders and agents


def test_list_orders__by_plan_payer_receiver_and_time__are_those(shop: World, index_url: str) -> None:
    plan_id, usage, outside = (
        shop.register(),
        shop.register(**USAGE),
        shop.register(paid_externally=True, token=ZERO, splits=()),
    )
    shop.order(plan_id, quantity=2)
    first = shop.now
    shop.mine_at(first + 10)
    shop.order(plan_id, shop.other, receiver=shop.subscriber.address)
    pay_usage(shop.chain, shop.subscriber, usage, quantity=3, context="request-1")
    last = shop.now
    shop.mine_at(last + 10)
    grant_external(shop.chain, shop.builder, outside, shop.other.address, reference="invoice 1")
    me, other = shop.subscriber.address, shop.other.address
    with indexed(shop.chain, index_url) as index:
        found = list_orders(index)
        assert [(item.kind, item.payer, item.receiver, item.quantity, item.cost, item.token) for item in found] == [
            ("external", None, other, 1, 0, ZERO),
            ("usage", me, None, 3, 3 * PRICE, shop.usdc.address),
            ("order", other, me, 1, PRICE, shop.usdc.address),
            ("order", me, me, 2, 2 * PRICE, shop.usdc.address),
        ]
        assert [item.context for item in found[:2]] == [b"invoice 1".ljust(32, b"\0"), b"request-1".ljust(32, b"\0")]
        statement = read_plan_statement(shop.chain, plan_id)
        told = [(item.timestamp, item.block_number, item.transaction) for item in statement.movements]
        assert [(item.timestamp, item.block_number, item.transaction) for item in found[:1:-1]] == told
        assert list_orders(index, most=2) == found[:2]
        assert list_orders(index, plan_id=plan_id) == found[2:]
        assert list_orders(index, payer=me) == [found[1], found[3]]
        assert list_orders(index, receiver=me, plan_id=plan_id) == found[2:]
        assert list_orders(index, start=first + 1, end=last + 1) == found[1:3]
        assert list_orders(index, end=first + 1) == found[3:]
        assert list_orders(index, end=first) == []
        with pytest.raises(InvalidConfig):
            list_orders(index, start=5, end=5)


def test_list_agents__that_changed__are_as_the_chain_has_them_now(shop: World, index_url: str) -> None:
    plans, agents = [shop.register(), shop.register()], Agents(shop)
    first, second = agents.register((plans[0], 1, 5)), agents.register((plans[0], 2, 2), uri="ipfs://agent")
    agents.attach(first, plans[1], 3, 4)
    shop.send(shop.builder, agents.functions.detachPlan(first, plans[0]))
    agents.transfer(second, shop.partner)
    with indexed(shop.chain, index_url) as index:
        mine = Agent(first, shop.builder.address, URI, (AttachedPlan(plans[1], 3, 4),))
        theirs = Agent(second, shop.partner.address, "ipfs://agent", (AttachedPlan(plans[0], 2, 2),))
        assert list_agents(index) == [mine, theirs]
        assert list_agents(index, owner=shop.partner.address) == [theirs]
        assert list_agents(index, plan_id=plans[1]) == [mine]
        assert list_agents(index, owner=shop.partner.address, plan_id=plans[1]) == []


def test_list_agents__of_an_index_without_agents__is_refused(shop: World, tmp_path: Path) -> None:
    path, chain_id, credits = tmp_path / "index.db", shop.chain.chain_id, shop.credits.address
    index = open_index(path, chain_id=chain_id, credits=credits, create=True)
    with pytest.raises(InvalidConfig, match=r"was made without AgentRegistry.*agents=chain\.agents\.address"):
        list_agents(index)
    index.close()
    with pytest.raises(OtherChain, match="It was made without AgentRegistry"):
        open_index(path, agents=shop.chain.agents.address)


def test_reads__of_a_plan_that_the_index_does_not_have__say_to_which_block_it_reaches(
    shop: World, tmp_path: Path
) -> None:
    with indexed(shop.chain, f"sqlite:///{tmp_path / 'index.db'}") as index:
        head, plan_id = index.read_state().head, shop.register()
        assert head is not None
        words = (
            f"does not exist. Or it is newer: it is not in the index up to block {head.number}. .*`nvm-chain index run`"
        )
        with pytest.raises(UnknownPlan, match=words):
            list_holders(index, plan_id)
        with pytest.raises(UnknownPlan, match=words):
            read_plan_statement(None, plan_id, index=index)


# ---------------------------------------------------------------- sums


def test_sums__of_two_days__are_apart(shop: World, index_url: str) -> None:
    plan_id = shop.register(duration=3 * DAY)
    noon = (shop.now // DAY + 2) * DAY + DAY // 2
    for second, payer in ((noon, shop.subscriber), (noon + DAY, shop.subscriber), (noon + DAY, shop.other)):
        shop.mine_at(max(second, shop.now + 1))
        shop.order(plan_id, payer)
    days = [noon - DAY // 2, noon + DAY // 2]
    with indexed(shop.chain, index_url) as index:
        lines = sum_revenue(index)
        assert [(line.day, line.shares, line.sales) for line in lines] == [(days[0], PRICE, 1), (days[1], 2 * PRICE, 2)]
        assert {line.token for line in lines} == {shop.usdc.address}
        sold = sum_credits(index, owner=shop.builder.address)
        assert [(line.day, line.kind, line.amount, line.movements) for line in sold] == [
            (days[0], "order", CREDITS, 1),
            (days[1], "order", 2 * CREDITS, 2),
        ]
        assert sum_credits(index, start=days[1]) == sold[1:]
        assert count_renewals(index) == [Renewals(plan_id, 2, 1)]
        assert count_renewals(index, start=days[1]) == [Renewals(plan_id, 1, 1)]
        assert count_renewals(index, owner=shop.other.address) == []
        first_expiry = read_lots(shop.chain, plan_id, shop.subscriber.address)[0].expires_at
        ending = list_expiring(index, first_expiry + 1, plan_id=plan_id)
        assert ending == [Expiring(plan_id, shop.subscriber.address, CREDITS, first_expiry)]
        assert len(list_expiring(index, first_expiry + 2 * DAY)) == 3
        assert list_expiring(index, first_expiry + 1, at=first_expiry) == []


def test_sum_revenue__of_costs_beyond_64_bits_and_with_a_rest__is_exact(shop: World, index_url: str) -> None:
    """TRAP-11: a division in SQL would be one off from 18 digits on."""
    shop.set_fee(333)
    amounts = (2**95 + 1, 7, 10**24 + 3)
    receivers = [shop.partner.address, shop.other.address, shop.redeemer.address]
    splits = tuple(Split(receiver, amount) for receiver, amount in zip(receivers, amounts, strict=True))
    shop.fund(shop.stranger, amount=10**31)
    plan_id, chance = shop.register(splits=splits), random.Random(4)
    for quantity in chance.choices(range(1, 9), k=6):
        shop.order(plan_id, shop.stranger, quantity=quantity)
    statement = read_plan_statement(shop.chain, plan_id)
    expected = {item.receiver: (item.shares, item.fees, item.sales) for item in statement.revenue}
    with indexed(shop.chain, index_url) as index:
        lines = sum_revenue(index, plan_id=plan_id)
        assert {line.receiver: (line.shares, line.fees, line.sales) for line in lines} == expected
        assert sum(line.total for line in lines) == sum(item.cost for item in list_orders(index)) > 2**96
        assert all(type(line.shares) is int for line in lines)


@pytest.mark.parametrize("late", [-1, 0, 1])
def test_find_places__around_a_block__begin_with_it_or_after_it(shop: World, index_url: str, late: int) -> None:
    plan_id = shop.register()
    seconds = []
    for _ in range(5):
        shop.mine_at(shop.now + 100)
        shop.order(plan_id)
        seconds.append(shop.now)
    with indexed(shop.chain, index_url) as index, index.snapshot() as connection:
        for number, second in enumerate(seconds):
            places = find_places(connection, second + late, None)
            count = connection.exec_driver_sql(f"SELECT count(*) FROM sales WHERE place >= {places.first}").scalar_one()
            assert count == 5 - number - (late > 0)
