"""What works beside the serving: it begins again after every error, and its errors are logged, counted and told.

The workers are the follower of the chain, the settler, and the sender of webhooks.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from nvm_chain.errors import NvmChainError

logger: Final = logging.getLogger(__name__)

AGAIN_SECONDS: Final = 15
"""The pause before a worker begins again after an error, such as a node that does not answer."""
WELL_SECONDS: Final = 60
"""A worker that has run for so long after its last error is well again."""


@dataclass(slots=True)
class Worker:
    """How a worker does. ``failures`` counts from the start of the process. ``trouble`` names the last error."""

    name: str
    failures: int = 0
    trouble: str = ""
    failed_at: float = 0
    has_ended: bool = False

    @property
    def is_well(self) -> bool:
        """Whether the worker runs, and did not fail lately."""
        return not self.has_ended and (not self.failures or time.monotonic() - self.failed_at > WELL_SECONDS)


class Workers:
    """The workers of one process. Any thread may ask how they do."""

    def __init__(self, tell: Callable[[NvmChainError], object], *, again_seconds: float = AGAIN_SECONDS) -> None:
        """Take the function that tells an operator of errors of this package."""
        self._tell, self._again_seconds = tell, again_seconds
        self._workers: dict[str, Worker] = {}

    def work(self, name: str, work: Callable[[], None], stop: threading.Event) -> None:
        """Do some work in this thread until it is to stop. If it ends by an error, begin again a little later."""
        worker = self._workers.setdefault(name, Worker(name))
        while not stop.is_set():
            try:
                work()
            except Exception as error:  # noqa: BLE001  # whatever it is, the work has to begin again
                self._note(worker, error)
                stop.wait(self._again_seconds)

    async def keep(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do some work in this event loop until the task is cancelled. If it ends by an error, begin again a little later."""
        worker = self._workers.setdefault(name, Worker(name))
        while True:
            try:
                await work()
            except Exception as error:  # noqa: BLE001  # whatever it is, the work has to begin again
                self._note(worker, error)
            await asyncio.sleep(self._again_seconds)

    def note_end(self, name: str, error: BaseException) -> None:
        """Note that something has ended by an error, and will not begin again in this process."""
        worker = self._workers.setdefault(name, Worker(name))
        self._note(worker, error, again="and does not begin again. Start the gateway again")
        worker.has_ended = True

    def _note(self, worker: Worker, error: BaseException, again: str = "and begins again") -> None:
        worker.failures += 1
        worker.trouble, worker.failed_at = type(error).__name__, time.monotonic()
        if isinstance(error, NvmChainError):
            self._tell(error)
        else:
            logger.error("The %s failed with %s, %s.", worker.name, worker.trouble, again, exc_info=error)

    # ------------------------------------------------------------------ what is told

    def list_troubles(self) -> list[dict[str, Any]]:
        """Return the workers that failed lately, for ``/health/ready``."""
        now = time.monotonic()
        return [
            {
                "worker": worker.name,
                "failures": worker.failures,
                "error": worker.trouble,
                "secondsAgo": int(now - worker.failed_at),
                "hasEnded": worker.has_ended,
            }
            for worker in [*self._workers.values()]
            if not worker.is_well
        ]

    def write_metrics(self) -> bytes:
        """Return how often each worker failed, as Prometheus reads it."""
        head = "# HELP nvm_worker_failures_total Errors after which a worker began again.\n# TYPE nvm_worker_failures_total counter\n"
        lines = (
            f'nvm_worker_failures_total{{worker="{each.name}"}} {each.failures}\n' for each in [*self._workers.values()]
        )
        return f"{head}{''.join(lines)}".encode()
