"""First views: an account is read from the chain before its first request. Empty accounts leave no rows."""

import asyncio
from collections.abc import Collection
from concurrent.futures import Future
from typing import Final, Protocol

from nvm_chain.errors import PlanNotReadYet, UnknownPlan
from nvm_chain.meter.store.group_rows import AccountKey
from nvm_chain.meter.store.sessions import ReadAccount
from nvm_chain.meter.store.window_changes import ReadWindow
from nvm_chain.meter.store.writer import Writer

MOST_SEEN: Final = 100_000
"""Of how many accounts a process remembers that they have a view. Of others it asks the store again."""

FIRST_SECONDS: Final = 5
"""How long a request waits until its account was read for the first time."""

PLAN_SECONDS: Final = 0.1
"""How long a reading pauses while the index has not reached its plan, as in the first moments of a new gateway."""


class Views(Protocol):
    """Where the meter reads accounts of which it knows nothing yet."""

    def want(self, key: AccountKey) -> "Future[None]":
        """Put the views of an account into the books, now and from now on. The future is done when the first are there.

        The books need not keep views of an empty account, to which nothing was ever granted.
        """


class FirstViews:
    """Knows which accounts have a view in the books. In one event loop."""

    def __init__(self, writer: Writer, views: Views, time_plans: Collection[int]) -> None:
        """Take the books, where views come from, and which plans are time plans."""
        self._writer, self._views, self._time_plans = writer, views, frozenset(time_plans)
        self._readings: dict[AccountKey, asyncio.Future[bool]] = {}
        self.seen: set[AccountKey] = set()

    async def see(self, key: AccountKey) -> bool:
        """Read an account before its first request. Requests at the same time wait for one reading.

        Return False for an empty account, to which nothing was ever granted. It is looked up again with its next request.

        Raises:
            PlanNotReadYet: The index has no blocks yet, or has not reached the plan. The reading goes on.
            IndexFailure: The books or the index cannot be read.
        """
        if key in self.seen:
            return True
        reading = self._readings.get(key)
        if reading is None:
            reading = self._readings[key] = asyncio.ensure_future(self._read(key))
            reading.add_done_callback(lambda done: self._end_reading(key, done))
        try:
            async with asyncio.timeout(FIRST_SECONDS):
                return await asyncio.shield(reading)
        except (TimeoutError, UnknownPlan) as error:
            raise PlanNotReadYet(key.plan_id) from error

    def _end_reading(self, key: AccountKey, reading: "asyncio.Future[bool]") -> None:
        self._readings.pop(key, None)
        if not reading.cancelled():
            reading.exception()  # whoever waited may have been cancelled

    async def _read(self, key: AccountKey) -> bool:
        if not await self._has_view(key):
            await self._want(key)
            if not await self._has_view(key):
                return False
        if len(self.seen) >= MOST_SEEN:
            self.seen.clear()
        self.seen.add(key)
        return True

    async def _want(self, key: AccountKey) -> None:
        """Have the views of an account read as soon as the index has reached its plan. Raises UnknownPlan after a while."""
        for left in reversed(range(round(FIRST_SECONDS / PLAN_SECONDS))):
            try:
                await asyncio.wrap_future(self._views.want(key))
            except UnknownPlan:
                if not left:
                    raise
                await asyncio.sleep(PLAN_SECONDS)
            else:
                return

    async def _has_view(self, key: AccountKey) -> bool:
        if key.plan_id in self._time_plans:
            return bool((await self._writer.do(ReadWindow(key))).past)
        return bool((await self._writer.do(ReadAccount(key))).view.block_number)
