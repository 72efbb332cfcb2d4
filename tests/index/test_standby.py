"""Followers that wait for their turn say so, and can be stopped while they wait."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg
import pytest

from nvm_chain.errors import SecondFollower
from nvm_chain.index.database import Index
from nvm_chain.index.following import Follower
from nvm_chain.index.lease import KEY, hold_lease
from nvm_chain.index.progress import Phase, Progress
from tests.support.anvil import wait_until
from tests.support.index_worlds import IndexWorld, run_index_world
from tests.support.postgres import Postgres


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


# ---------------------------------------------------------------- a lease that another process took meanwhile


@contextmanager
def taken_lease(url: str) -> Iterator[None]:
    """End the connection with the lease of an index, as a server does that stops, and have the lease.

    Another session waits for the lease before that, so that the server gives it to nobody else.
    """
    lock = "SELECT pg_advisory_lock(%s, hashtext(current_schema()))"
    held = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid::bigint = %s AND granted"
    waits = held.replace("AND granted", "AND NOT granted")
    with psycopg.connect(url, autocommit=True) as other, psycopg.connect(url, autocommit=True) as third:
        thread = threading.Thread(target=other.execute, args=(lock, (KEY,)))
        thread.start()
        assert wait_until(lambda: third.execute(waits, (KEY,)).fetchone() is not None, 30)
        third.execute(f"SELECT pg_terminate_backend(pid) FROM ({held}) AS holders", (KEY,))
        thread.join(30)
        yield


@pytest.fixture
def url(postgres: Postgres) -> Iterator[str]:
    """A database in PostgreSQL."""
    made = postgres.new_database()
    yield made
    postgres.drop_database(made)


def test_follow__lease_was_taken_by_another__waits_for_its_turn_again(chain: IndexWorld, url: str) -> None:
    steps, stop = list[Progress](), threading.Event()
    with closing(chain.open(url)) as index:
        follower = Follower(chain.connect(), index, waits=True, on_progress=steps.append, poll_seconds=0.01)
        thread = threading.Thread(target=follower.follow, args=(stop,), daemon=True)
        thread.start()
        assert wait_until(lambda: index.state.head is not None and index.state.head.number == chain.head, 30)
        with taken_lease(url):
            assert wait_until(lambda: waits_for_another(steps), 30)
            chain.mine(3)
            seen = len(steps)
        assert wait_until(lambda: index.state.head is not None and index.state.head.number == chain.head, 30)
        assert {step.phase for step in steps[seen:]} == {Phase.FOLLOW}
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def test_follow__lease_was_taken_by_another_and_it_must_not_wait__ends(chain: IndexWorld, url: str) -> None:
    errors = list[Exception]()
    with closing(chain.open(url)) as index:
        follower = Follower(chain.connect(), index, poll_seconds=0.01)

        def follow() -> None:
            try:
                follower.follow(threading.Event())
            except SecondFollower as error:
                errors.append(error)

        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        assert wait_until(lambda: index.state.head is not None and index.state.head.number == chain.head, 30)
        with taken_lease(url):
            thread.join(30)
        assert [type(error) for error in errors] == [SecondFollower]
