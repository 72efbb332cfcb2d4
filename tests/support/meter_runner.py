"""Processes that use a store of a meter: those that race with each other, and one that is made to be killed."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from functools import wraps
from multiprocessing.connection import Connection as Pipe
from random import Random
from typing import Any, NamedTuple

from sqlalchemy import Connection
from sqlalchemy.engine.default import DefaultDialect

from nvm_chain.errors import IndexFailure, NvmChainError
from nvm_chain.index import sqlite
from nvm_chain.index.pens import Pen
from nvm_chain.meter.store.admissions import AdmitUse, AdmitVoucher
from nvm_chain.meter.store.changes import Change
from nvm_chain.meter.store.group_rows import AccountKey, StoredHold
from nvm_chain.meter.store.hold_ends import ChargeHold, ReleaseHold
from nvm_chain.meter.store.opening import open_store
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.store.writer import Writer
from tests.support.meter_stores import CHAIN_ID, CREDITS, admitted, build_session, present, sign, use

CREDITS_OF_A_REQUEST = 3
TASKS = 12


def race(pipe: Pipe, where: str, groups: Sequence[Sequence[Change[Any]]]) -> None:
    """Open the books, say so, wait for a word, run groups of changes, and tell how many outcomes there were of each type."""
    store = open_store(where, chain_id=CHAIN_ID, credits=CREDITS)
    pipe.send("ready")
    pipe.recv()
    counts: dict[str, int] = {}
    try:
        for group in groups:
            for outcome in store.run(group):
                name = type(outcome).__name__
                counts[name] = counts.get(name, 0) + 1
        pipe.send(counts)
    except NvmChainError as error:
        pipe.send(repr(error))
    store.close()


def race_at_once(pipe: Pipe, where: str, changes: Sequence[Change[Any]]) -> None:
    """Do the same with all changes at once, through a writer, as requests come."""
    writer = Writer(open_store(where, chain_id=CHAIN_ID, credits=CREDITS))
    pipe.send("ready")
    pipe.recv()

    async def gather() -> list[Any]:
        return await asyncio.gather(*(writer.do(change) for change in changes), return_exceptions=True)

    counts: dict[str, int] = {}
    for outcome in asyncio.run(gather()):
        counts[type(outcome).__name__] = counts.get(type(outcome).__name__, 0) + 1
    pipe.send(counts)
    writer.close()


# ---------------------------------------------------------------------- made to be killed


class Teller:
    """Tells the parent what was acknowledged. Two threads use it: the loop's, and the writer's for the pause."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe, self._lock = pipe, threading.Lock()

    def tell(self, *message: Any) -> None:
        """Send a message."""
        with self._lock:
            self._pipe.send(message)

    def wait(self) -> None:
        """Wait for a word of the parent, if it ever says one."""
        self._pipe.recv()


class Orders(NamedTuple):
    """What a seller is told.

    ``keys`` are the accounts of the requests, ``owner`` is that of the holds, and ``seed`` decides about each request.
    ``pause_at`` is which statement of a write to pause after, until something comes through the pipe, and 0 for none. With
    ``leaves_out`` most commits are left out, and their transaction goes on with the next one.
    """

    keys: Sequence[AccountKey]
    owner: bytes
    seed: int
    pause_at: int = 0
    leaves_out: bool = False


def serve(pipe: Pipe, where: str, orders: Orders) -> None:
    """Serve requests for ever, from many tasks: admit, tell, charge or release, tell.

    The pipe gets ``("presented", signed)`` before an admission and ``("held", hold)`` after it, ``("ended", hold)`` after a
    charge or a release, ``("paused",)`` at the pause, and ``("failed", text)``.
    """
    if orders.leaves_out:
        _leave_out_commits()
    teller = Teller(pipe)
    try:
        store = open_store(where, chain_id=CHAIN_ID, credits=CREDITS)
        _pause_in_writes(teller, orders.pause_at)
        asyncio.run(_Seller(teller, Writer(store), orders).serve())
    except NvmChainError as error:  # any other error ends the process, and the parent sees the end of the pipe
        teller.tell("failed", repr(error))


