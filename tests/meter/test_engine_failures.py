"""The engine where something goes wrong: requests that are cancelled, stores that fail and come back, and the end (S1, S8)."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nvm_chain.errors import (
    AuthorityUsedUp,
    DiskFull,
    IndexFailure,
    IndexUnavailable,
    MeterClosed,
    NvmChainError,
)
from nvm_chain.meter.credentials import TokenCredential
from nvm_chain.meter.engine import Meter
from nvm_chain.meter.store.group_rows import AccountKey, GroupRows, HoldState, Needs, StoredHold
from nvm_chain.meter.store.hold_ends import ChargeHold
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.store.writer import Writer
from tests.meter.test_engine import BUYER, fails, look
from tests.support.full_disk import full_disk
from tests.support.meter_books import read_rows
from tests.support.meter_engines import REQUEST, Buyer, build_meter, held, running
from tests.support.meter_stores import KEY, admitted, fill, open_books, present, read_holds, run, sign
from tests.support.postgres import run_postgres

SECONDS = 60
DEPTHS = (0, 1, 2, 3, 5, 8, 12, 20, 40)
"""After how many turns of the loop a request is cancelled."""


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nvm_chain.meter.storing.RETRY_SECONDS", 0.01)


def read_states(url: str) -> list[int]:
    """Return the states of all holds that were ever stored."""
    store = open_books(url)
    states = [row[0] for row in read_rows(store, "SELECT state FROM holds ORDER BY state")]
    store.close()
    return states


class Gate:
    """Keeps the writer's thread busy, so that what is given to it waits."""

    def __init__(self, writer: Writer) -> None:
        self._entered, self._opened = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=writer.run, args=(self._wait,))
        self._thread.start()
        assert self._entered.wait(SECONDS)

    def _wait(self, _: Store) -> None:
        self._entered.set()
        assert self._opened.wait(SECONDS)

    def open(self) -> None:
        """Let the writer go on."""
        self._opened.set()
        self._thread.join(SECONDS)


# ---------------------------------------------------------------------- cancelled requests


def test_admit__cancelled_while_it_is_stored__gives_its_hold_back(books_url: str) -> None:
    credential = BUYER.pay()

    async def serve() -> None:
        async with running(books_url) as meter:
            await meter.account(*BUYER.key)
            gate = Gate(meter.writer)
            task = asyncio.ensure_future(meter.admit(REQUEST, credential, 5))
            while not meter._storing.waiting:
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            gate.open()

    asyncio.run(serve())
    assert read_states(books_url) == [HoldState.RETURNED]
    assert look(books_url) == (0, 0)

    async def serve_again() -> None:
        async with running(books_url) as meter:
            await meter.charge(held(await meter.admit(REQUEST, credential, 5)), 5)

    asyncio.run(serve_again())
    assert look(books_url) == (5, 0)


@pytest.mark.parametrize("by_token", [False, True])
def test_admit__cancelled_anywhere__leaves_nothing_held(books_url: str, by_token: bool) -> None:
    """Whoever was admitted before the cancellation has a hold, and nothing is held for the others."""
    served: list[StoredHold] = []

    async def ask(meter: Meter, credential: Any) -> None:
        served.append(held(await meter.admit(REQUEST, credential, 1)))

    async def serve() -> None:
        async with running(books_url) as meter:
            token, _ = await meter.open_session(*BUYER.open_terms())
            for depth in DEPTHS:
                tasks = [
                    asyncio.ensure_future(ask(meter, TokenCredential(token) if by_token else BUYER.pay()))
                    for _ in range(4)
                ]
                for _ in range(depth):
                    await asyncio.sleep(0)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(serve())
    assert look(books_url) == (0, len(served))
    states = read_states(books_url)
    assert states.count(HoldState.OPEN) == len(served)
    assert set(states) <= {HoldState.OPEN, HoldState.RETURNED}


def test_close__right_after_requests_were_cancelled__gives_their_holds_back(books_url: str) -> None:
    """A server that stops cancels its requests, and then closes the meter."""

    async def serve() -> None:
        async with running(books_url) as meter:
            await meter.account(*BUYER.key)
            gate = Gate(meter.writer)
            tasks = [asyncio.ensure_future(meter.admit(REQUEST, BUYER.pay(), 5)) for _ in range(8)]
            while meter._storing.waiting < len(tasks):
                await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
            closing = asyncio.ensure_future(meter.close())
            await asyncio.sleep(0)
            gate.open()
            await closing
            await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(serve())
    assert read_states(books_url) == [HoldState.RETURNED] * 8
    assert look(books_url) == (0, 0)


