"""Queues in front of upstreams: so many requests of a service run at the same time, and some more wait for a short time.

The others are refused. Without queues, a service that does not answer would use up the connections that all services need.
"""

import asyncio
from typing import Final

from nvm_chain.errors import UpstreamBusy
from nvm_chain.errors.fields import Quantity

MAX_WAITING: Final = 100
"""How many requests to one service may wait."""
WAIT_SECONDS: Final = 10
"""How long a request may wait."""


class UpstreamQueue:
    """The queue of one service. Whoever enters leaves once."""

    def __init__(self, service: str, most: Quantity) -> None:
        """Take the DID of the service, and how many requests run at the same time."""
        self._service, self._most = service, most
        self._running = 0
        self._waiting: dict[asyncio.Future[None], None] = {}

    async def enter(self) -> None:
        """Begin a request, and wait before if as many run as may. Raises UpstreamBusy."""
        if self._running < self._most:
            self._running += 1
            return
        if len(self._waiting) >= MAX_WAITING:
            raise UpstreamBusy(self._service, self._most)
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[place] = None
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await place
        except TimeoutError:
            self._give_up(place)
            raise UpstreamBusy(self._service, self._most) from None
        except asyncio.CancelledError:
            self._give_up(place)
            raise

    def leave(self) -> None:
        """End a request. The one that has waited longest runs in its place."""
        while self._waiting:
            place = next(iter(self._waiting))
            del self._waiting[place]
            if not place.done():
                place.set_result(None)
                return
        self._running -= 1

    def _give_up(self, place: "asyncio.Future[None]") -> None:
        """Wait no longer. The request may have begun in the same moment, and then it ends."""
        if place in self._waiting:
            del self._waiting[place]
        elif not place.cancelled():
            self.leave()
