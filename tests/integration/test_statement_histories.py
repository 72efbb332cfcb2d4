"""Statements of random histories: every balance is the chain's at that block, every payment reached its receiver, and the parts add up."""

from collections import Counter
from collections.abc import Iterator
from itertools import chain

import pytest

from nvm_chain.operations.credits import read_account
from nvm_chain.statements.reading import read_builder_statement, read_holder_statement, read_plan_statement
from nvm_chain.statements.types import MovementKind, Statement
from tests.seeds import choose_seeds
from tests.support.keeping_worlds import run_keeping_world
from tests.support.statement_histories import RECEIVERS, History
from tests.support.world import ZERO, World

STEPS = 80


@pytest.fixture(scope="module")
def node() -> Iterator[World]:
    """An anvil that keeps the state of every block, for these tests ask for old ones."""
    with run_keeping_world() as world:
        yield world


@pytest.fixture
def world(node: World) -> Iterator[World]:
    """An anvil's: eth-tester takes seconds to look for events in a hundred blocks."""
    snapshot = node.take_snapshot()
    yield node
    node.revert_to(snapshot)


def balance_at(world: World, plan_id: int, holder: str, block: int) -> int:
    """Ask the chain itself, in the state of a block."""
    return int(world.chain.read(world.credits.functions.balanceOf(holder, plan_id), block=block))


def check_sums(statement: Statement) -> None:
    """The parts of a statement add up."""
    running = {plan.plan_id: plan.opening for plan in statement.plans}
    for movement in statement.movements:
        running[movement.plan_id] += movement.amount
        assert movement.balance == running[movement.plan_id] >= 0
    for plan in statement.plans:
        holders = [holder for holder in statement.holders if holder.plan_id == plan.plan_id]
        assert plan.closing == running[plan.plan_id] == sum(holder.closing for holder in holders)
        assert plan.opening == sum(holder.opening for holder in holders)
        assert plan.closing == plan.opening + sum(plan.totals.values())
    places = [(item.timestamp, item.block_number or 0, item.log_index or 0) for item in statement.movements]
    assert [place[0] for place in places] == sorted(place[0] for place in places)
    cost = sum(movement.cost for movement in statement.movements if statement.plan_id or statement.owned)
    if statement.plan_id or statement.owned:
        assert sum(item.total for item in statement.revenue) == cost


@pytest.mark.parametrize("seed", choose_seeds(0, 1, 2))
def test_statements__of_random_histories__are_what_the_chain_says_at_each_block(world: World, seed: int) -> None:
    history = History(world, seed)
    began = world.chain.read_block().number + 1
    history.run(STEPS)
    head = world.chain.read_block()
    cuts = sorted(history.random.sample(range(began, head.number), k=3))
    for holder in history.people:
        whole = read_holder_statement(world.chain, holder.address)
        check_sums(whole)
        assert {plan.plan_id for plan in whole.plans} <= set(history.plans.values())
        parts = []
        for start, end in zip([None, *cuts], [*cuts, None], strict=True):
            part = read_holder_statement(world.chain, holder.address, start_block=start, end_block=end)
            check_sums(part)
            parts.append(part)
            for plan in part.plans:
                at = head.number if end is None else end - 1
                assert plan.closing == balance_at(world, plan.plan_id, holder.address, at)
                assert plan.opening == (
                    0 if start is None else balance_at(world, plan.plan_id, holder.address, start - 1)
                )
        events = [[item for item in part.movements if item.kind is not MovementKind.EXPIRY] for part in parts]
        assert list(chain(*events)) == [item for item in whole.movements if item.kind is not MovementKind.EXPIRY]
        for balance in whole.holders:
            until = read_account(world.chain, balance.plan_id, holder.address).access_until
            assert balance.access_until == until
    assert min(history.done["order"], history.done["wait"]) > 0
    assert history.done.total() - history.done["refused"] > STEPS // 3


@pytest.mark.parametrize("seed", choose_seeds(10, 11))
def test_statements__of_plans_and_their_builder__are_the_sum_of_their_holders_and_of_what_receivers_got(
    world: World, seed: int
) -> None:
    history = History(world, seed)
    began = world.chain.read_block().number + 1
    history.run(STEPS)
    cut = history.random.randrange(began, world.chain.read_block().number)
    for start, end in ((None, cut), (cut, None)):
        builder = read_builder_statement(world.chain, world.builder.address, start_block=start, end_block=end)
        check_sums(builder)
        assert {item.plan_id for item in builder.owned} == set(history.plans.values())
        holders = [
            read_holder_statement(world.chain, person.address, start_block=start, end_block=end)
            for person in history.people
        ]
        for plan_id in history.plans.values():
            plan = read_plan_statement(world.chain, plan_id, start_block=start, end_block=end)
            check_sums(plan)
            assert plan.plans[0] in builder.plans
            theirs = [item for holder in holders for item in holder.plans if item.plan_id == plan_id]
            assert plan.plans[0].closing == sum(item.closing for item in theirs)
            totals: Counter[MovementKind] = Counter()
            for item in theirs:
                totals.update(item.totals)
            totals.pop(MovementKind.GIFT, None)
            assert +totals == Counter({k: v for k, v in plan.plans[0].totals.items() if v > 0})
            assert {k: v for k, v in totals.items() if v} == {k: v for k, v in plan.plans[0].totals.items() if v}
            assert set(plan.revenue) == {item for item in builder.revenue if item.plan_id == plan_id}
        for receiver in [*RECEIVERS, world.fee_receiver.address]:
            check_paid(world, builder, receiver, start, end)
            paid = [item for holder in holders for item in holder.revenue if item.receiver == receiver]
            assert sum(item.total for item in paid) == sum(
                item.total for item in builder.revenue if item.receiver == receiver
            )


def check_paid(world: World, statement: Statement, receiver: str, start: int | None, end: int | None) -> None:
    """What a statement says a receiver got is what its balances grew by."""
    eth, usdc = world.chain.web3.eth, world.usdc.functions.balanceOf(receiver)
    first, last = (0 if start is None else start - 1), (eth.block_number if end is None else end - 1)
    grown = {
        ZERO: eth.get_balance(receiver, last) - eth.get_balance(receiver, first),  # type: ignore[arg-type]
        world.usdc.address: world.chain.read(usdc, block=last)
        - (world.chain.read(usdc, block=first) if start is not None else 0),
    }
    for token, amount in grown.items():
        paid = sum(item.total for item in statement.revenue if (item.receiver, item.token) == (receiver, token))
        assert paid == amount
