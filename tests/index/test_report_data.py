"""Data of a sales report: the same sums, to the unit, as the statements of the same plans and period, on both engines."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from nvm_chain.enums import Activation, PlanKind
from nvm_chain.errors import IndexBehind, InvalidConfig, UnknownPlan
from nvm_chain.index.database import Index, open_index
from nvm_chain.index.following import Follower
from nvm_chain.index.report.data import read_report
from nvm_chain.index.report.types import Report, TokenLabel
from nvm_chain.metadata.documents import AgentMetadata, PlanMetadata, build_metadata_uri
from nvm_chain.operations.credits import read_account
from nvm_chain.statements.reading import read_builder_statement
from nvm_chain.statements.types import MovementKind, Statement
from tests.support.agents import Agents
from tests.support.fixtures import agents as agents
from tests.support.statement_histories import History
from tests.support.world import PRICE, ZERO, World

DAY = 86_400


@pytest.fixture
def index(world: World, index_url: str) -> Iterator[Index]:
    """An empty index of the world, without agents."""
    index = open_index(index_url, chain_id=world.chain.chain_id, credits=world.credits.address, create=True)
    yield index
    index.close()


def sync(world: World, index: Index) -> None:
    Follower(world.chain, index, waits=True).sync()


def later(world: World, days: int) -> int:
    """Move to noon of a later day, and return the second."""
    second = (world.now // DAY + days) * DAY + DAY // 2
    world.mine_at(second)
    return second


# ---------------------------------------------------------------- equal to statements


@pytest.mark.parametrize("seed", [5])
def test_read_report__of_a_random_history__has_the_sums_of_the_statement(world: World, index: Index, seed: int) -> None:
    history = History(world, seed)
    history.run(25)
    middle = later(world, 2)
    history.run(25)
    sync(world, index)
    owner = world.builder.address
    for start, end in ((0, None), (middle, None), (0, middle), (middle - DAY, middle + 3)):
        report = read_report(index, owner=owner, start=start, end=end)
        statement = read_builder_statement(world.chain, owner, start=start, end=end)
        check_revenue(report, statement)
        check_credits(report, statement)
        check_holders(world, report, history)
    chosen = read_report(index, plan_ids=[*history.plans.values()], start=0)
    whole = read_report(index, owner=owner, start=0)
    assert chosen.plans == whole.plans
    assert (chosen.sales, chosen.use, chosen.endings) == (whole.sales, whole.use, whole.endings)
    assert sorted(map(repr, chosen.revenue)) == sorted(map(repr, whole.revenue))
    assert (chosen.customers, chosen.holder_count) == (whole.customers, whole.holder_count)


def check_revenue(report: Report, statement: Statement) -> None:
    expected = {
        (item.plan_id, item.token, item.receiver): (item.shares, item.fees, item.forgone, item.sales)
        for item in statement.revenue
    }
    sums: dict[Any, list[int]] = {}
    for line in report.revenue:
        total = sums.setdefault((line.plan_id, line.token, line.receiver), [0, 0, 0, 0])
        for number, amount in enumerate((line.shares, line.fees, line.forgone, line.sales)):
            total[number] += amount
    assert {key: tuple(total) for key, total in sums.items()} == expected
    paid, tokens = Counter[int](), Counter[str]()
    for item in statement.revenue:
        paid[item.plan_id] += item.total
        tokens[item.token] += item.total
    assert {plan.plan_id: plan.paid for plan in report.plans if plan.paid} == +paid
    assert report.paid_by_token == +tokens


def check_credits(report: Report, statement: Statement) -> None:
    totals = {plan.plan_id: Counter(plan.totals) for plan in statement.plans}
    kinds = MovementKind
    for plan in report.plans:
        total = totals.get(plan.plan_id, Counter())
        assert plan.sold == total[kinds.ORDER] + total[kinds.PAID_EXTERNALLY]
        assert plan.granted == total[kinds.GRANT]
        assert plan.used == -(total[kinds.REDEMPTION] + total[kinds.SETTLEMENT])
    by_day = Counter[tuple[int, int]]()
    for movement in statement.movements:
        if movement.kind in (kinds.REDEMPTION, kinds.SETTLEMENT):
            by_day[movement.timestamp // DAY * DAY, movement.plan_id] -= movement.amount
    assert {(day.day, day.plan_id): day.used for day in report.use if day.used} == +by_day
    bought = [item for item in statement.movements if item.kind in (kinds.ORDER, kinds.PAID_EXTERNALLY)]
    assert sum(plan.first_purchases + plan.renewals for plan in report.plans) == len(bought)


def check_holders(world: World, report: Report, history: History) -> None:
    """Ask the chain who has something now."""
    held = {
        (plan_id, person.address)
        for plan_id in history.plans.values()
        for person in history.people
        if (account := read_account(world.chain, plan_id, person.address)).balance > 0
        or account.access_until > report.head.timestamp
    }
    assert {plan.plan_id: plan.holders for plan in report.plans if plan.holders} == Counter(plan for plan, _ in held)
    assert report.holder_count == len({holder for _, holder in held})


# ---------------------------------------------------------------- renewals, ends, customers, agents


def test_read_report__of_purchases_and_ends__counts_first_ones_renewals_and_those_that_ended(
    funded: World, index: Index
) -> None:
    plan_id = funded.register(kind=PlanKind.TIME, credits=1, duration=DAY, min_redeem=0, max_redeem=0)
    funded.fund(funded.stranger)
    later(funded, 1)
    funded.order(plan_id)
    funded.order(plan_id, funded.stranger)
    start = later(funded, 4)  # both have ended
    funded.order(plan_id)
    funded.order(plan_id, funded.subscriber, receiver=funded.other.address)
    sync(funded, index)
    (plan,) = read_report(index, plan_ids=[plan_id], start=start).plans
    assert (plan.first_purchases, plan.renewals, plan.ended, plan.holders) == (1, 1, 0, 2)
    report = read_report(index, plan_ids=[plan_id], start=0)
    (plan,) = report.plans
    assert (plan.first_purchases, plan.renewals, plan.ended) == (3, 1, 1)
    assert [(end.holder, end.credits, end.expires_at) for end in report.endings] == sorted(
        ((person, 1, funded.now - offset + DAY) for person, offset in ends(funded)), key=lambda end: (end[2], end[0])
    )
    assert read_report(index, plan_ids=[plan_id], soon_seconds=DAY // 2).ending_count == 0


def ends(world: World) -> list[tuple[str, int]]:
    """The last two orders are in the last two blocks."""
    last, before = (world.chain.read_block(world.chain.read_block().number - back).timestamp for back in (0, 1))
    return [(world.subscriber.address, last - before), (world.other.address, 0)]


def test_read_report__of_credits_that_expired_unspent__counts_the_end_at_the_last_expiry(
    funded: World, index: Index
) -> None:
    plan_id = funded.register(duration=100)
    funded.order(plan_id)
    end = funded.now + 100
    funded.mine_at(end - 1)
    sync(funded, index)
    (plan,) = read_report(index, plan_ids=[plan_id], start=0).plans
    assert (plan.holders, plan.ended) == (1, 0)
    funded.mine_at(end + 50)
    sync(funded, index)
    for start, after, ended in ((0, end, 0), (0, end + 1, 1), (end, end + 9, 1), (end + 1, end + 9, 0)):
        (plan,) = read_report(index, plan_ids=[plan_id], start=start, end=after).plans
        assert (plan.holders, plan.ended) == (0, ended)


def test_read_report__of_customers__ranks_them_by_what_they_paid(funded: World, index: Index) -> None:
    plan_id = funded.register()
    funded.fund(funded.stranger)
    funded.order(plan_id)
    for _ in range(2):
        funded.order(plan_id, funded.stranger)
    funded.send(funded.subscriber, funded.credits.functions.redeem(plan_id, funded.subscriber.address, 7, bytes(32)))
    sync(funded, index)
    report = read_report(index, owner=funded.builder.address)
    usdc = funded.usdc.address
    assert [(each.account, each.sales, each.paid, each.used, each.plans_held) for each in report.customers] == [
        (funded.stranger.address, 2, {usdc: 2 * PRICE}, 0, 1),
        (funded.subscriber.address, 1, {usdc: PRICE}, 7, 1),
    ]
    assert report.customer_count == 2


def test_read_report__of_agents__has_their_names_and_the_sums_of_their_plans(
    funded: World, agents: Agents, index_url: str
) -> None:
    first = funded.register(uri=build_metadata_uri(PlanMetadata("Basic")))
    second, third = funded.register(uri="https://example.com/plan.json"), funded.register()
    one = agents.register((first, 1, 5), (second, 1, 5), uri=build_metadata_uri(AgentMetadata("Echo")))
    two = agents.register((second, 1, 5))
    for plan_id in (first, second, third):
        funded.order(plan_id)
    registry = agents.functions.address
    index = open_index(
        index_url, chain_id=funded.chain.chain_id, credits=funded.credits.address, agents=registry, create=True
    )
    sync(funded, index)
    report = read_report(index, owner=funded.builder.address)
    index.close()
    assert [plan.name for plan in report.plans] == ["Basic", "", ""]
    assert [(each.agent_id, each.name, each.plan_ids, each.sales, each.used) for each in report.agents] == [
        (one, "Echo", (first, second), 2, 0),
        (two, "", (second,), 1, 0),
    ]


# ---------------------------------------------------------------- edges


def test_read_report__of_a_plan_without_sales__is_empty(world: World, index: Index) -> None:
    plan_id = world.register(kind=PlanKind.TIME, activation=Activation.ON_FIRST_USE, credits=1, duration=9)
    sync(world, index)
    report = read_report(index, plan_ids=[f"{plan_id:#066x}"])
    assert [(plan.plan_id, plan.sales, plan.holders) for plan in report.plans] == [(plan_id, 0, 0)]
    assert (report.sales, report.use, report.revenue, report.customers, report.endings, report.agents) == ((),) * 6
    assert report.paid_by_token == {}
    assert report.tokens == {ZERO: TokenLabel("ETH", 18)}


def test_read_report__without_a_start__has_thirty_days_with_the_day_of_the_block(world: World, index: Index) -> None:
    plan_id = world.register()
    second = later(world, 40)
    sync(world, index)
    report = read_report(index, plan_ids=[plan_id])
    assert (report.first_second, report.end_second) == ((second // DAY - 29) * DAY, second + 1)
    report = read_report(index, plan_ids=[plan_id], end=second // DAY * DAY)
    assert (report.first_second, report.end_second) == ((second // DAY - 30) * DAY, second // DAY * DAY)


def test_read_report__of_an_owner_without_plans__has_none(world: World, index: Index) -> None:
    world.register()
    sync(world, index)
    assert read_report(index, owner=world.stranger.address).plans == ()


def test_read_report__of_what_cannot_be__says_why(world: World, index: Index) -> None:
    owner = world.builder.address
    with pytest.raises(IndexBehind):
        read_report(index, owner=owner)
    plan_id = world.register()
    sync(world, index)
    with pytest.raises(InvalidConfig, match="one owner, or about chosen plans"):
        read_report(index)
    with pytest.raises(InvalidConfig, match="one owner, or about chosen plans"):
        read_report(index, owner=owner, plan_ids=[plan_id])
    with pytest.raises(UnknownPlan) as unknown:
        read_report(index, plan_ids=[plan_id, 1])
    assert unknown.value.plan_id == 1
    with pytest.raises(InvalidConfig, match="not after its start"):
        read_report(index, owner=owner, start=5, end=5)
    with pytest.raises(InvalidConfig, match="begins after the index's block"):
        read_report(index, owner=owner, start=world.now + 1)
