"""Reorganizations: an index goes back to the last common block, and is then as one that is built anew."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from nvm_chain.errors import BlockReplaced, OtherChain, ReorgTooDeep
from nvm_chain.index.database import Index
from nvm_chain.index.following import Follower
from nvm_chain.index.progress import Phase, Progress
from tests.seeds import choose_seeds
from tests.support.anvil import run_anvil
from tests.support.index_nodes import BatchNode
from tests.support.index_worlds import DEEPEST, IndexWorld, run_index_world
from tests.support.odd_node import Forward, Reply, run_odd_node


@pytest.fixture(scope="module")
def running() -> Iterator[IndexWorld]:
    """An anvil for the tests of this file."""
    with run_index_world() as made:
        yield made


@pytest.fixture
def chain(running: IndexWorld) -> Iterator[IndexWorld]:
    """The chain as prepared. Whatever a test does to it is undone."""
    with running.restored():
        running.mine(DEEPEST)  # a reorganization that reaches a snapshot ends it
        yield running


@pytest.fixture
def index(chain: IndexWorld, tmp_path: Path) -> Iterator[Index]:
    """An empty index of the chain."""
    with closing(chain.open(tmp_path / "index.db")) as opened:
        yield opened


@pytest.mark.parametrize("depth", [1, 2, 16, 17, DEEPEST - 1, DEEPEST])
def test_sync__after_a_reorganization__is_as_if_built_anew(
    chain: IndexWorld, index: Index, tmp_path: Path, depth: int
) -> None:
    told: list[Progress] = []
    chain.act(3)
    chain.mine(max(0, depth - 6))
    chain.act(3)
    follower = Follower(chain.connect(), index, on_progress=told.append)
    before = follower.sync()
    assert before is not None
    chain.reorganize(depth)
    follower.sync()
    common = [progress.head.number for progress in told if progress.phase is Phase.REORG and progress.head]
    assert common == [before.number - depth]
    chain.check(index, tmp_path)
    chain.act(2)
    follower.sync()
    chain.check(index, tmp_path)


def test_sync__of_another_database__goes_through_the_same_reorganization(
    chain: IndexWorld, index_url: str, tmp_path: Path
) -> None:
    with closing(chain.open(index_url)) as index:
        follower = Follower(chain.connect(), index)
        chain.act(6)
        follower.sync()
        chain.reorganize(4)
        chain.act(3)
        follower.sync()
        chain.check(index, tmp_path)


def test_sync__longer_or_shorter_branch__is_followed(chain: IndexWorld, index: Index, tmp_path: Path) -> None:
    follower = Follower(chain.connect(), index)
    for before, after in ((2, 5), (5, 3), (4, 4)):
        fork = chain.ask("evm_snapshot")
        chain.act(before)
        follower.sync()
        chain.ask("evm_revert", fork)
        chain.change_miner()
        chain.act(after)
        chain.mine()
        follower.sync()
        chain.check(index, tmp_path)


def test_sync__reorganization_of_all_that_is_remembered__is_told(chain: IndexWorld, index: Index) -> None:
    follower = Follower(chain.connect(), index)
    fork = chain.ask("evm_snapshot")
    chain.mine(300)
    follower.sync()
    assert index.state.undo_floor is not None
    oldest = index.state.undo_floor
    chain.ask("evm_revert", fork)
    chain.change_miner()
    chain.mine(301)
    with pytest.raises(ReorgTooDeep) as caught:
        follower.sync()
    assert caught.value.fields == {"where": index.label, "block_number": oldest - 1, "oldest": oldest}
    assert index.read_state().head is not None


def test_sync__reorganization_during_the_first_sync__is_followed(
    chain: IndexWorld, index: Index, tmp_path: Path
) -> None:
    chain.act(4)
    chain.mine(500)
    chain.act(4)
    phases: list[Phase] = []

    def on_progress(progress: Progress) -> None:
        phases.append(progress.phase)
        if phases == [Phase.SYNC] or (phases.count(Phase.FOLLOW) == 3 and progress.phase is Phase.FOLLOW):
            chain.reorganize(DEEPEST)
            chain.act(2)

    Follower(chain.connect(), index, on_progress=on_progress).sync()
    assert Phase.SYNC in phases
    assert Phase.REORG in phases
    chain.check(index, tmp_path)


def test_sync__after_a_long_pause_with_a_reorganization__is_as_if_built_anew(
    chain: IndexWorld, index: Index, tmp_path: Path
) -> None:
    phases: list[Phase] = []
    follower = Follower(chain.connect(), index, on_progress=lambda progress: phases.append(progress.phase))
    chain.act(5)
    follower.sync()
    chain.reorganize(3)
    chain.act(2)
    chain.mine(300)
    phases.clear()
    follower.sync()
    assert phases[:2] == [Phase.REORG, Phase.SYNC]
    chain.check(index, tmp_path)


def test_prove__block_was_replaced_meanwhile__is_told(chain: IndexWorld, index: Index) -> None:
    follower = Follower(chain.connect(), index)
    chain.act(3)
    head = follower.sync()
    assert head is not None
    chain.reorganize(1)
    with pytest.raises(BlockReplaced) as caught:
        follower.prove()
    assert caught.value.block_number == head.number


def test_sync__headers_that_do_not_fit__are_read_again(chain: IndexWorld, index: Index, tmp_path: Path) -> None:
    """The node gives another parent once, and another latest block once, as nodes behind one address do."""
    wrong: list[str] = []
    told: list[Progress] = []

    def hook(method: str, params: list[object], forward: Forward) -> Reply:
        asked = str(params[0]) if method == "eth_getBlockByNumber" else ""
        if not wrong or asked != wrong[-1]:
            return None
        wrong.pop()
        name = "hash" if asked == "latest" else "parentHash"
        return {"result": {**forward()["result"], name: f"0x{7:064x}"}}

    node = BatchNode(chain.url)
    with run_odd_node(node):
        node.hook = hook
        follower = Follower(chain.connect(node.url), index, on_progress=told.append)
        wrong.append(hex(chain.head - 3))
        head = follower.sync()
        wrong.append("latest")
        assert follower.sync() == head
    assert [progress.phase for progress in told] == [Phase.WAIT, Phase.FOLLOW, Phase.WAIT]
    assert all(isinstance(progress.error, BlockReplaced) for progress in told[::2])
    chain.check(index, tmp_path)


def test_sync__node_that_goes_back_without_a_reorganization__is_waited_for(
    chain: IndexWorld, index: Index, tmp_path: Path
) -> None:
    chain.act(6)
    told: list[Phase] = []
    lag = 0

    def hook(method: str, params: list[object], forward: Forward) -> Reply:
        if lag and (method, params[:1]) == ("eth_getBlockByNumber", ["latest"]):
            number = node.ask("eth_getBlockByNumber", hex(chain.head - lag), False)
            return {"result": number}
        return None

    node = BatchNode(chain.url)
    with run_odd_node(node):
        node.hook = hook
        follower = Follower(chain.connect(node.url), index, on_progress=lambda each: told.append(each.phase))
        head = follower.sync()
        lag = 1
        assert follower.sync() == head
        lag = 5
        assert follower.sync() == head
        assert told == [Phase.FOLLOW, Phase.BEHIND, Phase.BEHIND]
        lag = 0
        chain.act(1)
        follower.sync()
    chain.check(index, tmp_path)


def test_follow__chain_that_is_reorganized_all_the_time__is_as_if_built_anew(
    chain: IndexWorld, index: Index, tmp_path: Path
) -> None:
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(lambda: Follower(chain.connect(), index, poll_seconds=0).follow(stop))
        try:
            for depth in (1, 3, 2, 9, 1, 30):
                chain.act(3)
                chain.reorganize(depth)
        finally:
            stop.set()
        following.result(60)
    Follower(chain.connect(), index).sync()
    chain.check(index, tmp_path)


@pytest.mark.parametrize("seed", choose_seeds(0, 1))
def test_sync__random_history__is_as_if_built_anew(chain: IndexWorld, index: Index, tmp_path: Path, seed: int) -> None:
    chain.random = random = Random(seed)
    follower = Follower(chain.connect(), index)
    for _ in range(12):
        chain.act(random.randint(1, 4))
        if random.random() < 0.5:
            chain.mine(random.randint(1, 40))
        if random.random() < 0.6:
            follower.sync()
        if random.random() < 0.6:
            chain.reorganize(min(random.choice([1, 2, 3, 8, 33, DEEPEST]), DEEPEST))
        if random.random() < 0.4:
            follower.sync(chain.head - random.randint(0, 3))
    follower.sync()
    chain.check(index, tmp_path)
    follower.prove()
    assert index.read_state().proven_to == chain.head


@pytest.mark.parametrize("confirmations", [0, 3, 8])
@pytest.mark.parametrize("past", [0, 2])
def test_sync__to_a_block_that_was_replaced__returns_the_one_of_the_chain(
    chain: IndexWorld, index: Index, past: int, confirmations: int
) -> None:
    chain.act(6)
    head = Follower(chain.connect(), index).sync()
    assert head is not None
    chain.reorganize(5)
    chain.mine(8)
    found = Follower(chain.connect(), index, confirmations=confirmations).sync(head.number - past)
    assert found == index.read_state().head == chain.world.chain.read_block(head.number - past)


def test_sync__with_confirmations_and_no_block_to_read__drops_replaced_blocks(
    chain: IndexWorld, index: Index, tmp_path: Path
) -> None:
    chain.act(6)
    head = Follower(chain.connect(), index).sync()
    assert head is not None
    chain.reorganize(5)
    chain.mine(3)
    found = Follower(chain.connect(), index, confirmations=20).sync()
    assert found == chain.world.chain.read_block(head.number - 5)
    Follower(chain.connect(), index).sync()
    chain.check(index, tmp_path)


@pytest.fixture
def follower_of_longer(chain: IndexWorld, index: Index) -> Follower:
    """A follower whose index has 300 more blocks than the chain, which is at the fork."""
    fork, follower = chain.ask("evm_snapshot"), Follower(chain.connect(), index)
    chain.mine()
    chain.world.grant(chain.plans[0], chain.world.stranger.address, 1)
    chain.mine(300)
    follower.sync()
    chain.ask("evm_revert", fork)
    return follower


def test_sync__node_that_is_far_behind_on_the_same_chain__is_waited_for(
    follower_of_longer: Follower, index: Index
) -> None:
    head = index.state.head
    assert follower_of_longer.sync() == head


def test_sync__node_that_began_anew_with_fewer_blocks__is_told(
    chain: IndexWorld, follower_of_longer: Follower, index: Index
) -> None:
    head = index.state.head
    fork = chain.head
    chain.change_miner()
    chain.mine(4)
    with pytest.raises(ReorgTooDeep) as caught:
        follower_of_longer.sync()
    assert fork <= caught.value.block_number < chain.head < caught.value.oldest
    assert index.read_state().head == head


def test_sync__node_that_began_anew_before_all_that_is_known__is_told_by_its_time(
    chain: IndexWorld, index: Index
) -> None:
    chain.mine(300)
    Follower(chain.connect(), index).sync()
    with run_anvil("--timestamp", str(1 << 40)) as url, pytest.raises(ReorgTooDeep) as caught:
        Follower(chain.connect(url), index).sync()
    assert caught.value.block_number == 0
    with run_anvil("--timestamp", "1") as url:  # it may be the same chain, as far as anybody can tell
        assert Follower(chain.connect(url), index).sync() == index.state.head


def test_sync__node_with_another_first_block__is_told(chain: IndexWorld, index: Index) -> None:
    """The index remembers all blocks, and the node has none of them."""
    Follower(chain.connect(), index).sync()
    assert index.state.undo_floor == 0
    with run_anvil("--timestamp", "1") as url, pytest.raises(OtherChain, match="its block 0 is '0x") as caught:
        Follower(chain.connect(url), index).sync()
    assert caught.value.by_index != caught.value.expected