# ---------------------------------------------------------------------- stores that fail


def test_admit__on_a_full_disk__serves_nothing_and_charges_are_stored_later(tmp_path: Path) -> None:
    url = str(tmp_path / "books.db")

    async def serve() -> None:
        async with running(url) as meter:
            hold, other = [held(await meter.admit(REQUEST, BUYER.pay(), 5)) for _ in range(2)]
            credential = BUYER.pay()
            with full_disk(4_096):
                charge, release = meter.charge(hold, 5), meter.release(other, was_sent=True)
                for _ in range(3):
                    await fails(meter.admit(REQUEST, credential, 5), DiskFull)
                assert not charge.done()
                assert not release.done()
            assert (await asyncio.wait_for(charge, SECONDS)).cost == 5
            assert (await asyncio.wait_for(release, SECONDS)).state is HoldState.RELEASED
            await meter.charge(held(await meter.admit(REQUEST, credential, 5)), 4)

    asyncio.run(serve())
    assert look(url) == (9, 0)
    assert len(read_states(url)) == 3


def test_admit__while_the_server_is_away__serves_nothing_and_charges_are_stored_later() -> None:
    with run_postgres() as server:
        url = server.new_database()

        async def serve() -> None:
            async with running(url) as meter:
                token, _ = await meter.open_session(*BUYER.open_terms())
                for end in (server.stop, server.kill):
                    hold = held(await meter.admit(REQUEST, BUYER.pay(), 5))
                    credential = BUYER.pay()
                    end()
                    charge = meter.charge(hold, 5)
                    await fails(meter.admit(REQUEST, credential, 5), IndexUnavailable)
                    await fails(meter.admit(REQUEST, TokenCredential(token), 5), IndexUnavailable)
                    await fails(meter.account(*BUYER.key), IndexUnavailable)
                    assert not charge.done()
                    server.start()
                    assert (await asyncio.wait_for(charge, SECONDS)).cost == 5
                    held(await meter.admit(REQUEST, credential, 5))

        asyncio.run(serve())
        assert look(url) == (10, 10)


