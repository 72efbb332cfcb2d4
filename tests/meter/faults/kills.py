"""Sellers with whole meters that are killed at any instant, over a chain that goes on: nothing is lost, served twice, or taken too much."""

import asyncio
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from nvm_chain.errors import NvmChainError
from nvm_chain.index.following import Follower
from nvm_chain.meter.engine import Meter
from nvm_chain.meter.opening import open_meter
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.store.sweeping import find_abandoned, sweep
from nvm_chain.operations.credits import mint_credits, read_account
from tests.meter.faults import kill_seller
from tests.meter.faults.ground import HOLDERS, Ground, build_settler
from tests.meter.faults.kill_seller import Orders
from tests.meter.faults.promises import Lost, Promises, check_served_once, quick_feeds
from tests.support.anvil import wait_until
from tests.support.index_worlds import IndexWorld
from tests.support.meter_kills import COUNT_CLIENTS, PROCESSES
from tests.support.postgres import Postgres

MOST_STATEMENTS: Final = 400
"""The latest statement of a process at which it is killed. To open the books takes about ten."""
MOST_STEPS: Final = 6_000
"""The latest step of a process's loop at which it is killed. A request takes about thirty."""
LONGEST_SECONDS: Final = 60
MOST_UNDONE: Final = 8
"""How many blocks a reorganization undoes at most."""


class TakenTooMuch(AssertionError):
    """Raised when the chain has taken more of a holder than was charged."""


class EndedByItself(AssertionError):
    """Raised when a seller ends before it is killed, because of a mistake."""


