"""The follower on a chain that behaves: first sync, new blocks, and everything after a break."""

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from nvm_chain.errors import InvalidAmount, OtherChain
from nvm_chain.index.database import Index
from nvm_chain.index.following import Follower
from nvm_chain.index.lease import hold_lease
from nvm_chain.index.progress import Phase, Progress
from tests.support.index_worlds import dump, list_balances, open_for
from tests.support.world import World


@pytest.fixture
def index(funded: World, tmp_path: Path) -> Iterator[Index]:
    """An empty index of the world's chain."""
    with closing(open_for(funded.chain, tmp_path / "index.db")) as opened:
        yield opened


def test_sync__to_a_block__stops_there_and_goes_on_later(funded: World, index: Index, tmp_path: Path) -> None:
    plan = funded.register()
    number = funded.chain.read_block().number
    funded.order(plan)
    head = Follower(funded.chain, index).sync(number)
    assert head is not None
    assert head.number == number
    assert list_balances(index) == []
    Follower(funded.chain, index).sync()
    with closing(open_for(funded.chain, tmp_path / "fresh.db")) as fresh:
        Follower(funded.chain, fresh).sync()
        assert dump(index) == dump(fresh)


def test_sync__with_confirmations__stays_behind(funded: World, index: Index) -> None:
    plan = funded.register()
    funded.order(plan)
    head = Follower(funded.chain, index, confirmations=2).sync()
    assert head is not None
    assert head.number == funded.chain.read_block().number - 2


def test_sync__before_the_block_is_mined__returns(funded: World, index: Index) -> None:
    latest = funded.chain.read_block()
    assert Follower(funded.chain, index).sync(latest.number + 10) == latest


def test_sync__stopped__does_nothing(funded: World, index: Index) -> None:
    stop = threading.Event()
    stop.set()
    assert Follower(funded.chain, index).sync(stop=stop) is None


@pytest.mark.parametrize("value", [-1, 1 << 64, True])
def test_follower__number_that_is_not_of_a_block__is_refused(funded: World, index: Index, value: int) -> None:
    with pytest.raises(InvalidAmount, match="confirmations"):
        Follower(funded.chain, index, confirmations=value)
    follower = Follower(funded.chain, index)
    with pytest.raises(InvalidAmount, match="to_block"):
        follower.sync(value)
    with pytest.raises(InvalidAmount, match="to_block"):
        follower.follow(threading.Event(), value)
    assert index.read_state().head is None


def test_follow__stopped_while_another_follows__ends(funded: World, index: Index) -> None:
    lease, stop = hold_lease(index), threading.Event()
    timer = threading.Timer(0.3, stop.set)
    timer.start()
    Follower(funded.chain, index, waits=True).follow(stop)
    timer.join()
    lease.release()
    assert index.read_state().head is None


def test_follow__until_a_block__has_it(funded: World, index: Index) -> None:
    latest = funded.chain.read_block().number
    Follower(funded.chain, index, poll_seconds=0.01).follow(threading.Event(), latest)
    assert index.state.head is not None
    assert index.state.head.number == latest


def test_follow__new_blocks__are_told_one_by_one(funded: World, index: Index) -> None:
    plan = funded.register()
    stop, told = threading.Event(), list[tuple[Phase, int]]()
    first = funded.chain.read_block().number

    def on_progress(progress: Progress) -> None:
        assert progress.head is not None
        told.append((progress.phase, progress.head.number))
        if len(told) == 4:
            stop.set()
        else:
            funded.order(plan)

    Follower(funded.chain, index, on_progress=on_progress, poll_seconds=0.01).follow(stop)
    assert told == [(Phase.FOLLOW, first + number) for number in range(4)]


def test_follower__progress_function_that_fails__goes_on(funded: World, index: Index) -> None:
    def on_progress(_: Progress) -> None:
        raise ValueError("not our concern")

    assert Follower(funded.chain, index, on_progress=on_progress).sync() == funded.chain.read_block()


def test_follower__index_of_another_chain__is_refused(funded: World, index: Index) -> None:
    funded.chain.chain_id += 1
    try:
        with pytest.raises(OtherChain) as caught:
            Follower(funded.chain, index)
    finally:
        funded.chain.chain_id -= 1
    assert caught.value.fields == {
        "where": index.label,
        "what": "chain id",
        "by_index": funded.chain.chain_id,
        "expected": funded.chain.chain_id + 1,
    }
