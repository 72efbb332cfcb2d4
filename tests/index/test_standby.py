"""Followers that wait for their turn say so, and can be stopped while they wait."""

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from nvm_chain.errors import SecondFollower
from nvm_chain.index.database import Index
from nvm_chain.index.following import Follower
from nvm_chain.index.lease import hold_lease
from nvm_chain.index.progress import Phase, Progress
from tests.support.anvil import wait_until
from tests.support.index_worlds import IndexWorld, run_index_world


@pytest.fixture(scope="module")
def chain() -> Iterator[IndexWorld]:
    """An anvil for the tests of this file."""
    with run_index_world() as made:
        yield made


@pytest.fixture
def index(chain: IndexWorld, index_url: str) -> Iterator[Index]:
    """An empty index of the chain, in each database."""
    with closing(chain.open(index_url)) as opened:
        yield opened


def waits_for_another(steps: list[Progress]) -> bool:
    """Return whether the latest thing that a follower told is that another one follows."""
    return bool(steps) and steps[-1].phase is Phase.WAIT and isinstance(steps[-1].error, SecondFollower)


def test_sync__that_waits_for_its_turn__says_so_once(chain: IndexWorld, index: Index) -> None:
    lease, steps = hold_lease(index), list[Progress]()
    follower = Follower(chain.connect(), index, waits=True, on_progress=steps.append)
    thread = threading.Thread(target=follower.sync, daemon=True)
    thread.start()
    assert wait_until(lambda: waits_for_another(steps), 30)
    lease.release()
    thread.join(30)
    assert [step.phase for step in steps].count(Phase.WAIT) == 1
    assert index.state.head is not None
    assert index.state.head.number == chain.head


def test_follow__stopped_while_it_waits_for_its_turn__ends(chain: IndexWorld, index: Index) -> None:
    lease, steps, stop = hold_lease(index), list[Progress](), threading.Event()
    follower = Follower(chain.connect(), index, waits=True, on_progress=steps.append)
    thread = threading.Thread(target=follower.follow, args=(stop,), daemon=True)
    thread.start()
    assert wait_until(lambda: waits_for_another(steps), 30)
    stop.set()
    thread.join(30)
    assert not thread.is_alive()
    assert len(steps) == 1
    lease.release()
