"""A follower in a process of its own, which tells each step, and pauses while a write is open. It is made to be killed."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from multiprocessing.connection import Connection as Pipe
from typing import Any

from sqlalchemy import Connection, Engine, event

from nvm_chain.chain.client import open_rpc
from nvm_chain.errors import NvmChainError
from nvm_chain.index import following, ranges
from nvm_chain.index.database import Index, open_index
from nvm_chain.index.pens import Pen
from nvm_chain.index.postgres import PostgresPen
from nvm_chain.index.progress import Progress
from nvm_chain.index.sqlite import SqlitePen

SMALL_RANGE = 25
FEW_BLOCKS = 2


def run(pipe: Pipe, node_url: str, where: str, pause_at: int, *, defers: bool = False) -> None:
    """Follow the chain into an index for ever, in small steps.

    Args:
        pipe: Gets ``("told", phase, number, hash)`` after each step, ``("open",)`` at the pause, and ``("failed", text)``.
        node_url: The node.
        where: The index.
        pause_at: Which statement of a write to pause after, until something comes through the pipe. 0 for none.
        defers: Whether every other commit is left out, and its transaction goes on with the next write.
    """
    following.NEAR_AT_ONCE, ranges.FIRST_RANGE = FEW_BLOCKS, SMALL_RANGE  # type: ignore[misc]
    if defers:
        _defer_commits()

    def tell(progress: Progress) -> None:
        if progress.head is not None and progress.error is None:
            pipe.send(("told", str(progress.phase), progress.head.number, progress.head.hash))

    try:
        index, chain = open_index(where), open_rpc(node_url, timeout_seconds=20)
        _pause_in_writes(pipe, pause_at)
        following.Follower(chain, index, on_progress=tell, waits=True, poll_seconds=0.01).follow(threading.Event())
    except NvmChainError as error:  # any other error ends the process, and the parent sees the end of the pipe
        pipe.send(("failed", repr(error)))


def _pause_in_writes(pipe: Pipe, pause_at: int) -> None:
    """Pause after a statement of a write, or before a commit."""
    done = 0

    def count(*_: object) -> None:
        nonlocal done
        done += 1
        if done == pause_at:
            pipe.send(("open",))
            pipe.recv()

    for kind, names in ((Pen, ("change", "change_each")), (SqlitePen, ("add",)), (PostgresPen, ("add", "replace"))):
        for name in names:
            setattr(kind, name, _count_after(getattr(kind, name), count))
    event.listen(Engine, "commit", count)


def _count_after(write: Callable[..., Any], count: Callable[[], None]) -> Callable[..., Any]:
    @wraps(write)
    def counted(*arguments: Any) -> Any:
        found = write(*arguments)
        count()
        return found

    return counted


def _defer_commits() -> None:
    """Plant a mistake: a store that leaves out every other commit."""
    held: list[Connection] = []
    writes = 0

    @contextmanager
    def writing(index: Index) -> Iterator[Connection]:
        nonlocal writes
        if not held:
            held.append(index.engine.connect().execution_options(writes=True))
            held[0].begin()
        yield held[0]
        writes += 1
        if writes % 2 == 0:
            held.pop().commit()

    Index.writing = writing  # type: ignore[method-assign,assignment]
