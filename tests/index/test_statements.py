"""Statements from an index: the same to the unit as from the chain, up to the index's block, and what makes none."""

import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from nvm_chain.chain.embedded import deploy_all
from nvm_chain.errors import (
    BlockReplaced,
    IndexBehind,
    InvalidConfig,
    OtherChain,
    StatementMismatch,
    UnknownPlan,
)
from nvm_chain.index.database import Index, open_index
from nvm_chain.index.following import Follower
from nvm_chain.index.revenue import sum_revenue
from nvm_chain.statements.reading import read_builder_statement, read_holder_statement, read_plan_statement
from nvm_chain.statements.types import Statement
from tests.support.anvil import open_anvil
from tests.support.keeping_worlds import run_keeping_world
from tests.support.lived_index import indexed, live
from tests.support.reverts import reverts
from tests.support.statement_histories import RECEIVERS, History
from tests.support.world import World

Read = Callable[..., Statement]
SEEDS = (20,)


@pytest.fixture(scope="module", params=SEEDS)
def lived(request: pytest.FixtureRequest) -> Iterator[History]:
    """An anvil on which people did things by chance. It keeps the state of every block."""
    with run_keeping_world() as world:
        yield live(world, request.param, 60)


@pytest.fixture(scope="module")
def node() -> Iterator[World]:
    """An anvil with a few events."""
    with run_keeping_world() as world:
        yield world


@pytest.fixture
def shop(node: World) -> Iterator[World]:
    """The same anvil, where the subscriber can pay. What a test does to it is undone."""
    snapshot = node.take_snapshot()
    node.fund(node.subscriber)
    yield node
    node.revert_to(snapshot)


@dataclass(frozen=True)
class Past:
    """A history that is over, and the statements that were made of its chain alone, which are the same for each index."""

    history: History
    made: dict[tuple[Any, ...], Statement] = field(default_factory=dict)

    def read(self, read: Read, subject: Any, **period: int) -> Statement:
        """Return a statement of the chain alone. Each is made once."""
        key = read, subject, *period.items()
        if key not in self.made:
            self.made[key] = read(self.history.world.chain, subject, **period)
        return self.made[key]


@pytest.fixture(scope="module")
def past(lived: History) -> Past:
    """The history, for the statements of its chain."""
    return Past(lived)


def list_readers(history: History) -> list[tuple[Read, Any]]:
    """Return a reader and its subject for each statement of a history."""
    world = history.world
    people = [*history.people, world.builder, world.partner, world.redeemer]
    return [
        *((read_holder_statement, person.address) for person in people),
        *((read_plan_statement, plan_id) for plan_id in history.plans.values()),
        *((read_builder_statement, owner.address) for owner in (world.builder, world.partner, world.other)),
    ]


# ---------------------------------------------------------------- the same


def test_statements__from_an_index__are_those_of_the_chain(past: Past, index_url: str) -> None:
    chain = past.history.world.chain
    with indexed(chain, index_url) as index:
        for read, subject in list_readers(past.history):
            whole = past.read(read, subject)
            assert read(None, subject, index=index) == whole
            assert read(chain, subject, index=index) == whole


def test_statements__of_parts_of_the_past__are_those_of_the_chain(past: Past, index_url: str) -> None:
    world = past.history.world
    chain, chance = world.chain, random.Random(world.now)
    first, head = chain.read_block(1), chain.read_block()
    with indexed(chain, index_url) as index:
        for read, subject in list_readers(past.history):
            cut = chance.randrange(2, head.number)
            second = chance.randrange(first.timestamp + 1, head.timestamp)
            for period in ({"end_block": cut}, {"start_block": cut}, {"end": second}, {"start": second}):
                assert read(chain, subject, index=index, **period) == past.read(read, subject, **period)
            assert read(None, subject, index=index, end=second) == past.read(read, subject, end=second)


def test_sum_revenue__of_all_days__is_that_of_the_statements(lived: History, index_url: str) -> None:
    chain, builders = lived.world.chain, (lived.world.builder, lived.world.partner)
    statements = [read_plan_statement(chain, plan_id) for plan_id in lived.plans.values()]
    expected = {
        (item.plan_id, item.token, item.receiver): (item.shares, item.fees, item.forgone, item.sales)
        for statement in statements
        for item in statement.revenue
    }
    assert any(forgone for _, _, forgone, _ in expected.values())
    with indexed(chain, index_url) as index:
        found = add_up(index)
        assert found == expected
        for owner in builders:
            owned = {item.plan_id for item in read_builder_statement(chain, owner.address).owned if item.until is None}
            assert add_up(index, owner=owner.address) == {
                key: item for key, item in expected.items() if key[0] in owned
            }
        for receiver in [*RECEIVERS, lived.world.partner.address]:
            of_receiver = add_up(index, receiver=receiver)
            assert of_receiver == {key: item for key, item in expected.items() if key[2].lower() == receiver.lower()}


