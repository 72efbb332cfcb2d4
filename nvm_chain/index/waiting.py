"""The pauses of a follower while a node or a database does not answer."""

import threading
import time
from typing import Final

from nvm_chain.errors import NvmChainError

FIRST_PAUSE_SECONDS: Final = 0.1
LONGEST_PAUSE_SECONDS: Final = 8.0


class Waiting:
    """The pauses while a node or a database does not answer, within a total time."""

    def __init__(self, total_seconds: float) -> None:
        """Start while all answer."""
        self._total, self._began, self._pause = total_seconds, 0.0, FIRST_PAUSE_SECONDS
        self.is_on = False

    def wait(self, error: NvmChainError, stop: threading.Event) -> None:
        """Pause, or raise the error if the total time is over."""
        now = time.monotonic()
        if not self.is_on:
            self.is_on, self._began, self._pause = True, now, FIRST_PAUSE_SECONDS
        if now - self._began >= self._total:
            raise error
        stop.wait(self._pause)
        self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)

    def end(self) -> None:
        """Note that all answer again."""
        self.is_on = False
