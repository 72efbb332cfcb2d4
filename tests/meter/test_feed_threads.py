"""The feed in its threads, between a real index and a real store: wanted accounts, new blocks, and databases that go away."""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from typing import Any

import pytest

from nvm_chain.enums import PlanKind
from nvm_chain.errors import IndexUnavailable, MeterClosed, NvmChainError, UnknownPlan, WrongDatabase
from nvm_chain.index.database import Index, open_index
from nvm_chain.index.following import Follower
from nvm_chain.meter.books import Account
from nvm_chain.meter.feed import store_sink
from nvm_chain.meter.feed.following import Feed
from nvm_chain.meter.feed.store_sink import StoreSink
from nvm_chain.meter.feed.store_windows import StoreWindowSink
from nvm_chain.meter.store.group_rows import AccountKey
from nvm_chain.meter.store.opening import open_store
from nvm_chain.meter.store.packing import pack_key, unpack_account
from nvm_chain.meter.store.schema import accounts, pasts
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.store.writer import Writer
from nvm_chain.types.events import Block
from tests.support.anvil import wait_until
from tests.support.feed_fixtures import index_url as index_url
from tests.support.feed_fixtures import keeping_chain as keeping_chain
from tests.support.feed_fixtures import world as world
from tests.support.postgres import run_postgres
from tests.support.world import World

DEPTH = 2
PATIENCE = 60
"""How long a test waits for what has to happen. Its end is a failure, and never a measurement."""


@pytest.fixture
def plan_id(world: World) -> int:
    """A plan of the builder."""
    return world.register()


@pytest.fixture
def key(world: World, plan_id: int) -> AccountKey:
    """The subscriber on the plan."""
    return AccountKey(plan_id, world.subscriber.address)


@pytest.fixture
def index(world: World, index_url: str) -> Iterator[Index]:
    """An index that the test writes."""
    index = open_index(index_url, chain_id=world.chain.chain_id, credits=world.credits.address, create=True)
    yield index
    index.close()


@pytest.fixture
def writer(world: World, tmp_path: Any, index_url: str, request: pytest.FixtureRequest) -> Iterator[Writer]:
    """Empty books of the world, on the same engine as the index."""
    where = str(tmp_path / "meter.db")
    if index_url.startswith("postgresql"):
        where = request.getfixturevalue("postgres").new_database()
    writer = Writer(open_store(where, chain_id=world.chain.chain_id, credits=world.credits.address))
    yield writer
    writer.close()


class Running:
    """A feed that runs, with what it told of troubles."""

    def __init__(self, feed: Feed, troubles: list[NvmChainError]) -> None:
        self.feed, self.troubles = feed, troubles

    def want(self, key: AccountKey) -> None:
        """Want an account, and wait for its first views."""
        self.feed.want(key).result(PATIENCE)


@contextmanager
def running(open_: Callable[[], Index], plan_id: int, world: World, writer: Writer) -> Iterator[Running]:
    """Run a feed in a thread until the block ends."""
    troubles: list[NvmChainError] = []
    sinks = StoreSink(writer), StoreWindowSink(writer)
    feed = Feed(open_, [plan_id], [world.builder.address], DEPTH, *sinks, on_trouble=troubles.append)
    stop = threading.Event()
    thread = threading.Thread(target=feed.run, args=(stop,))
    thread.start()
    try:
        yield Running(feed, troubles)
    finally:
        stop.set()
        thread.join(PATIENCE)
        assert not thread.is_alive()


def sync(world: World, index: Index) -> Block:
    """Bring the index to the head."""
    head = Follower(world.chain, index, waits=True).sync()
    assert head is not None
    return head


def mine(world: World, count: int) -> None:
    world.chain.web3.provider.make_request("anvil_mine", [hex(count)])  # type: ignore[arg-type]


def read_account(writer: Writer, key: AccountKey) -> Account:
    """Return an account as it is on the disk."""

    def read(store: Store) -> Account:
        with store.asking() as pen:
            (row,) = pen.find(accounts, [pack_key(key)])
            past = pen.find(pasts, [pack_key(key)])
        return unpack_account(key, row, past[0][2] if past else None, has_past=bool(past)).account

    return writer.run(read)


def wait_for_head(writer: Writer, head: Block) -> None:
    """Wait until the books are at a block."""
    assert wait_until(lambda: StoreSink(writer).read_head() == head, PATIENCE)