def test_sum_revenue__of_a_period__is_that_of_the_statements(lived: History, index_url: str) -> None:
    chain = lived.world.chain
    first, head = chain.read_block(1).timestamp, chain.read_block().timestamp
    period: dict[str, Any] = {"start": (2 * first + head) // 3, "end": (first + 2 * head) // 3}
    with indexed(chain, index_url) as index:
        for plan_id in lived.plans.values():
            statement = read_plan_statement(chain, plan_id, **period)
            expected = {
                (item.plan_id, item.token, item.receiver): (item.shares, item.fees, item.forgone, item.sales)
                for item in statement.revenue
            }
            assert add_up(index, plan_id=plan_id, **period) == expected


def add_up(index: Index, **choice: Any) -> dict[tuple[int, str, str], tuple[int, ...]]:
    """Return the revenue of all days by plan, token and receiver."""
    sums: dict[tuple[int, str, str], tuple[int, ...]] = {}
    for line in sum_revenue(index, **choice):
        key = line.plan_id, line.token, line.receiver
        parts = line.shares, line.fees, line.forgone, line.sales
        sums[key] = tuple(map(sum, zip(sums.get(key, (0, 0, 0, 0)), parts, strict=True)))
    return sums


# ---------------------------------------------------------------- the index's block


def test_statement__from_an_index_that_is_behind__is_of_its_block(shop: World, index_url: str) -> None:
    plan_id = shop.register()
    shop.order(plan_id)
    then = read_plan_statement(shop.chain, plan_id)
    with indexed(shop.chain, index_url) as index:
        shop.mine_at(shop.now + 10)
        shop.order(plan_id)
        for chain in (shop.chain, None):
            assert read_plan_statement(chain, plan_id, index=index) == then
            assert then.head == index.read_state().head
        Follower(shop.chain, index).sync()
        assert len(read_plan_statement(shop.chain, plan_id, index=index).movements) == 2


def test_statement__of_a_period_that_the_index_has_not_reached__is_refused(shop: World, index_url: str) -> None:
    plan_id, chain = shop.register(), shop.chain
    with indexed(chain, index_url) as index:
        head, late = chain.read_block(), shop.now + 10
        behind = IndexBehind(index.label, head.number, head.number + 1)
        with reverts(behind):
            read_plan_statement(None, plan_id, end=late, index=index)
        assert read_plan_statement(chain, plan_id, end=late, index=index).head == head  # nothing happened since
        assert read_plan_statement(None, plan_id, end=head.timestamp, index=index).head == head
        shop.mine_at(late)
        for source in (chain, None):
            with reverts(behind):
                read_plan_statement(source, plan_id, end=late + 1, index=index)
        assert read_plan_statement(chain, plan_id, end=late, index=index).head == head
        assert read_plan_statement(None, plan_id, end_block=head.number + 1, index=index).head == head
        with reverts(IndexBehind(index.label, head.number, head.number + 1)):
            read_plan_statement(chain, plan_id, end_block=head.number + 2, index=index)


def test_statement__of_a_plan_that_the_index_does_not_have__is_refused(shop: World, index_url: str) -> None:
    shop.register()
    with indexed(shop.chain, index_url) as index:
        number, plan_id = shop.chain.read_block().number, shop.register()
        with reverts(UnknownPlan(plan_id)):
            read_plan_statement(None, plan_id, index=index)
        with reverts(IndexBehind(index.label, number, number + 1)):
            read_plan_statement(shop.chain, plan_id, index=index)
        for chain in (shop.chain, None):
            with reverts(UnknownPlan(7)):
                read_plan_statement(chain, 7, index=index)


def test_statement__from_an_empty_index__is_refused(shop: World, index_url: str) -> None:
    index = open_index(
        index_url, chain_id=shop.chain.chain_id, credits=shop.credits.address, first_block=5, create=True
    )
    with reverts(IndexBehind(index.label, 4, 5)):
        read_holder_statement(shop.chain, shop.subscriber.address, index=index)
    index.close()


def test_statement__from_blocks_that_the_chain_replaced__is_refused(shop: World, index_url: str) -> None:
    plan_id = shop.register()
    shop.order(plan_id)
    with indexed(shop.chain, index_url) as index:
        head = shop.chain.read_block().number
        provider: Any = shop.chain.web3.provider
        provider.make_request("anvil_reorg", [1, []])
        with reverts(BlockReplaced(head)):
            read_plan_statement(shop.chain, plan_id, index=index)
        assert len(read_plan_statement(None, plan_id, index=index).movements) == 1


# ---------------------------------------------------------------- what is wrong


def test_statement__from_an_index_that_differs_from_the_chain__names_the_difference(
    shop: World, index_url: str
) -> None:
    plan_id, holder = shop.register(), shop.subscriber.address
    shop.order(plan_id)
    with indexed(shop.chain, index_url) as index:
        with index.writing() as connection:
            data = plan_id.to_bytes(32) + (99).to_bytes(32)
            connection.exec_driver_sql(f"UPDATE events SET data = {write(index, data)} WHERE kind = 17")
        assert read_holder_statement(None, holder, index=index).plans[0].closing == 99
        with pytest.raises(StatementMismatch) as raised:
            read_holder_statement(shop.chain, holder, index=index)
    assert (raised.value.by_events, raised.value.by_chain) == (99, 100)


def write(index: Index, data: bytes) -> str:
    """Write bytes in SQL."""
    return f"X'{data.hex()}'" if index.is_sqlite else f"'\\x{data.hex()}'::bytea"


@pytest.mark.parametrize("read", [read_holder_statement, read_plan_statement, read_builder_statement])
def test_statement__with_neither_chain_nor_index__is_refused(shop: World, read: Read) -> None:
    subject: Any = shop.register() if read is read_plan_statement else shop.builder.address
    with pytest.raises(InvalidConfig) as raised:
        read(None, subject)
    assert raised.value.reason == "a statement needs a chain or an index"


def test_statement__with_a_path_in_place_of_an_index__is_refused(shop: World) -> None:
    place: Any = "shop.db"
    with pytest.raises(InvalidConfig) as raised:
        read_holder_statement(shop.chain, shop.subscriber.address, index=place)
    assert (raised.value.reason, raised.value.advice) == ("the index is a str", "give `index=open_index(…)`")


def test_statement__from_an_index_of_another_chain__is_refused(shop: World, index_url: str) -> None:
    with indexed(shop.chain, index_url) as index:
        elsewhere = open_anvil(str(shop.chain.label))
        shop.chain.facts.forget()
        deploy_all(elsewhere, elsewhere.accounts[1])
        assert elsewhere.credits.address != shop.credits.address
        with reverts(OtherChain(index.label, "Credits", shop.credits.address, elsewhere.credits.address)):
            read_holder_statement(elsewhere, shop.subscriber.address, index=index)


def test_statement__of_a_batch_over_two_plans__has_one_of_them(shop: World, index_url: str) -> None:
    plans = [shop.register(transferable=True) for _ in range(2)]
    for plan_id in plans:
        shop.order(plan_id)
    send = shop.credits.functions.safeBatchTransferFrom
    shop.send(shop.subscriber, send(shop.subscriber.address, shop.other.address, plans, [3, 4], b""))
    with indexed(shop.chain, index_url) as index:
        for plan_id, amount in zip(plans, (3, 4), strict=True):
            for statement in (
                read_plan_statement(shop.chain, plan_id),
                read_plan_statement(shop.chain, plan_id, index=index),
            ):
                assert [item.amount for item in statement.movements] == [100, -amount, amount]


def test_statement__of_old_blocks_without_events__needs_the_chain_for_their_times(shop: World, index_url: str) -> None:
    plan_id = shop.register()
    shop.order(plan_id)
    provider: Any = shop.chain.web3.provider
    provider.make_request("anvil_mine", [hex(300)])
    quiet = shop.chain.read_block().number - 290
    with indexed(shop.chain, index_url) as index:
        expected = read_plan_statement(shop.chain, plan_id, start_block=quiet + 1)
        assert read_plan_statement(shop.chain, plan_id, start_block=quiet + 1, index=index) == expected
        with pytest.raises(InvalidConfig) as raised:
            read_plan_statement(None, plan_id, start_block=quiet + 1, index=index)
    assert raised.value.reason == f"the index does not have the time of block {quiet}, which has no events"


PROGRAM = """
import sys
from importlib.abc import MetaPathFinder

class Missing(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("sqlalchemy", "alembic", "msgspec"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Missing())
import nvm_chain as nvm

chain = nvm.connect()
print(nvm.read_holder_statement(chain, chain.accounts[0].address).movements)
"""


def test_statements__without_the_packages_of_an_index__come_from_the_chain() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, "()\n"), done.stderr
