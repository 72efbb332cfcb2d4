"""Reads of the index and the books for the page of sellers, in a few threads of their own, and a bounded number at a time."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from nvm_chain.gateway.refusals import RETRY_SECONDS, Refusal, tell_refusal
from nvm_chain.gateway.serving import Refused
from nvm_chain.index.store import Index

THREADS: Final = 2
MOST_WAITING: Final = 16
"""How many questions of different sellers are answered or wait at the same time, in one process."""
Told = TypeVar("Told")


class SellerDesk:
    """Reads for sellers. Each of them has one question at a time, and requests to services keep their threads."""

    def __init__(self, open_index: Callable[[], Index]) -> None:
        """Take a function that opens the index. Nothing is opened before the first question."""
        self._open_index = open_index
        self._index: Index | None = None
        self._door = threading.Lock()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="nvm-chain sellers")
        self._asking: set[str] = set()

    @asynccontextmanager
    async def turn(self, key: str) -> AsyncIterator[None]:
        """Take the turn of somebody for a ``with`` block. Raises Refused while another question of theirs is answered."""
        if key in self._asking:
            raise Refused(
                _refuse("TooManyQuestions", 1, "A question of yours is being answered already. Try again then.")
            )
        if len(self._asking) >= MOST_WAITING:
            message = "Too many sellers ask at the moment. Try again in a few seconds."
            raise Refused(_refuse("TooManySellers", RETRY_SECONDS, message))
        self._asking.add(key)
        try:
            yield
        finally:
            self._asking.discard(key)

    async def read(self, work: Callable[[Index], Told]) -> Told:
        """Do some work with the index, in a thread. Raises what the work raises, and IndexFailure if it cannot be opened."""
        return await self.do(lambda: work(self._find_index()))

    async def do(self, work: Callable[[], Told]) -> Told:
        """Do some work in a thread. Raises what the work raises."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _find_index(self) -> Index:
        with self._door:
            if self._index is None:
                self._index = self._open_index()
            return self._index

    def close(self) -> None:
        """Begin no further work, and close the index. What runs ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._index is not None:
            self._index.close()


def _refuse(name: str, seconds: int, message: str) -> Refusal:
    refusal = tell_refusal(429, name, message)
    refusal.headers.append((b"retry-after", str(seconds).encode()))
    return refusal
