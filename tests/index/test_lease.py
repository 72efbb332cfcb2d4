"""One follower at a time: a second one is refused or waits, and one that was stopped and wakes up changes nothing."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from nvm_chain.errors import IndexUnavailable, SecondFollower
from nvm_chain.index.database import Index, open_index
from nvm_chain.index.following import Follower
from nvm_chain.index.lease import AdvisoryLease, FileLease, hold_lease
from tests.support import index_runner
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


def test_hold_lease__held_by_another__is_refused_until_it_is_free(index: Index) -> None:
    lease = hold_lease(index)
    with pytest.raises(SecondFollower, match="Another process follows the chain into the index") as caught:
        hold_lease(index)
    assert "its head is" not in str(caught.value)
    lease.check()
    lease.release()
    hold_lease(index).release()


def test_hold_lease__that_waits__gets_it(index: Index) -> None:
    lease, got = hold_lease(index), list[bool]()

    def wait() -> None:
        hold_lease(index, threading.Event()).release()
        got.append(True)

    thread = threading.Thread(target=wait)
    thread.start()
    thread.join(0.3)
    assert not got
    lease.release()
    thread.join(20)
    assert got == [True]


def test_hold_lease__wait_is_ended__is_refused(index: Index) -> None:
    lease, stop = hold_lease(index), threading.Event()
    stop.set()
    with pytest.raises(SecondFollower):
        hold_lease(index, stop)
    lease.release()


def test_sync__while_another_follows__is_refused(chain: IndexWorld, index: Index) -> None:
    lease = hold_lease(index)
    with pytest.raises(SecondFollower):
        Follower(chain.connect(), index).sync()
    lease.release()
    Follower(chain.connect(), index).sync()
    hold_lease(index).release()


def test_file_lease__folder_is_missing__is_told(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="cannot be written"):
        FileLease(tmp_path / "missing" / "index.db.follower", "index.db")


def test_advisory_lease__server_was_restarted__is_taken_again(chain: IndexWorld, postgres: Postgres) -> None:
    with closing(chain.open(postgres.new_database())) as index:
        lease = hold_lease(index)
        postgres.stop()
        with pytest.raises(IndexUnavailable):
            lease.check()
        with pytest.raises(IndexUnavailable):
            lease.check()
        postgres.start()
        lease.check()
        with pytest.raises(SecondFollower):
            hold_lease(index)
        lease.release()


@pytest.mark.parametrize("how", [AdvisoryLease.release, AdvisoryLease._drop])
def test_advisory_lease__ended__closes_its_connection(
    chain: IndexWorld, postgres: Postgres, how: Callable[[AdvisoryLease], None]
) -> None:
    with closing(chain.open(postgres.new_database())) as index:
        lease = AdvisoryLease(index.engine, index.label)
        driver = lease._driver
        assert not driver.closed
        how(lease)
        assert driver.closed


def test_advisory_lease__taken_by_another_while_away__is_refused(chain: IndexWorld, postgres: Postgres) -> None:
    with closing(chain.open(postgres.new_database())) as index:
        lease = hold_lease(index)
        postgres.stop()
        postgres.start()
        other = hold_lease(index)
        with pytest.raises(IndexUnavailable):
            lease.check()
        with pytest.raises(SecondFollower):
            lease.check()
        other.release()


def test_follower__stopped_and_woken_after_another_went_on__writes_nothing(
    chain: IndexWorld, index: Index, index_url: str, tmp_path: Path
) -> None:
    """The other one does not ask for the lease, as if the stopped one had lost it."""
    processes = multiprocessing.get_context("forkserver")
    ours, theirs = processes.Pipe()
    chain.act(3)
    process = processes.Process(target=index_runner.run, args=(theirs, chain.url, index_url, 0))
    process.start()
    theirs.close()
    assert process.pid is not None
    try:
        assert wait_until(lambda: ours.poll(0) and ours.recv()[2] >= chain.head, 30)
        os.kill(process.pid, signal.SIGSTOP)
        with pytest.raises(SecondFollower):
            hold_lease(index)
        chain.act(2)
        chain.mine()
        _sync_without_lease(chain, index_url)
        os.kill(process.pid, signal.SIGCONT)
        chain.mine()
        assert ours.poll(30)
        kind, text, *_ = ours.recv()
        assert (kind, text.partition("(")[0]) == ("failed", "SecondFollower")
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        ours.close()
    Follower(chain.connect(), index).sync()
    chain.check(index, tmp_path)


def _sync_without_lease(chain: IndexWorld, where: str) -> None:
    class NoLease:
        def check(self) -> None: ...

        def is_lost(self) -> bool:
            return False

        def release(self) -> None: ...

    with closing(open_index(where)) as opened:
        follower = Follower(chain.connect(), opened)
        follower._advance(None, NoLease(), threading.Event())
