"""A harness that kills processes which serve requests, and database servers, and looks for what was lost or served twice."""

import multiprocessing
import os
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from nvm_chain.errors import AuthorityUsedUp
from nvm_chain.meter.store.account_changes import OpenAuthority
from nvm_chain.meter.store.group_rows import StoredHold
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.store.sweeping import find_abandoned, sweep
from nvm_chain.signing.vouchers import SignedVoucher
from tests.support import meter_runner
from tests.support.anvil import wait_until
from tests.support.meter_books import CHARGED, OPEN, RETURNED, WrongBooks, check_books, read_rows
from tests.support.meter_runner import find_session_id
from tests.support.meter_stores import build_session, fill, find_digest, key_of, open_books, present, run, sign
from tests.support.postgres import Postgres

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.support.index_runner", meter_runner.__name__])
KEYS = [key_of(number) for number in range(1, 6)]
BALANCE = 2**53
MOST_STATEMENTS = 60
"""The latest statement of a process at which it is killed. A group needs about four."""
LONGEST_SECONDS = 60
PRESENTED_AGAIN = 60
COUNT_CLIENTS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
)


class Lost(AssertionError):
    """Raised when something that was told of is not there any more."""


class ServedTwice(AssertionError):
    """Raised when a voucher that was spent is admitted once more."""


