"""Desks of the pages: a few threads that ask something, such as the chain or its index, and a bounded queue."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Generic, TypeVar

from nvm_chain.gateway.refusals import RETRY_SECONDS, Refusal, tell_refusal
from nvm_chain.gateway.serving import Refused

THREADS: Final = 4
MOST_WAITING: Final = 64
"""How many questions may be asked or wait at the same time. Whoever comes later is told to come again."""
BUSY: Final = "Too many people order at the moment. Try again in a few seconds."
Source = TypeVar("Source")
Told = TypeVar("Told")


class Desk(Generic[Source]):
    """Asks something for the pages. What they ask never takes a thread from the requests to services."""

    def __init__(
        self,
        connect: Callable[[], Source],
        *,
        threads: int = THREADS,
        most_waiting: int = MOST_WAITING,
        busy: str = BUSY,
    ) -> None:
        """Take the function that connects a thread. Nothing connects before the first question."""
        self._connect, self._most, self._busy = connect, most_waiting, busy
        self._own = threading.local()
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="nvm-chain checkout")
        self._waiting = 0

    async def ask(self, work: Callable[[Source], Told]) -> Told:
        """Do some work with a connection, in a thread. Raises what the work raises, and Refused if too much waits."""
        if self._waiting >= self._most:
            raise Refused(_refuse(self._busy))
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._do, work)
        finally:
            self._waiting -= 1

    def _do(self, work: Callable[[Source], Told]) -> Told:
        source: Source | None = getattr(self._own, "source", None)
        if source is None:
            source = self._own.source = self._connect()
        return work(source)

    def close(self) -> None:
        """Begin no further work. What runs ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _refuse(busy: str) -> Refusal:
    refusal = tell_refusal(503, "CheckoutBusy", busy)
    refusal.headers.append((b"retry-after", str(RETRY_SECONDS).encode()))
    return refusal
