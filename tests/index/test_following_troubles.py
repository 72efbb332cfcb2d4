"""The follower on nodes and databases with troubles: it waits, reads again, or tells what is wrong. Nothing is lost."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest

from nvm_chain.errors import (
    BlockReplaced,
    ConnectionFailed,
    IndexBehind,
    IndexIncomplete,
    IndexMismatch,
    IndexUnavailable,
    LogsRefused,
    WrongDatabase,
)
from nvm_chain.index.completeness import ProofMethod
from nvm_chain.index.database import Index
from nvm_chain.index.following import Follower
from nvm_chain.index.postgres import explain_failure
from nvm_chain.index.progress import Phase, Progress
from tests.support.anvil import wait_until
from tests.support.index_nodes import BatchNode, change
from tests.support.index_worlds import IndexWorld, run_index_world
from tests.support.odd_node import Forward, Json, Reply, refuse, run_odd_node
from tests.support.postgres import Postgres

LOGS = "eth_getLogs"
HEADER = "eth_getBlockByNumber"
RECEIPTS = "eth_getBlockReceipts"


@pytest.fixture(scope="module")
def running() -> Iterator[IndexWorld]:
    """An anvil for the tests of this file, with an old and a new part."""
    with run_index_world() as made:
        made.act(6)
        made.mine(300)
        made.act(6)
        yield made


@pytest.fixture
def chain(running: IndexWorld) -> Iterator[IndexWorld]:
    """The chain as prepared. Whatever a test does to it is undone."""
    with running.restored():
        yield running


@pytest.fixture
def index(chain: IndexWorld, tmp_path: Path) -> Iterator[Index]:
    """An empty index of the chain."""
    with closing(chain.open(tmp_path / "index.db")) as opened:
        yield opened


@pytest.fixture
def node(chain: IndexWorld) -> Iterator[BatchNode]:
    """A proxy before the chain's node."""
    made = BatchNode(chain.url)
    with run_odd_node(made):
        yield made


def without_times(logs: list[Json], _: object) -> list[Json]:
    return [{name: value for name, value in log.items() if name != "blockTimestamp"} for log in logs]


def repeated(logs: list[Json], _: object) -> list[Json]:
    return [*reversed(logs), *logs]


def among_others(logs: list[Json], _: object) -> list[Json]:
    return [{**log, "address": f"0x{7:040x}"} for log in logs] + logs


@pytest.mark.parametrize("how", [without_times, repeated, among_others])
def test_sync__odd_but_true_answers__makes_the_same_index(
    chain: IndexWorld, index: Index, node: BatchNode, tmp_path: Path, how: Callable[[Any, list[Any]], object]
) -> None:
    node.hook = change(LOGS, how)
    Follower(chain.connect(node.url), index).sync()
    chain.check(index, tmp_path)


@pytest.mark.parametrize("most", [3, 150])
def test_sync__node_that_limits_the_range__is_asked_for_less(
    chain: IndexWorld, index: Index, node: BatchNode, tmp_path: Path, most: int
) -> None:
    def hook(method: str, params: list[Any], forward: Forward) -> Reply:
        if method == LOGS and "toBlock" in params[0]:
            count = int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) + 1
            return refuse(f"block range is limited to {most} blocks") if count > most else None
        return None

    node.hook = hook
    Follower(chain.connect(node.url), index).sync()
    chain.check(index, tmp_path)


def test_sync__node_that_is_busy_now_and_then__is_asked_again(
    chain: IndexWorld, index: Index, node: BatchNode, tmp_path: Path
) -> None:
    node.refuses = lambda number: number % 3 == 0
    Follower(chain.connect(node.url), index).sync()
    chain.check(index, tmp_path)


def test_sync__node_without_batches__makes_the_same_index(
    chain: IndexWorld, index: Index, node: BatchNode, tmp_path: Path
) -> None:
    node.takes_batches = False
    Follower(chain.connect(node.url), index).sync(100)
    assert node.posts > 60
    node.takes_batches = True
    Follower(chain.connect(node.url), index).sync()
    chain.check(index, tmp_path)


