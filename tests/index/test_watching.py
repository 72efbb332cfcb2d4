"""Changes of a view: each watch tells what a fresh read would say, through histories, rollbacks and processes."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from nvm_chain.errors import IndexUnavailable
from nvm_chain.index.database import Index, open_index
from nvm_chain.index.following import Follower
from nvm_chain.index.view import ViewReader
from nvm_chain.index.view_types import AccountView, View
from nvm_chain.index.watching import Watch
from nvm_chain.types.events import Block
from tests.support.postgres import run_postgres
from tests.support.statement_histories import History
from tests.support.world import World

PATIENCE = 60
NEXT_BLOCK = """
import sys
from nvm_chain.index.database import open_index
index = open_index(sys.argv[1])
index.roll_back(next(block for block in index.kept_blocks() if block.number == int(sys.argv[2])))
index.close()
"""


@pytest.fixture
def index(world: World, index_url: str) -> Iterator[Index]:
    """An empty index of the world."""
    index = open_index(index_url, chain_id=world.chain.chain_id, credits=world.credits.address, create=True)
    yield index
    index.close()


@pytest.fixture
def reader(world: World, index: Index) -> ViewReader:
    """A reader whose redeemer is the builder."""
    return ViewReader(index, [world.builder.address], 4)


def sync(world: World, index: Index, to_block: int | None = None) -> Block:
    """Bring the index to a block."""
    head = Follower(world.chain, index, waits=True).sync(to_block)
    assert head is not None
    return head


def grant(world: World, plan_id: int, amount: int = 10) -> None:
    world.grant(plan_id, world.subscriber.address, amount)


# ---------------------------------------------------------------- equal to a fresh read


@pytest.mark.parametrize("seed", [3])
def test_look__through_a_random_history_with_reorganizations__tells_all_that_a_fresh_read_says(
    world: World, index: Index, reader: ViewReader, seed: int
) -> None:
    history = History(world, seed)
    pairs: list[Any] = [(plan, person.address) for plan in history.plans.values() for person in history.people]
    history.run(10)
    sync(world, index)
    told: dict[Any, AccountView] = {}
    with Watch(reader, history.plans.values()) as watch:
        told |= reader.read(pairs).accounts

        def check() -> None:
            sync(world, index)
            view = watch.look()
            assert view is not None
            told.update(view.accounts)
            fresh = reader.read(pairs)
            assert view.block == fresh.block
            assert {pair: told[pair] for pair in pairs} == fresh.accounts

        def run_and_check(steps: int) -> None:
            history.run(steps)
            world.mine_at(world.now + 1)
            check()

        for steps, others in ((1, 2), (3, 1), (5, 9), (2, 6)):
            snapshot = world.take_snapshot()
            run_and_check(steps)
            world.revert_to(snapshot)
            run_and_check(others)
        for _ in range(5):
            world.mine_at(world.now + 1)
            check()


def test_look__after_a_rollback_of_a_block_before_the_watch__tells_its_accounts(
    world: World, index: Index, reader: ViewReader
) -> None:
    plan_id = world.register()
    before = sync(world, index)
    grant(world, plan_id)
    sync(world, index)
    with Watch(reader, [plan_id]) as watch:
        assert watch.look() is None
        index.roll_back(before)
        view = watch.look()
    assert view is not None
    assert view.block == before
    assert describe(view) == {(plan_id, world.subscriber.address): 0}


def test_look__of_another_plan__tells_the_block_alone(world: World, index: Index, reader: ViewReader) -> None:
    plan_id, other = world.register(), world.register()
    sync(world, index)
    with Watch(reader, [plan_id]) as watch:
        grant(world, other)
        head = sync(world, index)
        view = watch.look()
    assert (view and view.block, view and view.accounts) == (head, {})


def test_look__of_an_index_that_was_empty__tells_all_accounts(world: World, index: Index, reader: ViewReader) -> None:
    plan_id = world.register()
    grant(world, plan_id)
    with Watch(reader, [plan_id]) as watch:
        assert watch.look() is None
        sync(world, index)
        view = watch.look()
    assert view is not None
    assert describe(view) == {(plan_id, world.subscriber.address): 10}


def test_look__after_more_blocks_than_an_index_remembers__tells_all_that_changed(
    world: World, index: Index, reader: ViewReader
) -> None:
    plan_id = world.register()
    sync(world, index)
    with Watch(reader, [plan_id]) as watch:
        grant(world, plan_id)
        world.chain.web3.provider.make_request("anvil_mine", [hex(400)])  # type: ignore[arg-type]
        sync(world, index)
        view = watch.look()
    assert view is not None
    assert describe(view) == {(plan_id, world.subscriber.address): 10}


def describe(view: View) -> dict[Any, int]:
    return {pair: account.balance(view.block.timestamp) for pair, account in view.accounts.items()}


# ---------------------------------------------------------------- waiting


def test_wait__without_a_change__ends_in_time(world: World, index: Index, reader: ViewReader) -> None:
    sync(world, index)
    with Watch(reader, [world.register()]) as watch:
        began = time.monotonic()
        assert watch.wait(0.2) is None
        assert time.monotonic() - began >= 0.2
        assert watch.wait(0) is None


def test_wait__for_a_change_by_this_process__returns_it(
    world: World, index: Index, index_url: str, reader: ViewReader
) -> None:
    plan_id = world.register()
    sync(world, index)
    seen: list[View | None] = []
    ready = threading.Event()

    def listen() -> None:
        own = open_index(index_url)
        with Watch(ViewReader(own, [], 1), [plan_id]) as watch:
            ready.set()
            seen.append(watch.wait(PATIENCE))
        own.close()

    thread = threading.Thread(target=listen)
    thread.start()
    assert ready.wait(PATIENCE)
    grant(world, plan_id)
    sync(world, index)
    thread.join(PATIENCE)
    assert [view and describe(view) for view in seen] == [{(plan_id, world.subscriber.address): 10}]


def test_wait__for_a_rollback_by_another_process__returns_the_old_rows(
    world: World, index: Index, index_url: str, reader: ViewReader
) -> None:
    plan_id = world.register()
    before = sync(world, index)
    grant(world, plan_id)
    sync(world, index)
    with Watch(reader, [plan_id]) as watch:
        process = subprocess.Popen([sys.executable, "-c", NEXT_BLOCK, index_url, str(before.number)])
        view = watch.wait(PATIENCE)
        assert process.wait(PATIENCE) == 0
    assert view is not None
    assert (view.block, describe(view)) == (before, {(plan_id, world.subscriber.address): 0})


def test_iter__yields_each_change(world: World, index: Index, reader: ViewReader) -> None:
    plan_id, amounts = world.register(), list[int]()
    sync(world, index)
    with Watch(reader, [plan_id]) as watch:
        changes = iter(watch)
        for _ in range(3):
            grant(world, plan_id, 5)
            sync(world, index)
            amounts += describe(next(changes)).values()
    assert amounts == [5, 10, 15]


def test_wait__while_the_server_is_away__says_so_and_goes_on_when_it_is_back(world: World) -> None:
    plan_id = world.register()
    with run_postgres() as server:
        place = server.new_database()
        index = open_index(place, chain_id=world.chain.chain_id, credits=world.credits.address, create=True)
        sync(world, index)
        with Watch(ViewReader(index, [], 1), [plan_id]) as watch:
            server.kill()
            with pytest.raises(IndexUnavailable):
                watch.wait(PATIENCE)
            server.start()
            grant(world, plan_id)
            sync(world, index)
            view = watch.wait(PATIENCE)
            assert (view and describe(view)) == {(plan_id, world.subscriber.address): 10}
            grant(world, plan_id)
            sync(world, index)
            view = watch.wait(PATIENCE)
        index.close()
    assert (view and describe(view)) == {(plan_id, world.subscriber.address): 20}
