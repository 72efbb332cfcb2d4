"""The writer: one thread that stores the changes of a process in groups. While one group is stored, the next one gathers."""

import asyncio
import queue
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

from msgspec import Struct

from nvm_chain.errors import IndexFailure, MeterClosed, NvmChainError
from nvm_chain.meter.notices import NoticeRule
from nvm_chain.meter.store.changes import Change
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.times import find_now

ENOUGH_IN_GROUP: Final = 512
"""A group with as many changes is stored, although more wait."""
LATER_SECONDS: Final = 0.005
"""How long a change that nobody awaits waits for a group to ride in. After that, it gets a group of its own."""
AnyOutcome = TypeVar("AnyOutcome")


class Job(Struct):
    """A change whose outcome a loop waits for. ``settle`` gets the job and its outcome in that loop."""

    change: Change[Any]
    future: "asyncio.Future[Any]"
    settle: "Callable[[Job, Any], None]"


class _Gift(NamedTuple):
    """A change whose outcome a function gets in the writer's thread."""

    change: Change[Any]
    tell: Callable[[Any], None]


class _Mail(list[Job]):
    """What one loop has not handed over yet. A loop hands over once in each of its turns.

    ``is_carried`` says that the loop looks soon whether changes that nobody awaits found a group to ride in.
    """

    is_carried = False


_Post: TypeAlias = "Sequence[Job | _Gift] | Callable[[Store], None] | None"
"""What the thread gets: jobs and gifts, some work of its own, or the end."""
_END: Final = None


