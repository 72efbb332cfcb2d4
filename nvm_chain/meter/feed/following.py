"""The feed: it follows the index, and keeps the views in the meter's books at the head."""

import queue
import threading
from collections.abc import Callable, Collection
from concurrent.futures import Future
from contextlib import ExitStack
from typing import Final

from nvm_chain.errors import (
    DiskFull,
    IndexBehind,
    IndexNotWritable,
    IndexUnavailable,
    MeterClosed,
    NvmChainError,
    UnknownPlan,
    ViewUnusable,
)
from nvm_chain.index.store import Index
from nvm_chain.meter.feed.bringing import Bringer
from nvm_chain.meter.feed.sinks import ViewSink, WindowSink
from nvm_chain.meter.feed.watcher import Told, Watcher, start_watcher
from nvm_chain.meter.store.group_rows import AccountKey

WAITED_FOR: Final = (DiskFull, IndexBehind, IndexNotWritable, IndexUnavailable, ViewUnusable)
"""What may pass: an index or books that are away, and books that another process has changed meanwhile."""
PAUSE_SECONDS: Final = 0.5
"""The pause after a failure."""
IDLE_SECONDS: Final = 0.2
"""How often the feed looks whether it should stop."""
Wish = tuple[AccountKey, "Future[None]"]


class Feed:
    """Keeps the views of a meter's accounts at the head of an index.

    It tells the accounts that have books, and those that were named with `want`. While the index or the books do not
    answer, it tries again. The head that it noted then gets old, which says that the views are too old.
    """

    def __init__(
        self,
        open_index: Callable[[], Index],
        plan_ids: Collection[int],
        redeemers: Collection[str],
        depth: int,
        books: ViewSink,
        windows: WindowSink | None = None,
        *,
        renews: bool = False,
        on_trouble: Callable[[NvmChainError], object] | None = None,
    ) -> None:
        """Take what it needs. No request.

        Args:
            open_index: Opens the index. It is called in two threads, each of which closes its own.
            plan_ids: The plans of the meter.
            redeemers: The meter's keys. What they settle and redeem is what the meter took. Keys that were in use before
                belong to them.
            depth: The number of blocks that have to follow a grant before it counts.
            books: The books of credits plans.
            windows: The books of time plans.
            renews: Whether to note the same head again and again while there is no new block. Only for a chain that mines on
                demand. Elsewhere, a follower that has stopped would not be noticed.
            on_trouble: Called with each failure after which the feed tries again, in a thread of the feed.

        Raises:
            InvalidAddress: A redeemer is not an address.
        """
        self._open_index, self._plan_ids, self._on_trouble = open_index, frozenset(plan_ids), on_trouble
        self._bringer = Bringer(self._plan_ids, redeemers, depth, books, windows, renews=renews)
        self._inbox: queue.SimpleQueue[Told | NvmChainError | Wish] = queue.SimpleQueue()
        self._lock, self._is_over, self._is_watching = threading.Lock(), False, False
        self._wishes: list[Wish] = []
        self._end: NvmChainError = MeterClosed()

    def want(self, key: AccountKey) -> "Future[None]":
        """Let an account be told from now on. Any thread may call it.

        Returns:
            A future that is done when the first views are in the books, or when the account is known to be empty. Then its
            first views come when something is granted to it. The future fails with UnknownPlan if the feed or the index
            does not have the plan. If the feed ends before, it fails with the feed's error, or with MeterClosed.
        """
        future = Future[None]()
        if key.plan_id not in self._plan_ids:
            _fail(future, UnknownPlan(key.plan_id).explain("the meter is not for it", "name it in the meter's plans"))
            return future
        with self._lock:
            is_over = self._is_over
            if not is_over:
                self._inbox.put((key, future))
        if is_over:
            _fail(future, self._end)
        return future

    def run(self, stop: threading.Event) -> None:
        """Follow the index until ``stop`` is set. It has to run once, in a thread of its own.

        Raises:
            InvalidConfig: A plan is a time plan, and there are no books of windows.
            WrongDatabase: The database is not an index.
            OlderSchema: The index has an older schema.
            NewerSchema: The index was written by a newer version of this package.
            OtherChain: The index belongs to another chain or other contracts.
            MeterClosed: The books were closed before the feed.
        """
        ended = threading.Event()
        watching = start_watcher(Watcher(self._open_index, self._plan_ids, self._inbox.put), ended)
        try:
            self._run(stop)
        except NvmChainError as error:
            self._end = error
            raise
        finally:
            ended.set()
            self._refuse_rest()
            watching.join()

    def _run(self, stop: threading.Event) -> None:
        with ExitStack() as stack:
            index: Index | None = None
            while not stop.is_set():
                try:
                    if not self._gather():
                        continue
                    if index is None:
                        index = self._open_index()
                        stack.callback(index.close)
                    self._work(index)
                except WAITED_FOR as error:
                    self._tell_trouble(error)
                    stop.wait(PAUSE_SECONDS)

    # ------------------------------------------------------------------ what came in

    def _gather(self) -> bool:
        """Take what came in, and return whether there may be something to do. It is so after a failure, too."""
        try:
            self._take(self._inbox.get(timeout=IDLE_SECONDS))
            while True:
                self._take(self._inbox.get_nowait())
        except queue.Empty:
            return self._is_watching

    def _take(self, item: "Told | NvmChainError | Wish") -> None:
        if isinstance(item, Told):
            self._is_watching = True
            self._bringer.take(item)
        elif isinstance(item, tuple):
            self._wishes.append(item)
        elif isinstance(item, WAITED_FOR):
            self._tell_trouble(item)
        else:
            raise item

    def _tell_trouble(self, error: NvmChainError) -> None:
        if self._on_trouble is not None:
            self._on_trouble(error)

    def _refuse_rest(self) -> None:
        """Let all wishes fail that were not fulfilled, and those that come later."""
        with self._lock:
            self._is_over = True
        while not self._inbox.empty():
            item = self._inbox.get_nowait()
            if isinstance(item, tuple):
                self._wishes.append(item)
        for _, future in self._wishes:
            _fail(future, self._end)

    # ------------------------------------------------------------------ what is done

    def _work(self, index: Index) -> None:
        """Bring all accounts that changed to the head, give the wanted ones their first views, and note the head."""
        unknown = self._bringer.bring(index, {key for key, _ in self._wishes})
        self._bringer.note_head()  # before the wishes, because requests need a head too
        wishes, self._wishes = self._wishes, []
        for key, future in wishes:
            if key in unknown:
                _fail(future, UnknownPlan(key.plan_id).explain("or the index has not reached it", "try again later"))
            elif future.set_running_or_notify_cancel():
                future.set_result(None)


def _fail(future: "Future[None]", error: NvmChainError) -> None:
    if future.set_running_or_notify_cancel():
        future.set_exception(error)