def test_want__of_an_account__puts_its_first_views_and_then_each_change_into_the_books(
    world: World, index: Index, index_url: str, writer: Writer, key: AccountKey
) -> None:
    world.grant(*key, 50)
    mine(world, DEPTH)
    sync(world, index)
    with running(lambda: open_index(index_url), key.plan_id, world, writer) as meter:
        meter.want(key)
        assert read_account(writer, key).least_backing == 50
        world.grant(*key, 8)
        wait_for_head(writer, sync(world, index))
        assert (read_account(writer, key).view.balance, read_account(writer, key).least_backing) == (58, 50)
        mine(world, DEPTH)
        wait_for_head(writer, sync(world, index))
        assert read_account(writer, key).least_backing == 58
        assert not meter.troubles


def test_run__again_after_a_grant_was_dropped__takes_it_out_of_the_books(
    world: World, index: Index, index_url: str, writer: Writer, key: AccountKey
) -> None:
    world.grant(*key, 50)
    mine(world, DEPTH)
    sync(world, index)
    snapshot = world.take_snapshot()
    with running(lambda: open_index(index_url), key.plan_id, world, writer) as meter:
        meter.want(key)
        world.grant(*key, 8)
        mine(world, DEPTH)
        wait_for_head(writer, sync(world, index))
    assert read_account(writer, key).least_backing == 58
    world.revert_to(snapshot)
    mine(world, DEPTH + 3)
    head = sync(world, index)
    with running(lambda: open_index(index_url), key.plan_id, world, writer):
        wait_for_head(writer, head)
    assert (read_account(writer, key).view.balance, read_account(writer, key).least_backing) == (50, 50)


def test_want__of_a_window__keeps_it_in_the_books_through_a_restart(
    world: World, index: Index, index_url: str, writer: Writer
) -> None:
    plan_id = world.register(kind=PlanKind.TIME, credits=3, duration=1000, min_redeem=0, max_redeem=0)
    key, sink = AccountKey(plan_id, world.subscriber.address), StoreWindowSink(writer)
    world.grant(*key, 1)
    until = world.now + 1000
    mine(world, DEPTH)
    sync(world, index)
    snapshot = world.take_snapshot()
    with running(lambda: open_index(index_url), plan_id, world, writer) as meter:
        meter.want(key)
        world.grant(*key, 1)
        wait_for_head(writer, sync(world, index))
        assert [view.access_until for view in sink.find_past([key])[key]][-2:] == [until, until + 1000]
    world.revert_to(snapshot)
    mine(world, 2)
    head = sync(world, index)
    with running(lambda: open_index(index_url), plan_id, world, writer):
        wait_for_head(writer, head)
    last = sink.find_past([key])[key][-1]
    assert (last.block_number, last.access_until) == (head.number, until)


def test_run__tells_only_accounts_that_are_in_the_books_or_wanted(
    world: World, index: Index, index_url: str, writer: Writer, key: AccountKey
) -> None:
    other = AccountKey(key.plan_id, world.stranger.address)
    with running(lambda: open_index(index_url), key.plan_id, world, writer) as meter:
        sync(world, index)
        meter.want(key)
        for holder in (key, other):
            world.grant(*holder, 5)
        wait_for_head(writer, sync(world, index))
        assert set(StoreSink(writer).find_past([key, other])) == {key}
        meter.want(other)
    assert read_account(writer, other).view.balance == 5


def test_want__while_blocks_come__misses_no_change(
    world: World, index: Index, index_url: str, writer: Writer, key: AccountKey
) -> None:
    holders = [AccountKey(key.plan_id, world.chain.accounts[number].address) for number in range(2, 9)]
    sync(world, index)
    with running(lambda: open_index(index_url), key.plan_id, world, writer) as meter:
        wishes: list[Future[None]] = []
        for holder in holders:
            wishes.append(meter.feed.want(holder))
            for each in holders:
                world.grant(*each, 1)
            sync(world, index)
        for wish in wishes:
            wish.result(PATIENCE)
        wait_for_head(writer, sync(world, index))
        balances = [read_account(writer, holder).view.balance for holder in holders]
    assert balances == [len(holders)] * len(holders)


