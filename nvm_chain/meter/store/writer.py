"""The writer: one thread that stores the changes of a process in groups. While one group is stored, the next one gathers."""

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from nvm_chain.errors import IndexFailure, MeterClosed, NvmChainError
from nvm_chain.meter.store.changes import Change
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.times import find_now

MOST_IN_GROUP: Final = 512
"""How many changes one transaction stores at most."""
AnyOutcome = TypeVar("AnyOutcome")


class _Job(NamedTuple):
    """A change, and who is told its outcome: a function, or a future of a loop."""

    change: Change[Any]
    future: "asyncio.Future[Any] | None"
    tell: Callable[[Any], None] | None


_END: Final = None


class Writer:
    """Stores changes. Any thread and any event loop may give it some."""

    def __init__(self, store: Store) -> None:
        """Start the thread. It owns the store from now on."""
        self._store = store
        self._jobs: queue.SimpleQueue[_Job | Callable[[Store], None] | None] = queue.SimpleQueue()
        self._is_closed = False
        self._door = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="nvm_chain meter", daemon=True)
        self._thread.start()

    @property
    def now(self) -> int:
        """The second for checks before a group: the later of this machine's clock and the latest block that the group saw."""
        return find_now(self._store.head_time, int(time.time()))

    async def do(self, change: Change[AnyOutcome]) -> AnyOutcome:
        """Store a change, and return its outcome when it is durable.

        Raises:
            NvmChainError: The change was refused, or the store failed. See `Store.run`.
            MeterClosed: The writer was closed.
        """
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._put(_Job(change, future, None))
        outcome: AnyOutcome = await future
        return outcome

    def give(self, change: Change[AnyOutcome], tell: Callable[[AnyOutcome | NvmChainError], None]) -> None:
        """Store a change without waiting. ``tell`` gets the outcome, or an error, in the writer's thread."""
        self._put(_Job(change, None, tell))

    def run(self, work: Callable[[Store], AnyOutcome]) -> AnyOutcome:
        """Run something with the store between two groups, and wait for it. Not for a thread with an event loop."""
        done: queue.SimpleQueue[tuple[AnyOutcome | None, BaseException | None]] = queue.SimpleQueue()

        def act(store: Store) -> None:
            try:
                done.put((work(store), None))
            except BaseException as error:  # noqa: BLE001  # it is raised again in the thread that waits
                done.put((None, error))

        self._put(act)
        outcome, error = done.get()
        if error is not None:
            raise error
        return outcome  # type: ignore[return-value]

    def _put(self, job: _Job | Callable[[Store], None]) -> None:
        """Give the thread a job. With the lock, no job comes after the last one, where nobody would do it."""
        with self._door:
            if self._is_closed:
                raise MeterClosed
            self._jobs.put(job)

    def close(self) -> None:
        """Store what was given, then end the thread and close the store."""
        with self._door:
            if not self._is_closed:
                self._is_closed = True
                self._jobs.put(_END)
        self._thread.join()

    # ------------------------------------------------------------------ the thread

    def _work(self) -> None:
        try:
            while True:
                group, work, is_last = self._gather()
                if group:
                    _deliver(group, self._run(group))
                if work is not None:
                    work(self._store)
                if is_last:
                    return
        finally:
            self._store.close()

    def _gather(self) -> tuple[list[_Job], Callable[[Store], None] | None, bool]:
        """Return the next jobs, and what ends their group: some work of its own, or the end of the writer."""
        group: list[_Job] = []
        job = self._jobs.get()
        while True:
            if job is _END:
                return group, None, True
            if not isinstance(job, _Job):
                return group, job, False
            group.append(job)
            if len(group) == MOST_IN_GROUP:
                return group, None, False
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return group, None, False

    def _run(self, group: Sequence[_Job]) -> list[Any]:
        try:
            return self._store.run([job.change for job in group])
        except IndexFailure as error:
            return [error] * len(group)
        except Exception as error:  # noqa: BLE001  # a mistake in one change harms no other, and does not end the thread
            return [error] if len(group) == 1 else [outcome for job in group for outcome in self._run([job])]


def _deliver(group: Sequence[_Job], outcomes: Sequence[Any]) -> None:
    """Tell each outcome. The futures of one loop are told by one call, because waking a loop costs more than a future."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
    for job, outcome in zip(group, outcomes, strict=True):
        if job.tell is not None:
            job.tell(outcome)
        elif job.future is not None:
            by_loop.setdefault(job.future.get_loop(), []).append((job.future, outcome))
    for loop, told in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, told)
        except RuntimeError:  # the loop has ended, and with it whoever waited
            continue


def _resolve(told: Sequence[tuple["asyncio.Future[Any]", Any]]) -> None:
    for future, outcome in told:
        if future.done():  # whoever waited was cancelled
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
