"""The outbox: notices on their way to whoever delivers them. The books keep them until they are delivered."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from nvm_chain.errors.fields import Seconds, Time
from nvm_chain.meter.notices import Notice
from nvm_chain.meter.store.notices import list_given_up, note_delivered, take_notices, try_later
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.store.writer import Writer
from nvm_chain.types.amounts import check_uint

MOST_AT_ONCE = 1_000
LEASE_SECONDS: Seconds = 60
AnyResult = TypeVar("AnyResult")


class Outbox:
    """Gives out notices. A notice may be delivered twice if whoever delivers it is killed before it says so.

    Any number of processes may take notices from the same books.
    """

    def __init__(self, writer: Writer) -> None:
        """Take what writes the books."""
        self._writer = writer

    async def take(self, count: int = 100, *, seconds: Seconds = LEASE_SECONDS) -> list[Notice]:
        """Return notices that are due, at most some. Nobody else gets them for some seconds.

        Say of each one whether it was `delivered`, or should be tried later. Whoever says nothing lets it be due again.

        Args:
            count: How many notices, at most 1,000.
            seconds: How long the delivery may take.

        Raises:
            InvalidAmount: A number is out of range.
            IndexFailure: The books cannot be written.
        """
        check_uint(count, 16, "number of notices", minimum=1)
        check_uint(seconds, 16, "seconds of a delivery", minimum=1)
        return await self._run(partial(take_notices, count=min(count, MOST_AT_ONCE), seconds=seconds))

    async def delivered(self, *notices: Notice) -> None:
        """Note that notices were delivered. They are not given out again. Raises IndexFailure."""
        await self._run(partial(note_delivered, notice_ids=[notice.notice_id for notice in notices]))

    async def try_later(self, notice: Notice) -> Time | None:
        """Note that a notice could not be delivered. It is due again after a pause, which doubles with each attempt.

        Returns:
            The second in which it is due, or None if it was delivered or is with another one.

        Raises:
            IndexFailure: The books cannot be written.
        """
        return await self._run(partial(try_later, notice=notice))

    async def list_given_up(self, count: int = 100) -> list[Notice]:
        """Return notices that could not be delivered in time, or in all attempts, the latest first. Raises IndexFailure."""
        return await self._run(partial(list_given_up, count=min(count, MOST_AT_ONCE)))

    async def _run(self, work: Callable[[Store], AnyResult]) -> AnyResult:
        return await asyncio.to_thread(self._writer.run, work)
