"""The checkout's connections to the chain: a few threads, each with a connection of its own, and a bounded queue."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from nvm_chain.chain.client import Chain
from nvm_chain.gateway.refusals import RETRY_SECONDS, Refusal, tell_refusal
from nvm_chain.gateway.serving import Refused

THREADS: Final = 4
MOST_WAITING: Final = 64
"""How many questions may be asked or wait at the same time. Whoever comes later is told to come again."""
Told = TypeVar("Told")


class ChainDesk:
    """Asks the chain for the pages. What they ask never takes a thread from the requests to services."""

    def __init__(
        self, connect: Callable[[], Chain], *, threads: int = THREADS, most_waiting: int = MOST_WAITING
    ) -> None:
        """Take the function that connects to the chain. Nothing connects before the first question."""
        self._connect, self._most = connect, most_waiting
        self._own = threading.local()
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="nvm-chain checkout")
        self._waiting = 0

    async def ask(self, work: Callable[[Chain], Told]) -> Told:
        """Do some work with a connection, in a thread. Raises what the work raises, and Refused if too much waits."""
        if self._waiting >= self._most:
            raise Refused(_busy())
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._do, work)
        finally:
            self._waiting -= 1

    def _do(self, work: Callable[[Chain], Told]) -> Told:
        chain = getattr(self._own, "chain", None)
        if chain is None:
            chain = self._own.chain = self._connect()
        return work(chain)

    def close(self) -> None:
        """Begin no further work. What runs ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _busy() -> Refusal:
    refusal = tell_refusal(503, "CheckoutBusy", "Too many people order at the moment. Try again in a few seconds.")
    refusal.headers.append((b"retry-after", str(RETRY_SECONDS).encode()))
    return refusal
