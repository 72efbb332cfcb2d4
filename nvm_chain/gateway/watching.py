"""Whether the buyer is still there, and whether a request has time left. A server says only to whoever asks that a buyer has gone."""

import asyncio
from enum import Enum, auto
from typing import Final

from nvm_chain.errors import NvmChainError
from nvm_chain.gateway.forwarding import Passage
from nvm_chain.gateway.outcomes import Outcome
from nvm_chain.gateway.time_limits import TimeLimit

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

    A request whose answer goes on takes as long as the answer: its hold is prolonged meanwhile. One timer does all at first, because
    most requests end before it.
    """

    def __init__(self, passage: Passage, outcome: Outcome) -> None:
        """Begin to watch a little later."""
        self._passage, self._receive, self._outcome = passage, passage.receive, outcome
        self._task = asyncio.current_task()
        self._watching: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._cancellations = 0 if self._task is None else self._task.cancelling()
        self._timer = self._loop.call_later(WATCH_SECONDS, self._begin)
        self._limit = TimeLimit(passage.service.settings, self._loop.time(), has_hold=outcome.has_hold)
        self._look_at_time: asyncio.TimerHandle | None = None
        self._prolonging: asyncio.Task[None] | None = None
        self._ended: End | None = None
        passage.on_trouble = self._end_answer

    def _begin(self) -> None:
        self._check_time()
        self._look()

    def _look(self) -> None:
        if self._passage.body.is_short:
            self._watching = asyncio.ensure_future(self._watch())
        else:  # the body is still being received, which tells the same
            self._timer = self._loop.call_later(WATCH_SECONDS, self._look)

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._end(End.BUYER)

    # ------------------------------------------------------------------ time

    def note_piece(self) -> None:
        """Note that the buyer has taken the head of the answer, or one more piece of it."""
        now = self._loop.time()
        self._limit.note_piece(now)
        self._prolong_in_time(now)

    def _check_time(self) -> None:
        """End a request whose time is over, and look again later."""
        now = self._loop.time()
        if now >= self._limit.end:
            self._end(End.LATE)
            return
        self._prolong_in_time(now)
        self._look_at_time = self._loop.call_at(self._limit.find_next_look(now), self._check_time)

    def _prolong_in_time(self, now: float) -> None:
        """Prolong the hold if it ends soon, and something of the answer came lately."""
        if self._prolonging is None and self._passage.began and self._limit.wants_more(now):
            self._limit.note_asked(now)
            self._prolonging = asyncio.ensure_future(self._prolong(now))

    async def _prolong(self, asked_at: float) -> None:
        try:
            self._limit.note_prolonged(asked_at, await self._outcome.prolong())
        except NvmChainError:
            pass  # the books cannot be written, or the hold has ended. The request ends with it, unless another try works
        finally:
            self._prolonging = None

    # ------------------------------------------------------------------ the end

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
        self._passage.on_trouble = None
        for running in (self._timer, self._look_at_time, self._watching, self._prolonging):
            if running is not None:
                running.cancel()