def test_charge__whose_commit_is_not_acknowledged__counts_once(
    postgres_books_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server commits, and the connection ends before it can say so. The charge is sent again, and is known already."""

    async def serve() -> None:
        async with running(postgres_books_url) as meter:
            for _ in range(5):
                hold = await admit_until_it_works(meter, BUYER)
                assert (await asyncio.wait_for(meter.charge(hold, 3), SECONDS)).cost == 3

    with monkeypatch.context() as patch:
        lose_after_commits(patch)
        asyncio.run(serve())
    committed, left = look(postgres_books_url)
    assert committed == 15
    assert left  # admissions that nobody was told of, until their holds are swept


def lose_after_commits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every third commit of a store reach the server, and its acknowledgement get lost with the connection."""
    connect, commits = Store._connect, 0

    def connecting(store: Store) -> Any:
        is_new = store._connection is None
        connection = connect(store)
        real = connection.dialect.do_commit
        if not is_new or getattr(real, "loses", False):
            return connection

        def commit(driver: Any) -> None:
            nonlocal commits
            commits += 1
            real(driver)
            if commits > 4 and commits % 3 == 0:
                driver.driver_connection.close()
                driver.driver_connection.execute("SELECT 1")  # it fails as a lost connection does

        commit.loses = True  # type: ignore[attr-defined]
        monkeypatch.setattr(connection.dialect, "do_commit", commit)
        return connection

    monkeypatch.setattr(Store, "_connect", connecting)


async def admit_until_it_works(meter: Meter, buyer: Buyer) -> StoredHold:
    while True:
        with suppress(IndexFailure):
            return held(await meter.admit(REQUEST, buyer.pay(), 5))


# ---------------------------------------------------------------------- the end


def test_close__with_charges_that_nobody_awaits__stores_them(books_url: str) -> None:
    async def serve() -> None:
        async with running(books_url) as meter:
            holds = [held(await meter.admit(REQUEST, BUYER.pay(), 2)) for _ in range(9)]
            for hold in holds[:6]:
                meter.charge(hold, 2)
            for hold in holds[6:]:
                meter.release(hold, was_sent=True)

    asyncio.run(serve())
    assert look(books_url) == (12, 0)


def test_close__with_open_holds__leaves_them_open(books_url: str) -> None:
    """Their upstreams may be at work. They are swept when their time is over."""

    async def serve() -> None:
        async with running(books_url) as meter:
            held(await meter.admit(REQUEST, BUYER.pay(), 2))

    asyncio.run(serve())
    assert look(books_url) == (0, 2)


def test_meter__after_its_end__is_closed(books_url: str) -> None:
    async def serve() -> None:
        meter = build_meter(Writer(open_books(books_url)))
        token, _ = await meter.open_session(*BUYER.open_terms())
        hold = held(await meter.admit(REQUEST, BUYER.pay(), 2))
        await meter.close()
        await meter.close()
        await fails(meter.admit(REQUEST, BUYER.pay(), 2), MeterClosed)
        await fails(meter.admit(REQUEST, TokenCredential(token), 2), MeterClosed)
        await fails(meter.admit(REQUEST, TokenCredential("nvms_unknown"), 2), MeterClosed)
        await fails(meter.account(*BUYER.key), MeterClosed)
        await fails(asyncio.wait_for(meter.charge(hold, 1), SECONDS), MeterClosed)

    asyncio.run(serve())
    assert look(books_url) == (0, 2)


def test_close__while_the_disk_is_full__ends_and_tells_what_is_lost(tmp_path: Path) -> None:
    url = str(tmp_path / "books.db")

    async def serve() -> None:
        meter = build_meter(Writer(open_books(url)))
        hold = held(await meter.admit(REQUEST, BUYER.pay(), 2))
        with full_disk(4_096):
            charge = meter.charge(hold, 2)
            await asyncio.wait_for(meter.close(), SECONDS)
            await fails(asyncio.wait_for(charge, SECONDS), DiskFull)

    asyncio.run(serve())
    assert look(url) == (0, 2)


# ---------------------------------------------------------------------- the writer


@dataclass(frozen=True)
class Broken:
    """A change with a mistake in it."""

    key: AccountKey = KEY
    at_needs: bool = False

    def add_needs(self, needs: Needs) -> None:
        needs.accounts.add(self.key)
        if self.at_needs:
            raise OverflowError("a mistake")

    def decide(self, group: GroupRows) -> None:
        group.put_account(self.key, group.account(self.key))
        raise OverflowError("a mistake")


@pytest.mark.parametrize("at_needs", [False, True])
def test_writer__change_with_a_mistake__harms_no_other(books_url: str, at_needs: bool) -> None:
    """S8: whatever is wrong with one request, the others are served, and the writer goes on."""
    store = open_books(books_url)
    fill(store, 10)
    first = admitted(run(store, present(sign(), 1)))
    writer = Writer(store)

    async def serve() -> list[Any]:
        gate = Gate(writer)
        changes = [ChargeHold(first, 1), Broken(at_needs=at_needs), present(sign(), 6), present(sign(), 6)]
        waiting = asyncio.gather(*(writer.do(change) for change in changes), return_exceptions=True)  # type: ignore[arg-type]
        await asyncio.sleep(0)
        gate.open()
        outcomes = list(await asyncio.wait_for(waiting, SECONDS))
        return [*outcomes, await asyncio.wait_for(writer.do(present(sign(), 3)), SECONDS)]

    charged, broken, held_, refused, later = asyncio.run(serve())
    assert charged.cost == 1
    assert isinstance(broken, OverflowError)
    assert isinstance(held_, StoredHold)
    assert isinstance(refused, NvmChainError)
    assert isinstance(later, StoredHold)
    writer.close()
    store = open_books(books_url)
    assert read_holds(store) == (1, 9)
    store.close()


def test_writer__changes_that_wait__are_one_transaction(tmp_path: Path) -> None:
    store = open_books(str(tmp_path / "books.db"))
    fill(store, 1_000)
    writer = Writer(store)
    signed = sign()

    async def serve() -> list[Any]:
        gate = Gate(writer)
        before = store.engine.dialect.do_commit
        commits = 0

        def count(driver: Any) -> None:
            nonlocal commits
            commits += 1
            before(driver)

        store.engine.dialect.do_commit = count  # type: ignore[method-assign,assignment]
        changes = [present(sign(), 1) for _ in range(100)] + [present(signed, 1)] * 2
        waiting = asyncio.gather(*(writer.do(change) for change in changes), return_exceptions=True)
        await asyncio.sleep(0)
        gate.open()
        outcomes = await waiting
        assert commits == 1
        return list(outcomes)

    outcomes = asyncio.run(serve())
    assert sum(isinstance(outcome, StoredHold) for outcome in outcomes) == 101
    assert isinstance(outcomes[-1], AuthorityUsedUp)
    writer.close()


def test_writer__closed_while_many_threads_give_it_work__leaves_nobody_waiting(tmp_path: Path) -> None:
    store = open_books(str(tmp_path / "books.db"))
    fill(store, 1_000)
    writer = Writer(store)
    told: list[Any] = []
    given: list[int] = []

    def work(number: int) -> None:
        with suppress(MeterClosed):
            while True:
                writer.give(present(sign(), 1), told.append)
                given.append(number)
                writer.run(lambda store: store.head_time)

    threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(8)]
    for thread in threads:
        thread.start()
    while len(set(given)) < len(threads):
        threading.Event().wait(0.001)
    writer.close()
    for thread in threads:
        thread.join(SECONDS)
        assert not thread.is_alive()
    assert len(told) == len(given)
    store = open_books(str(tmp_path / "books.db"))
    assert read_holds(store) == (0, len(told))
    store.close()