@dataclass
class WholeHarness:
    """Kills sellers on the same books, one after the other. ``server`` is the server of the books, if it may be killed too."""

    chain: IndexWorld
    ground: Ground
    where: str
    random: Random
    server: Postgres | None = None
    plant: str = "none"
    server_share: float = 0.3
    """For which share of the kills in a write the server is killed."""
    manners: Counter[str] = field(default_factory=Counter)
    """The kills, by where the process was."""
    promises: Promises = field(default_factory=Promises)
    abandoned: int = 0

    @property
    def kills(self) -> int:
        """How many kills there were."""
        return self.manners.total()

    @property
    def open_kills(self) -> int:
        """How many kills there were while a write was open."""
        return self.manners["in a write"] + self.manners["of the server"]

    def run(self, kills: int) -> None:
        """Kill until there were so many kills. After each, look at everything that was told. In the end, settle everything."""
        with self._following():
            while self.kills < kills:
                self._kill_one()
                self._wait_for_the_end()
                with quick_feeds():
                    asyncio.run(self._check())
                self._change_chain()
            with quick_feeds():
                asyncio.run(self._come_to_rest())

    # ------------------------------------------------------------------ killing

    def _kill_one(self) -> None:
        """Run a seller, and kill it: in a write that is open, at a step of its loop, or after some time."""
        pauses = self.open_kills * 2 <= self.kills or self.random.random() < 0.5
        steps = not pauses and self.random.random() < 0.8
        orders = Orders(
            self.kills + 1,
            self._draw(MOST_STATEMENTS) if pauses else 0,
            self._draw(MOST_STEPS) if steps else 0,
            self.plant,
        )
        ours, theirs = PROCESSES.Pipe()
        arguments = (theirs, self.where, self.ground, self.chain.url, orders)
        process = PROCESSES.Process(target=kill_seller.serve, args=arguments)
        process.start()
        theirs.close()
        try:
            seconds = LONGEST_SECONDS if pauses or steps else self.random.uniform(0, 0.3)
            manner = self._watch(ours, seconds)
            if manner == "in a write" and self.server is not None and self._kills_the_server():
                self._kill_server(self.server, ours)
                manner = "at some time"
        finally:
            assert process.pid is not None
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
            process.join()
        self._drain(ours)
        ours.close()
        if manner != "at some time":
            expected = "in a write" if pauses else "at a step"
            if manner != expected or process.exitcode != -signal.SIGKILL:
                raise EndedByItself(f"a seller ended by itself: {manner}, exit code {process.exitcode}, {orders}")
        self.manners[manner] += 1

    def _draw(self, most: int) -> int:
        """Return a number up to some number. Half of its digits are as probable as all of them, so that early ones come too."""
        return int(most ** self.random.random())

    def _kills_the_server(self) -> bool:
        return self.random.random() < self.server_share or (self.kills > 3 and not self.manners["of the server"])

    def _kill_server(self, server: Postgres, pipe: Any) -> None:
        """Kill the server while a write is open, start it again, and let the seller go on for a moment."""
        server.kill()
        server.start()
        self.manners["of the server"] += 1
        pipe.send("go on")
        self._watch(pipe, self.random.uniform(0.1, 0.5))

    def _watch(self, pipe: Any, seconds: float) -> str:
        """Listen to a seller for some seconds. Return where it was when the kill came, or comes now."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not pipe.poll(left):
                break
            try:
                message = pipe.recv()
            except EOFError:
                return "at a step"
            if message == ("paused",):
                return "in a write"
            self._hear(message)
        return "at some time"

    def _hear(self, message: Any) -> None:
        if message[0] == "ended":
            raise EndedByItself(f"a seller ended by itself: {message[1]}")
        self.promises.take(*message)

    def _drain(self, pipe: Any) -> None:
        with suppress(EOFError, OSError):
            while pipe.poll(0):
                message = pipe.recv()
                if message != ("paused",):
                    self._hear(message)

    def _wait_for_the_end(self) -> None:
        """Wait until the server has noticed that the seller has ended, and has ended its transaction."""
        if self.server is not None:
            import psycopg

            with psycopg.connect(self.where, autocommit=True) as connection:
                assert wait_until(lambda: connection.execute(COUNT_CLIENTS).fetchone() == (1,), LONGEST_SECONDS)

    # ------------------------------------------------------------------ the chain

    @contextmanager
    def _following(self) -> Iterator[None]:
        """Follow the chain into the index, as a process beside the sellers would."""
        stop = threading.Event()

        def follow() -> None:
            with closing(self.chain.open(self.ground.index)) as index:
                Follower(self.chain.connect(), index, waits=True, poll_seconds=0.02).follow(stop)

        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(LONGEST_SECONDS)

    def _change_chain(self) -> None:
        """Mint credits to somebody, or replace the latest blocks. What they had settled is due again."""
        if self.random.random() < 0.25:
            self.chain.reorganize(self.random.randint(1, MOST_UNDONE))
        elif self.random.random() < 0.5:
            world, holder = self.chain.world, self.random.randrange(len(HOLDERS))
            mint_credits(world.chain, world.builder, self.ground.plan_id, HOLDERS[holder].address, 1)

    def _read_settled(self) -> list[int]:
        chain, plan_id = self.chain.world.chain, self.ground.plan_id
        return [read_account(chain, plan_id, holder.address).settled for holder in HOLDERS]

    # ------------------------------------------------------------------ looking

    async def _check(self) -> None:
        """Open the books as after a restart, and check all promises."""
        async with open_meter(self.where, self.ground.index, self.ground.settings, renews=True) as meter:
            await asyncio.to_thread(meter.writer.run, self.promises.check_rows)
            if self.server is not None:
                self.abandoned += await asyncio.to_thread(meter.writer.run, _sweep_all)
            await check_served_once(meter, self.ground, self.promises.choose(Random(self.kills)))
            await self._check_taken(meter)

    async def _check_taken(self, meter: Meter) -> None:
        """S11: the chain has taken no more than was charged."""
        settled = await asyncio.to_thread(self._read_settled)
        for key, taken in zip(self.ground.keys, settled, strict=True):
            account = await meter.account(*key)
            if taken > account.committed:
                raise TakenTooMuch(f"{key.holder} was charged {account.committed}, and {taken} were taken")

    async def _come_to_rest(self) -> None:
        """S4, S9: settle until nothing is owed. Then the chain has taken what was charged, and the books know it."""
        async with open_meter(self.where, self.ground.index, self.ground.settings, renews=True) as meter:
            settler = build_settler(self.chain.world.chain, meter, self.ground)
            end = time.monotonic() + LONGEST_SECONDS
            while True:
                with suppress(NvmChainError):
                    await asyncio.to_thread(settler.settle)
                accounts = [await meter.account(*key) for key in self.ground.keys]
                settled = await asyncio.to_thread(self._read_settled)
                if [account.committed for account in accounts] == settled and not any(
                    account.owed for account in accounts
                ):
                    return
                if time.monotonic() > end:
                    raise Lost(f"the books do not come to rest: {accounts}, and the chain took {settled}")
                await asyncio.sleep(0.05)


def _sweep_all(store: Store) -> int:
    """Release the holds of the dead, which stay open until their end on PostgreSQL."""
    return len(sweep(store, find_abandoned(store), owner_is_gone=True))