def test_sync__endpoints_of_which_one_lags__misses_nothing(
    chain: IndexWorld, index: Index, node: BatchNode, tmp_path: Path
) -> None:
    """The lagging endpoint does not know the newest blocks, and says that there are no logs in them."""
    old = chain.head - 4

    def hook(method: str, params: list[Any], forward: Forward) -> Reply:
        if method == "eth_blockNumber":
            return {"result": hex(old)}
        if method == HEADER and (params[0] == "latest" or int(params[0], 16) > old):
            return {"result": node.ask(HEADER, hex(old), False)} if params[0] == "latest" else {"result": None}
        if method == LOGS and "toBlock" in params[0] and int(params[0]["toBlock"], 16) > old:
            return {"result": []}
        if method == LOGS and "blockHash" in params[0] and _is_new(params[0]["blockHash"]):
            return refuse("unknown block")
        return None

    def _is_new(block_hash: str) -> bool:
        return int(node.ask("eth_getBlockByHash", block_hash, False)["number"], 16) > old

    node.hook = hook
    chain.act(1)
    head = Follower(chain.connect([chain.url, node.url]), index).sync()
    assert head is not None
    assert head.number == chain.head
    chain.act(1)
    lagging = Follower(chain.connect([node.url, chain.url]), index)
    lagging.sync()
    Follower(chain.connect(), index).sync()
    chain.check(index, tmp_path)


def test_follow__answers_from_two_branches__ends_on_the_one_that_stays(
    chain: IndexWorld, index: Index, node: BatchNode, tmp_path: Path
) -> None:
    """Every fifth header comes from a replaced branch, as with two nodes behind one address."""
    fork = chain.ask("evm_snapshot")
    chain.act(3)
    first = chain.head - 5
    gone = {number: chain.ask(HEADER, hex(number), False) for number in range(first, chain.head + 1)}
    chain.ask("evm_revert", fork)
    chain.change_miner()
    chain.act(2)
    chain.mine(2)
    random = Random(3)

    def hook(method: str, params: list[Any], forward: Forward) -> Reply:
        number = params[0] if method == HEADER else None
        if number == "latest" and random.random() < 0.2:
            return {"result": gone[max(gone)]}
        if number not in (None, "latest") and int(number, 16) in gone and random.random() < 0.2:
            return {"result": gone[int(number, 16)]}
        return None

    node.hook = hook
    stop, latest = threading.Event(), chain.head

    def on_progress(progress: Progress) -> None:
        if progress.head is not None and progress.head.number == latest:
            stop.set()

    follower = Follower(chain.connect(node.url), index, on_progress=on_progress, poll_seconds=0.001)
    thread = threading.Thread(target=follower.follow, args=(stop,))
    thread.start()
    thread.join(30)
    assert not thread.is_alive()
    Follower(chain.connect(), index).sync()
    chain.check(index, tmp_path)


# ---------------------------------------------------------------- nodes that lie


def test_sync__new_block_without_its_logs__is_read_again_and_then_told(
    chain: IndexWorld, index: Index, node: BatchNode, tmp_path: Path
) -> None:
    follower = Follower(chain.connect(node.url), index)
    before = follower.sync()
    chain.world.order(chain.plans[0])
    node.hook = change(LOGS, lambda logs, params: [])
    node.asked.clear()
    with pytest.raises(IndexIncomplete) as caught:
        follower.sync()
    assert caught.value.block_number == chain.head
    assert node.asked == [HEADER, LOGS, LOGS, RECEIPTS]
    assert index.read_state().head == before
    node.hook = None
    follower.sync()
    chain.check(index, tmp_path)


def test_sync__new_block_without_its_logs_and_no_receipts__is_told_all_the_same(
    chain: IndexWorld, index: Index, node: BatchNode
) -> None:
    follower = Follower(chain.connect(node.url), index)
    follower.sync()
    chain.world.grant(chain.plans[0], chain.world.stranger.address, 1)

    def hook(method: str, params: list[Any], forward: Forward) -> Reply:
        return {LOGS: {"result": []}, RECEIPTS: refuse("the method does not exist", -32601)}.get(method)

    node.hook = hook
    with pytest.raises(IndexIncomplete):
        follower.sync()


def test_sync__new_block_without_its_logs_once__is_complete(
    chain: IndexWorld, index: Index, node: BatchNode, tmp_path: Path
) -> None:
    follower = Follower(chain.connect(node.url), index)
    follower.sync()
    chain.act(3)
    seen: set[str] = set()

    def hide_once(logs: list[Json], params: list[Any]) -> list[Json]:
        is_new = params[0]["blockHash"] not in seen
        seen.add(params[0]["blockHash"])
        return [] if is_new else logs

    node.hook = change(LOGS, hide_once)
    follower.sync()
    chain.check(index, tmp_path)