@dataclass
class Harness:
    """Kills sellers on the same books, one after the other. ``server`` is the server of the books, if it may be killed too."""

    where: str
    random: Random
    server: Postgres | None = None
    leaves_out: bool = False
    kills: int = 0
    open_kills: int = 0
    server_kills: int = 0
    abandoned: int = 0
    held: dict[tuple[bytes, int], StoredHold] = field(default_factory=dict)
    ended: dict[tuple[bytes, int], StoredHold] = field(default_factory=dict)
    presented: dict[bytes, SignedVoucher] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Give each account credits, and a session that pays for everything."""
        with self._opened() as store:
            fill(store, BALANCE, KEYS)
            for key in KEYS:
                session = build_session(key=key, authority_id=find_session_id(key))
                run(store, OpenAuthority(session, sign(BALANCE, key=key)))

    def run(self, kills: int) -> None:
        """Kill until there were so many kills. After each, look at everything that was told."""
        while self.kills < kills:
            owner = secrets.token_bytes(16)
            self._kill_one(owner)
            with self._opened() as store:
                self._wait_for_the_end(store)
                self._check(store, owner)

    @contextmanager
    def _opened(self) -> Iterator[Store]:
        store = open_books(self.where)
        try:
            yield store
        finally:
            store.close()

    # ------------------------------------------------------------------ killing

    def _kill_one(self, owner: bytes) -> None:
        """Run a seller, and kill it at an instant by chance: at least half of them at one in which a write is open."""
        has_to_pause = self.open_kills * 2 <= self.kills
        pauses = self.random.random() < 0.5 or has_to_pause
        pause_at = self.random.randint(1, MOST_STATEMENTS) if pauses else 0
        ours, theirs = PROCESSES.Pipe()
        orders = meter_runner.Orders(KEYS, owner, self.random.randrange(2**32), pause_at, self.leaves_out)
        process = PROCESSES.Process(target=meter_runner.serve, args=(theirs, self.where, orders))
        process.start()
        theirs.close()
        try:
            is_open = self._watch(ours, self.random.uniform(0, 0.15), pauses=pause_at > 0)
            if is_open and self.server is not None and self._kills_the_server():
                self._kill_server(self.server, ours)
                is_open = False
        finally:
            assert process.pid is not None
            os.kill(process.pid, signal.SIGKILL)
            process.join()
        self._drain(ours)
        ours.close()
        self.kills, self.open_kills = self.kills + 1, self.open_kills + is_open

    def _kills_the_server(self) -> bool:
        return self.random.random() < 0.25 or (self.kills > 3 and not self.server_kills)

    def _kill_server(self, server: Postgres, pipe: Any) -> None:
        """Kill the server while a write is open, start it again, and let the seller go on for a moment."""
        server.kill()
        server.start()
        self.server_kills, self.open_kills, self.kills = self.server_kills + 1, self.open_kills + 1, self.kills + 1
        pipe.send("go on")
        self._watch(pipe, self.random.uniform(0.05, 0.3), pauses=False)

    def _watch(self, pipe: Any, seconds: float, *, pauses: bool) -> bool:
        """Listen to a seller until it pauses, or for some seconds from its first word. Return whether it has paused."""
        end = time.monotonic() + LONGEST_SECONDS
        is_first = True
        while (left := end - time.monotonic()) > 0:
            if not pipe.poll(left):
                return False
            message = pipe.recv()
            if message == ("paused",):
                return True
            self._hear(message)
            if is_first and not pauses:
                end, is_first = time.monotonic() + seconds, False
        return False

    def _hear(self, message: Any) -> None:
        kind, *told = message
        if kind == "failed":
            raise Lost(f"the seller failed: {told[0]}")
        if kind == "presented":
            self.presented[find_digest(told[0])] = told[0]
        else:
            hold = told[0]
            (self.held if kind == "held" else self.ended)[hold.hold_id, hold.attempt] = hold

    def _drain(self, pipe: Any) -> None:
        try:
            while pipe.poll(0):
                message = pipe.recv()
                if message != ("paused",):
                    self._hear(message)
        except (EOFError, OSError):
            pass

    @staticmethod
    def _wait_for_the_end(store: Store) -> None:
        """Wait until the server has noticed that the seller has ended, and has ended its transaction."""
        if not store.is_sqlite:
            assert wait_until(lambda: read_rows(store, COUNT_CLIENTS) == [(1,)], LONGEST_SECONDS)

    # ------------------------------------------------------------------ looking

    def _check(self, store: Store, owner: bytes) -> None:
        rows = {row[0]: row[1:] for row in read_rows(store, "SELECT hold_id, state, cost, attempt, owner FROM holds")}
        for hold_id, attempt in [*self.held, *self.ended]:
            found = rows.get(hold_id)
            if found is None or found[2] < attempt:
                raise Lost(f"the hold {hold_id.hex()} was acknowledged, and is not there")
            if (hold_id, attempt) in self.ended and found[2] == attempt:
                ended = self.ended[hold_id, attempt]
                if found[:2] != (int(ended.state), ended.cost):
                    raise Lost(f"the hold {hold_id.hex()} was ended by {ended.state}, {ended.cost}, and is {found}")
        self._check_books(store)
        self._sweep(store, owner)
        self._present_again(store)
        self._check_books(store)

    @staticmethod
    def _check_books(store: Store) -> None:
        try:
            check_books(store)
        except WrongBooks as error:
            raise Lost(str(error)) from error

    def _sweep(self, store: Store, owner: bytes) -> None:
        """The open holds of the dead are listed, and released. None of them is the hold of anybody else."""
        left = read_rows(store, "SELECT hold_id, owner FROM holds WHERE state = 0")
        listed = find_abandoned(store)
        assert sorted((hold.hold_id, hold.owner) for hold in listed) == sorted(left)
        assert {hold.owner for hold in listed} <= {owner}
        assert {hold.hold_id for hold in sweep(store, listed, owner_is_gone=True)} == {row[0] for row in left}
        assert read_rows(store, "SELECT count(*) FROM holds WHERE state = 0") == [(0,)]
        self.abandoned += len(listed)

    def _present_again(self, store: Store) -> None:
        """Present vouchers of all sellers again. Those that were returned may be served, and those that were never stored."""
        states = dict(read_rows(store, "SELECT hold_id, state FROM holds"))
        spent = [digest for digest in self.presented if states.get(digest, RETURNED) != RETURNED]
        chosen = Random(self.kills).sample(spent, min(len(spent), PRESENTED_AGAIN))
        outcomes = store.run([present(self.presented[digest], 1) for digest in chosen])
        for digest, outcome in zip(chosen, outcomes, strict=True):
            if not isinstance(outcome, AuthorityUsedUp):
                raise ServedTwice(f"the voucher {digest.hex()} was spent, and had the outcome {outcome!r}")

    # ------------------------------------------------------------------ what there was

    def count_told(self, state: int) -> int:
        """Return how many holds are in a state, as far as it was told."""
        if state == OPEN:
            return len(self.held.keys() - self.ended.keys())
        return sum(int(hold.state) == state for hold in self.ended.values())

    @property
    def charges(self) -> int:
        """How many charges were acknowledged."""
        return self.count_told(CHARGED)
