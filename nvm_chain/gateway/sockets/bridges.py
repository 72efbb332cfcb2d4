"""One websocket between a buyer and a service: both directions at once, and what is paid for on the way.

A side that is slow slows the other one: a message is taken only when the one before it was handed on. When one side ends, or the
payment does, both are told, and everything that is held ends.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from nvm_chain.errors import NvmChainError
from nvm_chain.errors.fields import Seconds
from nvm_chain.gateway.sockets.buyers import LOST, BuyerSocket
from nvm_chain.gateway.sockets.endings import BAD_GATEWAY, FAILED, IDLE, TOO_LARGE, Ending, Side, end_by
from nvm_chain.gateway.sockets.terms import SocketTerms
from nvm_chain.gateway.sockets.units import Units
from nvm_chain.gateway.sockets.upstream import UpstreamSocket
from nvm_chain.meter.store.group_rows import StoredHold

LOOK_SECONDS: Final = 10
"""How often the gateway looks whether the token of a connection is still good."""
STALL_SECONDS: Final = 60
"""How long one message may wait for a buyer that does not read."""
_LARGEST_CHARACTER: Final = 4
"""How many bytes of UTF-8 a character has at most."""


class Bridge:
    """A connection that was accepted on both sides."""

    def __init__(
        self,
        buyer: BuyerSocket,
        upstream: UpstreamSocket,
        units: Units,
        terms: SocketTerms,
        seconds: Seconds,
        count: Callable[[Side], object],
    ) -> None:
        """Take both sides.

        Args:
            buyer: The buyer's side.
            upstream: The service's side.
            units: What the connection uses, and who pays.
            terms: How it is sold.
            seconds: How long one message may wait for the service.
            count: Called with the side of each message that was handed on.
        """
        self._buyer, self._upstream, self._units = buyer, upstream, units
        self._terms, self._seconds, self._count = terms, seconds, count
        loop = asyncio.get_running_loop()
        self._clock = loop.time
        self._last = self._clock()
        self._stop: asyncio.Future[Ending] = loop.create_future()
        self._in_flight: StoredHold | None = None

    def stop(self, ending: Ending) -> None:
        """End the connection from outside."""
        if not self._stop.done():
            self._stop.set_result(ending)

    async def run(self) -> Ending:
        """Hand on messages until one side ends or the payment does, tell both sides, and return how it ended."""
        work = (self._hand_up(), self._hand_down(), self._keep())
        tasks = [asyncio.ensure_future(_end_by_error(each)) for each in work]
        ending = Ending(Side.GATEWAY, FAILED, "The gateway failed. Connect again.")
        try:
            done, _ = await asyncio.wait([*tasks, self._stop], return_when=asyncio.FIRST_COMPLETED)
            ending = next(each for each in (*tasks, self._stop) if each in done).result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._end_units(ending)
            await asyncio.gather(self._buyer.close(ending), self._upstream.close(ending))
        return ending

    def _end_units(self, ending: Ending) -> None:
        """Charge a message on its way up, unless the service ended before it was handed on."""
        hold, self._in_flight = self._in_flight, None
        if ending.side is Side.SERVICE or ending.code == BAD_GATEWAY:
            self._units.give_back(hold)
        else:
            self._units.spend(hold)
        self._units.finish()

    # ------------------------------------------------------------------ directions

    async def _hand_up(self) -> Ending:
        while True:
            message = await self._buyer.receive()
            if isinstance(message, Ending):
                return message
            if self._is_too_large(message):
                return Ending(Side.GATEWAY, TOO_LARGE, f"A message has at most {self._terms.max_bytes} bytes.")
            self._last = self._clock()
            self._in_flight = await self._units.take_message()
            try:
                async with asyncio.timeout(self._seconds):
                    await self._upstream.send(message)
            except TimeoutError:
                return Ending(Side.GATEWAY, BAD_GATEWAY, "The service behind the gateway does not read. Connect again.")
            except OSError:
                return await self._find_end()
            hold, self._in_flight = self._in_flight, None
            self._units.spend(hold)
            self._count(Side.BUYER)

    async def _find_end(self) -> Ending:
        """Leave it to the other direction to say how the service has ended. It has the code."""
        await asyncio.sleep(STALL_SECONDS)
        return Ending(Side.SERVICE, BAD_GATEWAY)

    async def _hand_down(self) -> Ending:
        while True:
            message = await self._upstream.receive()
            if isinstance(message, Ending):
                return message
            self._last = self._clock()
            await self._units.ensure()
            try:
                async with asyncio.timeout(STALL_SECONDS):
                    await self._buyer.send(message)
            except TimeoutError:
                return Ending(Side.GATEWAY, IDLE, "Nothing was read for too long. Connect again.")
            except OSError:
                return LOST
            self._count(Side.SERVICE)

    def _is_too_large(self, message: str | bytes) -> bool:
        most = self._terms.max_bytes
        if isinstance(message, bytes) or len(message) > most:
            return len(message) > most
        return len(message) * _LARGEST_CHARACTER > most and len(message.encode("utf-8", "replace")) > most

    # ------------------------------------------------------------------ time

    async def _keep(self) -> Ending:
        """Begin each minute that is paid, and look whether somebody still talks and whether the token is still good."""
        look = self._clock() + LOOK_SECONDS
        while True:
            quiet = self._last + self._terms.idle_seconds - self._clock()
            if quiet <= 0:
                return Ending(Side.GATEWAY, IDLE, "Nothing was sent for too long. Connect again.")
            await asyncio.sleep(max(0, min(quiet, self._units.seconds_left, look - self._clock())))
            await self._units.ensure()
            if self._clock() >= look:
                await self._units.check()
                look = self._clock() + LOOK_SECONDS


async def _end_by_error(work: Coroutine[Any, Any, Ending]) -> Ending:
    """Return how a direction ends. What the meter refuses ends it too."""
    try:
        return await work
    except NvmChainError as error:
        return end_by(error)