def test_writer__loop_that_has_ended__does_not_end_it(tmp_path: Path) -> None:
    """The loop that waited does not run any more. Others are told as before."""
    store = open_books(str(tmp_path / "books.db"))
    fill(store, 10)
    writer = Writer(store)

    async def leave() -> Gate:
        gate = Gate(writer)
        asyncio.ensure_future(writer.do(present(sign(), 1)))  # noqa: RUF006  # nobody keeps it, which is the case
        await asyncio.sleep(0)
        return gate

    asyncio.run(leave()).open()
    assert isinstance(asyncio.run(writer.do(present(sign(), 2))), StoredHold)
    writer.close()


def test_writer__work_that_fails__is_told_to_whoever_waits(tmp_path: Path) -> None:
    writer = Writer(open_books(str(tmp_path / "books.db")))
    failing: Callable[[Store], object] = lambda _: 1 // 0  # noqa: E731
    with pytest.raises(ZeroDivisionError):
        writer.run(failing)
    assert writer.run(lambda store: store.is_sqlite)
    writer.close()
    with pytest.raises(MeterClosed):
        writer.run(failing)


def test_writer__after_a_commit_that_no_error_of_the_driver_ended__has_what_is_on_the_disk(tmp_path: Path) -> None:
    """SQLite may have no memory at a commit, which Python raises as MemoryError."""
    url = str(tmp_path / "books.db")

    async def serve() -> None:
        async with running(url) as meter:
            await meter.charge(held(await meter.admit(REQUEST, BUYER.pay(), 1)), 1)
            dialect: Any = meter.writer._store.engine.dialect
            commit = dialect.do_commit

            def fail(_: Any) -> None:
                dialect.do_commit = commit
                raise MemoryError

            dialect.do_commit = fail
            with pytest.raises(MemoryError):
                await meter.admit(REQUEST, BUYER.pay(), 7)
            await meter.charge(held(await meter.admit(REQUEST, BUYER.pay(), 2)), 2)

    asyncio.run(serve())
    assert look(url) == (3, 0)


def test_store__after_a_mistake_in_a_change__keeps_its_file(tmp_path: Path) -> None:
    """Another process that waits for the file would release the holds of this one, as those of a process that has ended."""
    path = tmp_path / "books.db"
    store = open_books(str(path))
    fill(store, 10)
    commit = store.engine.dialect.do_commit

    def fail(_: Any) -> None:
        store.engine.dialect.do_commit = commit  # type: ignore[method-assign]
        raise MemoryError

    def read_as_another() -> None:
        with closing(sqlite3.connect(path, timeout=0)) as other:
            other.execute("SELECT count(*) FROM holds")

    hold = admitted(run(store, present(sign(), 1)))
    for mistake in (OverflowError, MemoryError):
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            read_as_another()
        if mistake is MemoryError:
            store.engine.dialect.do_commit = fail  # type: ignore[method-assign,assignment]
        with pytest.raises(mistake):
            store.run([present(sign(), 1), *([] if mistake is MemoryError else [Broken()])])
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            read_as_another()
        assert read_holds(store) == (0, 1)
    assert run(store, ChargeHold(hold, 1)).total == 1
    store.close()
    read_as_another()
