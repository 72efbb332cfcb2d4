"""The follower on both kinds of chain, into both kinds of database."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from nvm_chain.index.completeness import ProofMethod
from nvm_chain.index.database import Index
from nvm_chain.index.following import Follower
from nvm_chain.index.progress import Progress
from tests.support.index_worlds import list_balances, open_for
from tests.support.world import World

EMBEDDED_TOO = True


@pytest.fixture
def index(funded: World, tmp_path: Path) -> Iterator[Index]:
    """An empty index of the world's chain."""
    with closing(open_for(funded.chain, tmp_path / "index.db")) as opened:
        yield opened


def test_sync__new_index__has_all_events_and_balances(funded: World, index_url: str) -> None:
    with closing(open_for(funded.chain, index_url)) as index:
        check_new_index(funded, index)


def check_new_index(funded: World, index: Index) -> None:
    plan = funded.register()
    funded.order(plan, quantity=3)
    funded.grant(plan, funded.stranger.address, 7)
    head = Follower(funded.chain, index).sync()
    assert head == index.read_state().head == funded.chain.read_block()
    assert sorted(list_balances(index)) == sorted(
        [(plan, funded.subscriber.address.lower(), 300), (plan, funded.stranger.address.lower(), 7)]
    )


def test_sync__again__adds_only_what_is_new(funded: World, index: Index) -> None:
    plan = funded.register()
    told: list[Progress] = []
    follower = Follower(funded.chain, index, on_progress=told.append)
    follower.sync()
    before = told[-1].logs
    assert follower.sync() == index.state.head
    assert len(told) == 1
    funded.order(plan)
    follower.sync()
    assert told[-1].logs == before + 2
    is_embedded = funded.chain.label == "eth-tester"
    assert follower.prove().method is (ProofMethod.SECOND_READ if is_embedded else ProofMethod.RECEIPTS)
