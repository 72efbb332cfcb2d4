"""Changes on their way into the books: a hold that nobody waits for any more is given back, and its end is stored in any case."""

import asyncio
from typing import Any, Final, TypeVar

from nvm_chain.errors import IndexFailure
from nvm_chain.meter.store.changes import Change
from nvm_chain.meter.store.group_rows import StoredHold
from nvm_chain.meter.store.hold_ends import ReleaseHold
from nvm_chain.meter.store.tranche_changes import StoredTranche
from nvm_chain.meter.store.writer import Job, Writer, resolve, settle

AnyOutcome = TypeVar("AnyOutcome")
RETRY_SECONDS: Final = 0.5
"""The pause before an end is stored again, after the store failed."""


class Storing:
    """Gives the changes of one loop to the writer, and knows which are not stored yet."""

    def __init__(self, writer: Writer) -> None:
        """Take the writer."""
        self._writer = writer
        self.waiting = 0
        """How many changes are not stored yet."""
        self._stored: asyncio.Future[None] | None = None
        self._is_closing = False

    async def hold(self, change: Change[AnyOutcome]) -> AnyOutcome:
        """Store a hold. If whoever waits is cancelled, the hold is released as soon as it is stored."""
        future = self._count_in(self._writer.send(change, self._settle_hold))
        try:
            return await future
        except asyncio.CancelledError:
            if not future.cancelled() and future.exception() is None:  # the outcome came in the same turn of the loop
                self._give_back(future.result())
            raise

    def end(self, change: Change[AnyOutcome]) -> "asyncio.Future[AnyOutcome]":
        """Store the end of a hold, or what belongs to it, again and again until it works. Nobody has to await the future."""
        return self._count_in(self._writer.send_along(change, self._settle_end))

    def stop_trying(self) -> None:
        """Try nothing again that fails from now on."""
        self._is_closing = True

    async def finish(self) -> None:
        """Wait until everything is stored."""
        while self.waiting:
            self._stored = asyncio.get_running_loop().create_future()
            self._writer.hurry()
            await self._stored

    def _count_in(self, future: "asyncio.Future[AnyOutcome]") -> "asyncio.Future[AnyOutcome]":
        self.waiting += 1
        return future

    def _count_out(self) -> None:
        self.waiting -= 1
        if not self.waiting and self._stored is not None and not self._stored.done():
            self._stored.set_result(None)

    def _settle_hold(self, job: Job, outcome: Any) -> None:
        if job.future.cancelled():
            self._give_back(outcome)
        settle(job, outcome)
        self._count_out()

    def _give_back(self, outcome: Any) -> None:
        """Release a hold that nobody waits for any more."""
        if isinstance(outcome, StoredHold | StoredTranche):
            hold = outcome.hold if isinstance(outcome, StoredTranche) else outcome
            self.end(ReleaseHold(hold, was_sent=False))

    def _settle_end(self, job: Job, outcome: Any) -> None:
        if isinstance(outcome, IndexFailure) and not self._is_closing:
            job.future.get_loop().call_later(RETRY_SECONDS, self._writer.send_again, job)
            return
        resolve(job.future, outcome, is_awaited=False)
        self._count_out()
