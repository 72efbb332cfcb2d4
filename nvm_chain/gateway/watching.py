"""Whether the buyer is still there. A server says so only to whoever asks for the next message of the request."""

import asyncio
from enum import Enum, auto
from typing import Final

from nvm_chain.errors.fields import Seconds
from nvm_chain.gateway.forwarding import Passage

WATCH_SECONDS: Final = 0.05
"""After this time, the gateway looks whether the buyer is still there. Most answers come earlier."""


class End(Enum):
    """Why the task of a request was cancelled."""

    BUYER = auto()
    """The buyer went away, or sent another body than it signed."""
    LATE = auto()
    """The request took too long."""


class BuyerWatch:
    """Cancels the task of a request if the buyer goes away while the upstream works, sends another body than it signed, or waits long.

    One timer does both at first, because most requests end before it.
    """

    def __init__(self, passage: Passage, seconds: Seconds) -> None:
        """Begin to watch a little later. ``seconds`` are how long the request may take."""
        self._passage, self._receive = passage, passage.receive
        self._task = asyncio.current_task()
        self._watching: asyncio.Task[None] | None = None
        loop = asyncio.get_running_loop()
        self._cancellations = 0 if self._task is None else self._task.cancelling()
        self._timer = loop.call_later(WATCH_SECONDS, self._begin, seconds)
        self._limit: asyncio.TimerHandle | None = None
        self._ended: End | None = None
        passage.on_trouble = self._end_answer

    def _begin(self, seconds: Seconds) -> None:
        self._limit = asyncio.get_running_loop().call_later(seconds - WATCH_SECONDS, self._end, End.LATE)
        self._look()

    def _look(self) -> None:
        if self._passage.body.is_short:
            self._watching = asyncio.ensure_future(self._watch())
        else:  # the body is still being received, which tells the same
            self._timer = asyncio.get_running_loop().call_later(WATCH_SECONDS, self._look)

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._end(End.BUYER)

    def _end_answer(self) -> None:
        """End an answer that came before the whole body, if the rest of the body does not come, or is not the signed one."""
        if self._passage.began:
            self._end(End.BUYER)

    def _end(self, end: End) -> None:
        if self._ended is None and self._task is not None:
            self._ended = end
            self._task.cancel()

    def take_back(self) -> End | None:
        """Return why the task was cancelled, and let it go on. None if others have cancelled it."""
        if self._ended is None or self._task is None or self._task.uncancel() > self._cancellations:
            return None
        return self._ended

    def stop(self) -> None:
        """Watch no longer."""
        self._timer.cancel()
        if self._limit is not None:
            self._limit.cancel()
        self._passage.on_trouble = None
        if self._watching is not None:
            self._watching.cancel()
