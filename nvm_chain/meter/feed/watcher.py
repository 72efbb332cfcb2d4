"""The watcher: a thread that waits for new blocks in the index, and tells which accounts they changed."""

import threading
import time
from collections.abc import Callable, Collection
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from nvm_chain.errors import IndexUnavailable, NvmChainError
from nvm_chain.index.store import Index
from nvm_chain.index.view import ViewReader
from nvm_chain.index.watching import Watch
from nvm_chain.meter.store.group_rows import AccountKey
from nvm_chain.types.events import Block

LONGEST_WAIT_SECONDS: Final = 1.0
"""How long the watcher waits for a block before it says that there is none, and looks whether it should stop."""
PAUSE_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Told:
    """What a look at the index told. ``block`` is its latest block, or None if no new one was seen yet.

    ``begins`` says that a watch has begun. What changed before it is not told.
    """

    block: Block | None
    changed: frozenset[AccountKey]
    seen_at: int
    begins: bool = False


Tell = Callable[[Told | NvmChainError], None]


class Watcher:
    """Watches the accounts of some plans. It tells what it sees, and failures, in its thread."""

    def __init__(self, open_index: Callable[[], Index], plan_ids: Collection[int], tell: Tell) -> None:
        """Take what opens an index. The watcher opens one of its own, in its thread."""
        self._open_index, self._plan_ids, self._tell = open_index, plan_ids, tell
        self._block: Block | None = None

    def run(self, stop: threading.Event) -> None:
        """Watch until ``stop`` is set. While the index does not answer, try again after a pause."""
        while not stop.is_set():
            try:
                with ExitStack() as stack:
                    watch = self._begin(stack)
                    self._follow(watch, stop)
            except IndexUnavailable as error:
                self._tell(error)
                stop.wait(PAUSE_SECONDS)
            except NvmChainError as error:
                self._tell(error)
                return

    def _begin(self, stack: ExitStack) -> Watch:
        index = self._open_index()
        stack.callback(index.close)
        watch = stack.enter_context(Watch(ViewReader(index, [], 1), self._plan_ids))
        self._tell(Told(None, frozenset(), _read_clock(), begins=True))
        return watch

    def _follow(self, watch: Watch, stop: threading.Event) -> None:
        """Tell each change. The watch is kept through failures, so that it tells what changed meanwhile."""
        while not stop.is_set():
            try:
                view = watch.wait(LONGEST_WAIT_SECONDS)
            except IndexUnavailable as error:
                self._tell(error)
                stop.wait(PAUSE_SECONDS)
                continue
            seen_at = _read_clock()
            if view is None:
                self._tell(Told(self._block, frozenset(), seen_at))
                continue
            self._block = view.block
            self._tell(Told(view.block, frozenset(AccountKey(*key) for key in view.accounts), seen_at))


def _read_clock() -> int:
    return int(time.time())


def start_watcher(watcher: Watcher, stop: threading.Event) -> threading.Thread:
    """Start a watcher in a thread of its own."""
    thread = threading.Thread(target=watcher.run, args=(stop,), name="nvm_chain watcher", daemon=True)
    thread.start()
    return thread