def test_sync__invented_logs__are_refused(chain: IndexWorld, index: Index, node: BatchNode) -> None:
    follower = Follower(chain.connect(node.url), index)
    follower.sync()
    number = chain.head
    made: list[Json] = chain.ask(LOGS, {"address": chain.world.credits.address, "fromBlock": "0x0"})[-1:]
    chain.mine()

    def invent(logs: list[Json], params: list[Any]) -> list[Json]:
        return [{**made[0], "blockHash": params[0]["blockHash"], "blockNumber": hex(number + 1), "logIndex": "0x0"}]

    node.hook = change(LOGS, invent)
    with pytest.raises(LogsRefused) as caught:
        follower.sync()
    assert caught.value.block_number == number + 1


def test_sync__logs_of_another_block__are_not_taken(chain: IndexWorld, index: Index, node: BatchNode) -> None:
    follower = Follower(chain.connect(node.url), index)
    follower.sync()
    chain.world.order(chain.plans[0])
    node.hook = change(LOGS, lambda logs, params: [{**log, "blockHash": f"0x{7:064x}"} for log in logs])
    with pytest.raises(BlockReplaced):
        follower.sync(patience_seconds=0)


@pytest.mark.parametrize("hides", [0, -1])
def test_prove__old_log_was_left_out__names_it(chain: IndexWorld, index: Index, node: BatchNode, hides: int) -> None:
    logs = chain.ask(
        LOGS, {"address": chain.world.credits.address, "fromBlock": "0x0", "toBlock": hex(chain.head - 300)}
    )
    other = [log for log in logs if int(log["topics"][0], 16) != 0]
    hidden = next(log for log in reversed(other) if len(log["topics"]) == 2) if hides else other[-1]
    place = (hidden["blockNumber"], hidden["logIndex"])
    node.hook = change(LOGS, lambda logs, _: [log for log in logs if (log["blockNumber"], log["logIndex"]) != place])
    follower = Follower(chain.connect(node.url), index)
    try:
        follower.sync()
    except IndexIncomplete:  # the store sees it already, because the next events do not fit
        return
    with pytest.raises(IndexIncomplete) as caught:
        follower.prove()
    assert caught.value.block_number == int(hidden["blockNumber"], 16)


def test_prove__invented_old_log__is_named(chain: IndexWorld, index: Index, node: BatchNode) -> None:
    number = chain.head - 290
    block = chain.ask(HEADER, hex(number), False)

    def invent(logs: list[Json], params: list[Any]) -> list[Json]:
        granted = next(log for log in logs if len(log["topics"]) == 4)
        place = {"blockNumber": hex(number), "logIndex": "0x0", "blockTimestamp": block["timestamp"]}
        topics = [granted["topics"][0], granted["topics"][1], f"0x{0:064x}", f"0x{9:064x}"]
        return [*logs, {**granted, **place, "topics": topics, "blockHash": block["hash"]}]

    node.hook = change(LOGS, lambda logs, params: invent(logs, params) if "fromBlock" in params[0] else logs)
    follower = Follower(chain.connect(node.url), index)
    follower.sync()
    with pytest.raises(IndexMismatch) as caught:
        follower.prove()
    assert caught.value.block_number == number
    assert caught.value.by_chain == "no event"
    assert index.read_state().proven_to is None or (index.read_state().proven_to or 0) < number


# ---------------------------------------------------------------- proofs


def test_prove__true_index__is_by_receipts_and_goes_on_later(chain: IndexWorld, index: Index) -> None:
    follower = Follower(chain.connect(), index)
    follower.sync()
    proof = follower.prove()
    assert (proof.first, proof.last, proof.method) == (0, chain.head, ProofMethod.RECEIPTS)
    assert index.read_state().proven_to == chain.head
    chain.act(2)
    follower.sync()
    assert follower.prove().first == proof.last + 1
    assert follower.prove(again=True).first == 0


def test_prove__empty_index__says_so(chain: IndexWorld, index: Index) -> None:
    with pytest.raises(IndexBehind, match=r"but block 0 is needed\. It is empty\.") as caught:
        Follower(chain.connect(), index).prove()
    assert (caught.value.head, caught.value.wanted) == (-1, 0)


def test_prove__node_without_receipts__is_by_a_second_read(chain: IndexWorld, index: Index, node: BatchNode) -> None:
    def hook(method: str, params: list[Any], forward: Forward) -> Reply:
        return refuse("the method does not exist", -32601) if method == RECEIPTS else None

    node.hook = hook
    follower = Follower(chain.connect(node.url), index)
    follower.sync()
    assert follower.prove().method is ProofMethod.SECOND_READ
    assert Follower(chain.connect(), index).prove(again=True).method is ProofMethod.RECEIPTS