class _Seller:
    def __init__(self, teller: Teller, writer: Writer, orders: Orders) -> None:
        self.teller, self.writer = teller, writer
        self.keys, self.owner, self.random = orders.keys, orders.owner, Random(orders.seed)

    async def serve(self) -> None:
        await asyncio.gather(*(self._work() for _ in range(TASKS)))

    async def _work(self) -> None:
        while True:
            try:
                await self._serve_one()
            except IndexFailure:  # the server is away: nobody knows whether the change was stored
                await asyncio.sleep(0.02)

    async def _serve_one(self) -> None:
        change = self._draw()
        if isinstance(change, AdmitVoucher):
            self.teller.tell("presented", change.signed)
        hold = admitted(await self.writer.do(change))
        self.teller.tell("held", hold)
        for _ in range(self.random.choice((0, 1, 3))):
            await asyncio.sleep(0)
        while True:
            try:
                self.teller.tell("ended", await self.writer.do(self._end(hold)))
                return
            except IndexFailure:
                await asyncio.sleep(0.02)

    def _draw(self) -> AdmitVoucher | AdmitUse:
        key = self.random.choice(self.keys)
        if self.random.random() < 0.3:
            return use(
                build_session(key=key, authority_id=find_session_id(key)), CREDITS_OF_A_REQUEST, owner=self.owner
            )
        return present(sign(key=key), CREDITS_OF_A_REQUEST, owner=self.owner)

    def _end(self, hold: StoredHold) -> Change[StoredHold]:
        """Return the same end for the same hold each time, as a retry is."""
        chance = Random(hold.hold_id)
        if chance.random() < 0.7:
            return ChargeHold(hold, chance.randint(0, hold.hold.credits))
        return ReleaseHold(hold, was_sent=chance.random() < 0.5)


def find_session_id(key: AccountKey) -> bytes:
    """Return the id of the session that the harness opens for an account."""
    return bytes.fromhex(key.holder[2:]).rjust(32, b"\5")


def _pause_in_writes(teller: Teller, pause_at: int) -> None:
    """Pause after a statement of a write, or before a commit."""
    done = 0

    def count(*_: object) -> None:
        nonlocal done
        done += 1
        if done == pause_at:
            teller.tell("paused")
            teller.wait()

    for name in ("change", "change_each"):
        setattr(Pen, name, _count_after(getattr(Pen, name), count))
    commit = DefaultDialect.do_commit

    def do_commit(dialect: DefaultDialect, driver: Any) -> None:
        count()
        commit(dialect, driver)

    DefaultDialect.do_commit = do_commit  # type: ignore[method-assign]


def _count_after(write: Callable[..., Any], count: Callable[[], None]) -> Callable[..., Any]:
    @wraps(write)
    def counted(*arguments: Any) -> Any:
        found = write(*arguments)
        count()
        return found

    return counted


COMMITS_LEFT_OUT = 7
"""Of how many commits the planted mistake keeps one."""


def _leave_out_commits() -> None:
    """Plant a mistake: a store that tells of commits which it has left out. Their transaction goes on with the next one."""
    real, begin, commits = Store._connect, sqlite.begin_write, 0

    def begin_once(driver: Any) -> None:
        if not driver.in_transaction:
            begin(driver)

    def connect(store: Store) -> Connection:
        is_new = store._connection is None
        connection = real(store)
        if is_new:
            commit = connection.dialect.do_commit

            def do_commit(driver: Any) -> None:
                nonlocal commits
                commits += 1
                if commits % COMMITS_LEFT_OUT == 0 or commits < COMMITS_LEFT_OUT:
                    commit(driver)

            connection.dialect.do_commit = do_commit  # type: ignore[method-assign,assignment]
        return connection

    sqlite.begin_write = begin_once
    Store._connect = connect  # type: ignore[method-assign,assignment]