def test_list_later__of_more_accounts_than_one_transaction_reads__has_each(
    world: World, index: Index, index_url: str, writer: Writer, key: AccountKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_sink, "ROWS_AT_ONCE", 2)
    holders = sorted(AccountKey(key.plan_id, world.chain.accounts[number].address) for number in range(2, 7))
    for holder in holders:
        world.grant(*holder, 1)
    head = sync(world, index)
    with running(lambda: open_index(index_url), key.plan_id, world, writer) as meter:
        for holder in holders:
            meter.want(holder)
    sink = StoreSink(writer)
    assert sorted(sink.list_later(head.number - 1)) == holders
    assert list(sink.list_later(head.number)) == []


def test_want__of_a_plan_that_is_not_there__says_so(
    world: World, index: Index, index_url: str, writer: Writer, key: AccountKey
) -> None:
    sync(world, index)
    with running(lambda: open_index(index_url), 7, world, writer) as meter:
        for plan_id in (7, 8):
            with pytest.raises(UnknownPlan):
                meter.want(AccountKey(plan_id, key.holder))


def test_want__before_the_index_has_a_block__is_done_when_it_has(
    world: World, index: Index, index_url: str, writer: Writer, key: AccountKey
) -> None:
    world.grant(*key, 5)
    with running(lambda: open_index(index_url), key.plan_id, world, writer) as meter:
        wish = meter.feed.want(key)
        assert wait_until(lambda: bool(meter.troubles), PATIENCE)
        sync(world, index)
        wish.result(PATIENCE)
    assert read_account(writer, key).view.balance == 5


def test_want__after_the_end__says_so(
    world: World, index: Index, index_url: str, writer: Writer, key: AccountKey
) -> None:
    with running(lambda: open_index(index_url), key.plan_id, world, writer) as meter:
        open_wish = meter.feed.want(key)  # the index is empty
    for wish in (open_wish, meter.feed.want(key)):
        with pytest.raises(MeterClosed):
            wish.result(PATIENCE)


def test_run__of_a_file_that_is_not_an_index__ends(world: World, writer: Writer, tmp_path: Any) -> None:
    path = tmp_path / "other.db"
    path.write_bytes(os.urandom(8_192))
    feed = Feed(lambda: open_index(path), [7], [], DEPTH, StoreSink(writer))
    with pytest.raises(WrongDatabase):
        feed.run(threading.Event())


def test_run__while_the_server_of_the_index_is_away__goes_on_when_it_is_back(
    world: World, key: AccountKey, tmp_path: Any
) -> None:
    origin: dict[str, Any] = {"chain_id": world.chain.chain_id, "credits": world.credits.address}
    with run_postgres() as server, closing(Writer(open_store(tmp_path / "meter.db", **origin))) as writer:
        place = server.new_database()
        index = open_index(place, create=True, **origin)
        sync(world, index)
        with running(lambda: open_index(place), key.plan_id, world, writer) as meter:
            meter.want(key)
            server.kill()
            assert wait_until(lambda: bool(meter.troubles), PATIENCE)
            server.start()
            world.grant(*key, 5)
            wait_for_head(writer, sync(world, index))
            assert {type(trouble) for trouble in meter.troubles} == {IndexUnavailable}
        index.close()
        assert read_account(writer, key).view.balance == 5


def test_run__while_the_server_of_the_books_is_away__goes_on_when_it_is_back(
    world: World, key: AccountKey, tmp_path: Any
) -> None:
    origin: dict[str, Any] = {"chain_id": world.chain.chain_id, "credits": world.credits.address}
    with run_postgres() as server, closing(open_index(tmp_path / "index.db", create=True, **origin)) as index:
        writer = Writer(open_store(server.new_database(), **origin))
        sync(world, index)
        with running(lambda: open_index(tmp_path / "index.db"), key.plan_id, world, writer) as meter:
            meter.want(key)
            server.kill()
            world.grant(*key, 5)
            head = sync(world, index)
            assert wait_until(lambda: bool(meter.troubles), PATIENCE)
            server.start()
            assert wait_until(lambda: _has_head(writer, head), PATIENCE)
        assert read_account(writer, key).view.balance == 5
        writer.close()


def _has_head(writer: Writer, head: Block) -> bool:
    try:
        return StoreSink(writer).read_head() == head
    except IndexUnavailable:
        return False