def test_prove__receipts_of_another_block__prove_nothing(chain: IndexWorld, index: Index, node: BatchNode) -> None:
    node.hook = change(RECEIPTS, lambda receipts, _: receipts[:-1])
    follower = Follower(chain.connect(node.url), index)
    follower.sync()
    assert follower.prove().method is ProofMethod.SECOND_READ


def test_prove__headers_with_unknown_fields__says_so(chain: IndexWorld, index: Index, node: BatchNode) -> None:
    node.hook = change(HEADER, lambda header, _: {**header, "gasLimit": "0x1"})
    follower = Follower(chain.connect(node.url), index)
    follower.sync()
    assert follower.prove().method is ProofMethod.TOLD_HEADERS


# ---------------------------------------------------------------- away and back


def test_sync__node_that_does_not_answer__is_told_after_the_patience(
    chain: IndexWorld, index: Index, node: BatchNode
) -> None:
    told: list[Phase] = []

    def hook(method: str, params: list[Any], forward: Forward) -> Reply:
        return (404, {})

    chain_of_node = chain.connect(node.url)
    node.hook = hook
    follower = Follower(chain_of_node, index, on_progress=lambda progress: told.append(progress.phase))
    with pytest.raises(ConnectionFailed):
        follower.sync(patience_seconds=0.3)
    assert set(told) == {Phase.WAIT}


@contextmanager
def following(follower: Follower) -> Iterator[None]:
    """Let a follower run in a thread until the end of the block."""
    stop = threading.Event()
    thread = threading.Thread(target=follower.follow, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)


def test_follow__node_goes_away_and_comes_back__goes_on(
    chain: IndexWorld, index: Index, node: BatchNode, tmp_path: Path
) -> None:
    away, phases = threading.Event(), list[Phase]()

    def hook(method: str, params: list[Any], forward: Forward) -> Reply:
        return (404, {}) if away.is_set() else None

    node.hook = hook
    follower = Follower(
        chain.connect(node.url), index, on_progress=lambda each: phases.append(each.phase), poll_seconds=0.01
    )
    with following(follower):
        assert wait_until(lambda: Phase.FOLLOW in phases, 20)
        away.set()
        assert wait_until(lambda: phases[-1] is Phase.WAIT, 20)
        chain.act(2)
        away.clear()
        assert wait_until(lambda: index.state.head is not None and index.state.head.number == chain.head, 20)
    chain.check(index, tmp_path)


def test_follow__database_server_goes_away_and_comes_back__goes_on(
    chain: IndexWorld, postgres: Postgres, tmp_path: Path
) -> None:
    url, phases = postgres.new_database(), list[Phase]()
    with closing(chain.open(url)) as index:
        follower = Follower(
            chain.connect(), index, on_progress=lambda each: phases.append(each.phase), poll_seconds=0.01
        )
        postgres.stop()
        with following(follower):
            assert wait_until(lambda: Phase.WAIT in phases, 20)
            postgres.start()
            assert wait_until(lambda: Phase.FOLLOW in phases, 20)
            postgres.stop()
            assert wait_until(lambda: phases[-1] is Phase.WAIT, 20)
            chain.act(2)
            postgres.start()
            assert wait_until(lambda: index.state.head is not None and index.state.head.number == chain.head, 30)
        chain.check(index, tmp_path)
    postgres.drop_database(url)


def test_follow__stopped_while_the_database_server_is_away__ends(chain: IndexWorld, postgres: Postgres) -> None:
    url = postgres.new_database()
    stop, phases = threading.Event(), list[Phase]()
    with closing(chain.open(url)) as index:
        follower = Follower(chain.connect(), index, on_progress=lambda each: phases.append(each.phase))
        postgres.stop()
        thread = threading.Thread(target=follower.follow, args=(stop,))
        thread.start()
        try:
            assert wait_until(lambda: Phase.WAIT in phases, 20)
            stop.set()
            thread.join(20)
            assert not thread.is_alive()
        finally:
            postgres.start()
            thread.join(20)
    postgres.drop_database(url)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (psycopg.OperationalError("the connection is lost"), IndexUnavailable),
        (psycopg.errors.ConnectionTimeout("no answer"), IndexUnavailable),
        (psycopg.errors.AdminShutdown("the server ends"), IndexUnavailable),
        (psycopg.ProgrammingError("the query has 2 placeholders"), WrongDatabase),
        (psycopg.errors.UndefinedColumn("no such column"), WrongDatabase),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Exception) else each.__name__,
)
def test_explain_failure__only_what_may_pass__is_waited_for(error: psycopg.Error, kind: type[Exception]) -> None:
    assert type(explain_failure("index", error)) is kind
