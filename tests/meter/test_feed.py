"""The feed: after each step of a random history with reorganizations, the books are what the chain says block by block."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from nvm_chain.chain.embedded import deploy_all
from nvm_chain.meter.store.group_rows import AccountKey
from tests.support.anvil import open_anvil, run_anvil
from tests.support.feed_fixtures import keeping_chain as keeping_chain
from tests.support.feed_fixtures import world as world
from tests.support.feed_histories import FeedHistory
from tests.support.feed_meters import DEPTH, metering
from tests.support.index_worlds import DEEPEST, IndexWorld
from tests.support.world import World


@pytest.fixture
def index_world() -> Iterator[IndexWorld]:
    """An anvil of its own, whose blocks can be replaced."""
    with run_anvil(keeps_states=True) as url:
        chain = open_anvil(url)
        deploy_all(chain, chain.accounts[0])
        yield IndexWorld(World(chain), url)


def keys_of(history: FeedHistory) -> list[AccountKey]:
    plans = [*history.credits_plans, *history.time_plans]
    return [AccountKey(plan_id, holder.address) for plan_id in plans for holder in history.holders]


def check_history(world: World, where: str, seed: int, depth: int) -> None:
    """Run a history with reorganizations and restarts, and compare after each step."""
    rng = random.Random(seed)
    history = FeedHistory(world, seed)
    keys = keys_of(history)
    with metering(world, where, keys, depth=depth) as meter:
        meter.wanted.update(keys[::2])

        def act(steps: int) -> None:
            history.run(steps)
            meter.check()
            meter.charge(rng)

        for _ in range(6):
            act(rng.randint(1, 5))
        for steps, others in ((1, 2), (3, 1), (4, 9), (2, 6)):
            snapshot = world.take_snapshot()
            for _ in range(2):
                act(steps)
            world.revert_to(snapshot)
            act(others)
            meter.wanted.update(keys)
            if rng.random() < 0.5:
                meter.restart()
        for _ in range(4):
            act(2)
        assert min(meter.met["rolled back"], meter.met["lapsed"], meter.met["taken"]) > 0


@pytest.mark.parametrize(("seed", "depth"), [(1, 0), (2, 3)])
def test_bring__through_a_random_history_with_reorganizations__is_the_chain_block_by_block(
    world: World, tmp_path: Path, seed: int, depth: int
) -> None:
    check_history(world, str(tmp_path / "index.db"), seed, depth)


def test_bring__through_a_random_history_in_postgresql__is_the_chain_block_by_block(
    world: World, postgres_url: str
) -> None:
    check_history(world, postgres_url, 3, 6)


def test_bring__after_a_rollback_of_64_blocks__is_the_chain(index_world: IndexWorld, tmp_path: Path) -> None:
    rng, world = random.Random(5), index_world.world
    history = FeedHistory(world, 5)
    index_world.mine(DEPTH)
    keys = keys_of(history)
    with metering(world, str(tmp_path / "index.db"), keys) as meter:
        meter.wanted.update(keys)
        began = index_world.head
        while index_world.head < began + DEEPEST + 5:
            history.run(8)
            meter.check()
            meter.charge(rng)
        index_world.reorganize(DEEPEST)
        for _ in range(4):
            meter.check()
            history.run(3)
        meter.check()
        assert meter.met["rolled back"] > 0
