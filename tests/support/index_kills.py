"""A harness that kills followers and database servers, and looks for what was lost."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import select

from nvm_chain.index.database import Index, open_index
from nvm_chain.index.following import Follower
from nvm_chain.index.schema import metadata
from tests.support import index_runner
from tests.support.index_worlds import DEEPEST, IndexWorld
from tests.support.postgres import Postgres

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload([index_runner.__name__])
MOST_STATEMENTS = 45
"""The latest statement of a follower at which it is killed. A block with events needs about ten."""
LONGEST_SECONDS = 60


class Lost(AssertionError):
    """Raised when a follower had told of a commit that is not there any more."""


@dataclass
class Harness:
    """Kills followers of one chain, one after the other, each of which goes on where the one before was killed.

    ``where`` is the index, and ``server`` its server if it is in PostgreSQL.
    """

    chain: IndexWorld
    where: str
    random: Random
    server: Postgres | None = None
    defers: bool = False
    kills: int = 0
    open_kills: int = 0
    server_kills: int = 0
    copies: int = 0
    _told: tuple[str, int, str] | None = field(default=None)

    def run(self, kills: int, folder: Path) -> None:
        """Kill so many followers, then compare the index with a new one and with the chain."""
        while self.kills < kills:
            self._change_chain()
            self._kill_one()
            self._check_told()
        with closing(open_index(self.where)) as index:
            Follower(self.chain.connect(), index).sync()
            self.chain.check(index, folder)

    def copy_to(self, make: Callable[[], str], server: Postgres | None) -> None:
        """Go on with a copy of the index in another database."""
        target = make()
        with closing(self.chain.open(target)) as copy, closing(open_index(self.where)) as index:
            copy_rows(index, copy)
        self.where, self.server, self.copies = target, server, self.copies + 1

    def _change_chain(self) -> None:
        self.chain.act(self.random.randint(2, 5))
        if self.random.random() < 0.4:
            self.chain.reorganize(self.random.choice([1, 2, 5, 20, DEEPEST]))
            self.chain.act(2)

    def _kill_one(self) -> None:
        """Run a follower, and kill it at an instant by chance, mostly at one in which a write is open."""
        pause_at = self.random.randint(1, MOST_STATEMENTS) if self.random.random() < 0.75 else 0
        ours, theirs = PROCESSES.Pipe()
        arguments = (theirs, self.chain.url, self.where, pause_at)
        process = PROCESSES.Process(target=index_runner.run, args=arguments, kwargs={"defers": self.defers})
        process.start()
        theirs.close()
        self._told = None
        try:
            is_open = self._watch(ours, self.random.uniform(0, 0.3), pauses=pause_at > 0)
            if is_open and self.server is not None and self.random.random() < 0.4:
                self._kill_server(ours)
                is_open = False
        finally:
            assert process.pid is not None
            os.kill(process.pid, signal.SIGKILL)
            process.join()
        self._drain(ours)
        ours.close()
        self.kills, self.open_kills = self.kills + 1, self.open_kills + is_open

    def _kill_server(self, pipe: Any) -> None:
        """Kill the server while a write is open, start it again, and let the follower go on."""
        assert self.server is not None
        self.server.kill()
        self.server.start()
        self.server_kills, self.open_kills, self.kills = self.server_kills + 1, self.open_kills + 1, self.kills + 1
        pipe.send("go on")
        self._watch(pipe, LONGEST_SECONDS, pauses=False)

    def _watch(self, pipe: Any, seconds: float, *, pauses: bool) -> bool:
        """Listen to a follower for some seconds, or until it has reached the head. Return whether it has paused.

        The seconds begin when it tells something for the first time, and are not counted if it will pause.
        """
        head, end = self.chain.head, time.monotonic() + LONGEST_SECONDS
        while time.monotonic() < end and pipe.poll(max(0, min(end - time.monotonic(), 1))) is not None:
            if not pipe.poll(0):
                continue
            message = pipe.recv()
            if message == ("open",):
                return True
            self._hear(message)
            if message[2] >= head:
                return False
            end = end if pauses else min(end, time.monotonic() + seconds)
        return False

    def _hear(self, message: Any) -> None:
        if message[0] == "failed":
            raise Lost(f"the follower failed: {message[1]}")
        self._told = message[1:]

    def _drain(self, pipe: Any) -> None:
        try:
            while pipe.poll(0):
                message = pipe.recv()
                if message != ("open",):
                    self._hear(message)
        except (EOFError, OSError):
            pass

    def _check_told(self) -> None:
        """Check that the last told commit is there. One later commit may be there that was not told any more."""
        if self._told is None:
            return
        _, number, block_hash = self._told
        with closing(open_index(self.where)) as index:
            head = index.state.head
        if head is None or head.number < number or (head.number == number and head.hash != block_hash):
            raise Lost(f"block {number} ({block_hash}) was committed, and the index ends with {head}")


def copy_rows(index: Index, copy: Index) -> None:
    """Copy all rows of an index into another one, which may be of the other engine."""
    with index.snapshot() as source, copy.writing() as target:
        for table in metadata.sorted_tables:
            target.execute(table.delete())
            rows = [dict(row) for row in source.execute(select(table)).mappings()]
            if rows:
                target.execute(table.insert(), rows)


def make_file(chain: IndexWorld, path: Path) -> str:
    """Make an index in a file, and return its URL."""
    chain.open(path).close()
    return f"sqlite:///{path}"


def make_database(chain: IndexWorld, server: Postgres) -> str:
    """Make an index in a new database, and return its URL."""
    where = server.new_database()
    chain.open(where).close()
    return where
