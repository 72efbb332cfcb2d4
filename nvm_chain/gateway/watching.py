"""Whether the buyer is still there. A server says so only to whoever asks for the next message of the request."""

import asyncio
from typing import Final

from nvm_chain.gateway.forwarding import Passage

WATCH_SECONDS: Final = 0.05
"""After this time, the gateway looks whether the buyer is still there. Most answers come earlier."""


class BuyerWatch:
    """Cancels the task of a request if the buyer goes away while the upstream works, or sends another body than it signed."""

    def __init__(self, passage: Passage) -> None:
        """Begin to watch a little later."""
        self._passage, self._receive = passage, passage.receive
        self._task = asyncio.current_task()
        self._watching: asyncio.Task[None] | None = None
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(WATCH_SECONDS, self._begin)
        self._has_ended = False
        passage.on_trouble = self._end_answer

    def _begin(self) -> None:
        if self._passage.body.is_short:
            self._watching = asyncio.ensure_future(self._watch())
        else:  # the body is still being received, which tells the same
            self._timer = asyncio.get_running_loop().call_later(WATCH_SECONDS, self._begin)

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._end()

    def _end_answer(self) -> None:
        """End an answer that came before the whole body, if the rest of the body does not come, or is not the signed one."""
        if self._passage.began:
            self._end()

    def _end(self) -> None:
        self._has_ended = True
        if self._task is not None:
            self._task.cancel()

    def take_back(self) -> bool:
        """Return whether the task was cancelled because of the buyer. The task may go on."""
        if self._has_ended and self._task is not None:
            self._task.uncancel()
        return self._has_ended

    def stop(self) -> None:
        """Watch no longer."""
        self._timer.cancel()
        self._passage.on_trouble = None
        if self._watching is not None:
            self._watching.cancel()