class Writer:
    """Stores changes. Any thread and any event loop may give it some."""

    def __init__(self, store: Store) -> None:
        """Start the thread. It owns the store from now on."""
        self._store = store
        self._posts: queue.SimpleQueue[_Post] = queue.SimpleQueue()
        self._mails: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Mail] = weakref.WeakKeyDictionary()
        self._riders: deque[Job] = deque()
        self._is_closed = False
        self._door = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="nvm_chain meter", daemon=True)
        self._thread.start()

    @property
    def now(self) -> int:
        """The second for checks before a group: the later of this machine's clock and the latest block that the group saw."""
        return find_now(self._store.head_time, int(time.time()))

    def write_notices(self, rules: Mapping[int, NoticeRule]) -> None:
        """Write notices to the holders of some plans from now on. Any thread may call it."""
        self._store.write_notices(rules)

    async def do(self, change: Change[AnyOutcome]) -> AnyOutcome:
        """Store a change, and return its outcome when it is durable.

        Raises:
            NvmChainError: The change was refused, or the store failed. See `Store.run`.
            MeterClosed: The writer was closed.
        """
        return await self.send(change, settle)

    def send(self, change: Change[AnyOutcome], settle: Callable[[Job, Any], None]) -> "asyncio.Future[AnyOutcome]":
        """Store a change, and return a future at once. ``settle`` is called in this loop with the job and its outcome."""
        loop = asyncio.get_running_loop()
        job = Job(change, loop.create_future(), settle)
        self.send_again(job)
        return job.future

    def send_along(
        self, change: Change[AnyOutcome], settle: Callable[[Job, Any], None]
    ) -> "asyncio.Future[AnyOutcome]":
        """Store a change that nobody awaits: it rides in the next group, or gets one of its own a few milliseconds later.

        So a request costs one commit, which is that of its hold. See `send`.
        """
        loop = asyncio.get_running_loop()
        job = Job(change, loop.create_future(), settle)
        with self._door:
            is_late = self._is_closed
            if not is_late:
                self._riders.append(job)
        if is_late:
            self.send_again(job)
            return job.future
        mail = self._find_mail(loop)
        if not mail.is_carried:
            mail.is_carried = True
            loop.call_later(LATER_SECONDS, self._carry, mail)
        return job.future

    def _carry(self, mail: _Mail) -> None:
        """Begin a group for changes that found none to ride in."""
        mail.is_carried = False
        self.hurry()

    def hurry(self) -> None:
        """Begin a group for what waits to ride in one."""
        if self._riders and not self._is_closed:
            self._posts.put(())

    def _find_mail(self, loop: asyncio.AbstractEventLoop) -> _Mail:
        mail = self._mails.get(loop)
        if mail is None:
            mail = self._mails[loop] = _Mail()
        return mail

    def send_again(self, job: Job) -> None:
        """Store the change of a job. Call it in the loop of the job's future."""
        loop = job.future.get_loop()
        if self._is_closed:
            loop.call_soon(job.settle, job, MeterClosed())
            return
        mail = self._find_mail(loop)
        if not mail:
            loop.call_soon(self._hand_over, mail)
        mail.append(job)

    def _hand_over(self, mail: _Mail) -> None:
        """Give the thread what a loop has gathered in this turn."""
        jobs = tuple(mail)
        mail.clear()
        try:
            self._put(jobs)
        except MeterClosed as error:
            for job in jobs:
                job.settle(job, error)

    def give(self, change: Change[AnyOutcome], tell: Callable[[AnyOutcome | NvmChainError], None]) -> None:
        """Store a change without waiting. ``tell`` gets the outcome, or an error, in the writer's thread."""
        self._put((_Gift(change, tell),))

    def run(self, work: Callable[[Store], AnyOutcome]) -> AnyOutcome:
        """Run something with the store after the group that gathers now, and wait. Not for a thread with an event loop."""
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

    def _put(self, post: _Post) -> None:
        """Give the thread something. With the lock, nothing comes after the end, where nobody would do it."""
        with self._door:
            if self._is_closed:
                raise MeterClosed
            self._posts.put(post)

    def close(self) -> None:
        """Store what was given, then end the thread and close the store."""
        with self._door:
            if not self._is_closed:
                self._is_closed = True
                self._posts.put(_END)
        self._thread.join()

    # ------------------------------------------------------------------ the thread

    def _work(self) -> None:
        try:
            while True:
                group, works, is_last = self._gather()
                if group:
                    _deliver(group, self._run(group))
                for work in works:
                    work(self._store)
                if is_last:
                    return
        finally:
            self._store.close()

    def _gather(self) -> tuple[list[Job | _Gift], list[Callable[[Store], None]], bool]:
        """Return the next changes, the works to do after them, and whether the end of the writer has come."""
        works: list[Callable[[Store], None]] = []
        post = self._posts.get()
        group: list[Job | _Gift] = self._take_riders()
        while True:
            if post is _END:
                return group + self._take_riders(), works, True
            if callable(post):
                works.append(post)
            else:
                group.extend(self._take_riders())  # what was given before this post is decided before it
                group.extend(post)
            if len(group) >= ENOUGH_IN_GROUP:
                return group, works, False
            try:
                post = self._posts.get_nowait()
            except queue.Empty:
                return group, works, False

    def _take_riders(self) -> list[Job | _Gift]:
        """Take the changes that nobody awaits. They come first, because what they give back may admit a request."""
        riders: list[Job | _Gift] = []
        while self._riders:
            riders.append(self._riders.popleft())
        return riders

    def _run(self, group: Sequence[Job | _Gift]) -> list[Any]:
        try:
            return self._store.run([job.change for job in group])
        except IndexFailure as error:
            return [error] * len(group)
        except Exception as error:  # noqa: BLE001  # a mistake in one change harms no other, and does not end the thread
            return [error] if len(group) == 1 else [outcome for job in group for outcome in self._run([job])]


def _deliver(group: Sequence[Job | _Gift], outcomes: Sequence[Any]) -> None:
    """Tell each outcome. The jobs of one loop are told by one call, because waking a loop costs more than a job."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[Job, Any]]] = {}
    for job, outcome in zip(group, outcomes, strict=True):
        if isinstance(job, Job):
            by_loop.setdefault(job.future.get_loop(), []).append((job, outcome))
        else:
            job.tell(outcome)
    for loop, told in by_loop.items():
        try:
            loop.call_soon_threadsafe(_settle_all, told)
        except RuntimeError:  # the loop has ended, and with it whoever waited
            continue


def _settle_all(told: Sequence[tuple[Job, Any]]) -> None:
    for job, outcome in told:
        job.settle(job, outcome)


def settle(job: Job, outcome: Any) -> None:
    """Resolve the future of a job."""
    resolve(job.future, outcome)


def resolve(future: "asyncio.Future[Any]", outcome: Any, *, is_awaited: bool = True) -> None:
    """Resolve a future with an outcome or an error, unless whoever waited was cancelled.

    If nobody has to await it, an error is looked at, so that it is not reported as lost.
    """
    if future.done():
        return
    if not isinstance(outcome, Exception):
        future.set_result(outcome)
        return
    future.set_exception(outcome)
    if not is_awaited:
        future.exception()
