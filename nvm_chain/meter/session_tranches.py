"""Tranches of the sessions of one process: requests of a busy session take their part of credits that are held already.

A session that sends few requests has a hold for each of them, as every other credential. One that sends many has tranches. What
its requests cost is charged in groups: while one group is stored, the next one gathers.
"""

import asyncio
import secrets
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from nvm_chain.errors import ChargeAboveHold, HoldOver, InvalidAmount
from nvm_chain.errors.fields import Seconds
from nvm_chain.meter.authorities import Hold
from nvm_chain.meter.store.group_rows import AccountKey, HoldState, StoredHold
from nvm_chain.meter.store.hold_ends import ReleaseHold
from nvm_chain.meter.store.tranche_changes import AdmitTranche, ChargeParts, Part, StoredTranche
from nvm_chain.meter.store.works import Work
from nvm_chain.meter.store.writer import resolve
from nvm_chain.meter.storing import Storing
from nvm_chain.meter.tranches import SECONDS
from nvm_chain.types.amounts import check_uint

BUSY: Final = 8
"""A session has tranches if so many of its requests came within a second."""
MOST_REQUESTS: Final = 256
"""For how many requests one tranche is."""
MOST_SLOTS: Final = 10_000
"""Of how many sessions a process knows how busy they are."""


class Slot(NamedTuple):
    """A session at one service."""

    authority_id: bytes
    service: str


class Pace:
    """How many requests of a session came lately."""

    __slots__ = ("count", "second")

    def __init__(self) -> None:
        """Begin to count."""
        self.second = self.count = 0

    def note(self, second: int) -> int:
        """Count a request, and return the count of this second with half of that of the last one."""
        if second != self.second:
            self.second, self.count = second, self.count // 2 if second == self.second + 1 else 0
        self.count += 1
        return self.count


class Tranches:
    """The tranches of one meter, in its loop."""

    def __init__(self, storing: Storing) -> None:
        """Take what stores changes."""
        self._storing = storing
        self._paces: dict[Slot, Pace] = {}
        self._current: dict[Slot, OpenTranche] = {}
        self._opening: dict[Slot, asyncio.Future[bool]] = {}
        self._all: set[OpenTranche] = set()
        self._of_parts: dict[bytes, OpenTranche] = {}
        self._is_closing = False

    def is_busy(self, slot: Slot) -> bool:
        """Count a request of a session, and return whether its requests should use tranches."""
        pace = self._paces.get(slot)
        if pace is None:
            if len(self._paces) >= MOST_SLOTS:
                self._paces.clear()
            pace = self._paces[slot] = Pace()
        return pace.note(int(asyncio.get_running_loop().time())) > BUSY

    async def admit(self, key: AccountKey, slot: Slot, work: Work) -> StoredHold | None:
        """Return the part of a request, which is as durable as a hold. None if the request needs a hold of its own.

        Raises what `AdmitTranche` refuses.
        """
        while not self._is_closing:
            tranche = self._current.get(slot)
            part = None if tranche is None else tranche.take(work)
            if part is not None and tranche is not None:
                self._of_parts[part.hold_id] = tranche
                return part
            opening = self._opening.get(slot)
            if opening is None:
                return await self._open(key, slot, work)
            if not await asyncio.shield(opening):
                return None
        return None

    async def _open(self, key: AccountKey, slot: Slot, work: Work) -> StoredHold:
        """Open a tranche, and return its first part. Other requests of the session wait for it."""
        loop, has_more = asyncio.get_running_loop(), False
        opened = self._opening[slot] = loop.create_future()
        change = AdmitTranche(key, slot.authority_id, secrets.token_bytes(16), work, MOST_REQUESTS)
        since = loop.time()
        try:
            stored = await self._storing.hold(change)
            tranche = OpenTranche(self._storing, slot, stored, since, work.seconds + SECONDS, self._forget)
            self._all.add(tranche)
            if (before := self._current.get(slot)) is not None:
                before.retire()
            self._current[slot] = tranche
            part = tranche.take_first(work)
            self._of_parts[part.hold_id] = tranche
            if self._is_closing:
                tranche.retire()
            has_more = tranche.has_room(work)
            return part
        finally:
            del self._opening[slot]
            opened.set_result(has_more)

    def find(self, hold: StoredHold) -> "OpenTranche | None":
        """Return the tranche that a hold is a part of, or None for a hold of its own."""
        return self._of_parts.get(hold.hold_id)

    def revoke(self, authority_id: bytes) -> None:
        """Let no more requests use the tranches of a session."""
        for slot in [slot for slot in self._current if slot.authority_id == authority_id]:
            self._current.pop(slot).retire()

    def _forget(self, tranche: "OpenTranche") -> None:
        self._all.discard(tranche)
        if self._current.get(tranche.slot) is tranche:
            del self._current[tranche.slot]
        for part in tranche.parts:
            self._of_parts.pop(part, None)

    async def finish(self) -> None:
        """Give back what no request uses, and wait until all charges are on their way. No more tranches are opened."""
        self._is_closing = True
        for tranche in [*self._all]:
            tranche.retire()
        while waiting := self._list_under_way():
            await asyncio.wait(waiting)

    def _list_under_way(self) -> "list[asyncio.Future[Any]]":
        sending = [tranche.sending for tranche in self._all if tranche.sending is not None]
        return [*self._opening.values(), *sending]


class _Given(NamedTuple):
    """How a request that used a tranche has ended. ``cost`` is None if it was not served."""

    cost: int | None
    future: "asyncio.Future[StoredHold]"


class OpenTranche:
    """One tranche: what is left of it, the requests that use it, and charges that wait for the next group."""

    def __init__(
        self,
        storing: Storing,
        slot: Slot,
        stored: StoredTranche,
        since: float,
        lasts: float,
        forget: "Callable[[OpenTranche], None]",
    ) -> None:
        """Take a tranche that was asked for at a time of the loop's clock."""
        self._storing, self.slot, self._forget = storing, slot, forget
        self._hold, self._per_request = stored.hold, stored.per_request
        self._left = stored.hold.hold.credits
        self._loop = asyncio.get_running_loop()
        self._over_at = since + stored.seconds
        self._ends_at = self._over_at + lasts
        self._timer = self._loop.call_at(self._over_at, self.retire)
        self._is_retired = False
        self._gathered: list[tuple[Part, asyncio.Future[StoredHold]]] = []
        self.parts: dict[bytes, _Given | None] = {}
        self._running = 0
        self.sending: asyncio.Future[None] | None = None
        """Done when the charges under way are stored. None if there are none."""

    # ------------------------------------------------------------------ requests

    def has_room(self, work: Work) -> bool:
        """Return whether one more request may use the tranche."""
        credits = work.ask.credits
        is_over = self._is_retired or self._loop.time() >= self._over_at
        return not is_over and credits <= self._left and (self._per_request is None or credits <= self._per_request)

    def take(self, work: Work) -> StoredHold | None:
        """Return the part of one more request, or None if there is no room."""
        return self.take_first(work) if self.has_room(work) else None

    def take_first(self, work: Work) -> StoredHold:
        """Return the part of the request for which the tranche was opened."""
        credits = check_uint(work.ask.credits, 64, "credits of the request", minimum=1)
        part_id = secrets.token_bytes(16)
        self._left -= credits
        self._running += 1
        self.parts[part_id] = None
        hold = Hold(self._hold.hold.authority_id, credits, self._hold.hold.period)
        return replace(self._hold, hold_id=part_id, hold=hold, attempt=0, total=0)

    def charge(self, part: StoredHold, cost: int) -> "asyncio.Future[StoredHold]":
        """Charge for a request, with the next group."""
        if (given := self.parts.get(part.hold_id)) is not None and given.cost == cost:
            return given.future
        future: asyncio.Future[StoredHold] = self._loop.create_future()
        if given is not None:
            return _fail(future, HoldOver(part.hold_id.hex(), cost, part.until))
        try:
            check_uint(cost, 64, "cost")
        except InvalidAmount as error:
            return _fail(future, error)
        if cost > part.hold.credits:
            return _fail(future, ChargeAboveHold(cost, part.hold.credits))
        self._end(part, cost, future)
        self._gathered.append((Part(part, cost), future))
        if self.sending is None:
            self._send()
        return future

    def release(self, part: StoredHold) -> "asyncio.Future[StoredHold]":
        """Let other requests use the credits of one that was not served. One that has ended stays as it is."""
        if (given := self.parts.get(part.hold_id)) is not None:
            return given.future
        future: asyncio.Future[StoredHold] = self._loop.create_future()
        self._left += part.hold.credits
        self._end(part, None, future)
        self._give_back()
        future.set_result(replace(part, state=HoldState.RELEASED))
        return future

    def _end(self, part: StoredHold, cost: int | None, future: "asyncio.Future[StoredHold]") -> None:
        self.parts[part.hold_id] = _Given(cost, future)
        self._running -= 1

    @property
    def stored(self) -> StoredHold:
        """The stored hold, with what is left of it."""
        return self._hold

    def note_end(self, seconds: Seconds) -> None:
        """Note that the stored hold ends some seconds from now, because a request goes on."""
        self._ends_at = max(self._ends_at, self._loop.time() + seconds + SECONDS)

    # ------------------------------------------------------------------ charges

    def _send(self) -> None:
        """Store what was gathered, at the end of this turn of the loop."""
        self.sending = self._loop.create_future()
        self._loop.call_soon(self._send_now, self.sending)

    def _send_now(self, sent: "asyncio.Future[None]") -> None:
        gathered, self._gathered = self._gathered, []
        unused = self._left if self._is_retired else 0
        self._left -= unused
        change = ChargeParts(self._hold, self._hold.attempt, tuple(part for part, _ in gathered), unused)
        storing = self._storing.end(change)
        storing.add_done_callback(lambda done: self._settle(gathered, unused, done, sent))

    def _settle(
        self,
        gathered: list[tuple[Part, "asyncio.Future[StoredHold]"]],
        unused: int,
        done: "asyncio.Future[list[StoredHold]]",
        sent: "asyncio.Future[None]",
    ) -> None:
        error = done.exception()
        outcomes = [error] * len(gathered) if error is not None else done.result()
        for (_, future), outcome in zip(gathered, outcomes, strict=True):
            resolve(future, outcome, is_awaited=False)
        if error is None:
            spent = unused + sum(part.hold.hold.credits for part, _ in gathered)
            left = replace(self._hold.hold, credits=self._hold.hold.credits - spent)
            self._hold = replace(self._hold, hold=left, attempt=self._hold.attempt + 1)
        else:
            self._is_retired, self._left = True, 0
            self._let_go()
        self.sending = None
        if self._gathered or self._has_unused():
            self._send()
        sent.set_result(None)
        self._close_if_idle()

    # ------------------------------------------------------------------ the end

    def retire(self) -> None:
        """Let no more requests use the tranche. It is given back as soon as the last one has ended."""
        self._is_retired = True
        self._timer.cancel()
        self._timer = self._loop.call_at(self._ends_at, self._give_up)
        self._give_back()

    def _has_unused(self) -> bool:
        """Return whether credits that no request will use have to be given back before the last request has ended."""
        return self._is_retired and self._running > 0 and self._left > 0 and self._hold.hold.credits > 0

    def _give_back(self) -> None:
        if self._has_unused() and self.sending is None:
            self._send()
        self._close_if_idle()

    def _give_up(self) -> None:
        """Forget requests whose end nobody has told. The stored hold is over, and is swept."""
        if self.sending is not None or self._loop.time() < self._ends_at:
            self._timer = self._loop.call_at(max(self._ends_at, self._loop.time() + SECONDS), self._give_up)
            return
        self._let_go()
        self._forget(self)

    def _let_go(self) -> None:
        """Note that the stored hold has ended, or will be ended by somebody else."""
        self._hold = replace(self._hold, hold=replace(self._hold.hold, credits=0))

    def _close_if_idle(self) -> None:
        if not self._is_retired or self._running or self.sending is not None:
            return
        if self._hold.hold.credits:
            self._storing.end(ReleaseHold(self._hold, was_sent=False))
            self._let_go()
        self._timer.cancel()
        self._forget(self)


def _fail(future: "asyncio.Future[StoredHold]", error: Exception) -> "asyncio.Future[StoredHold]":
    resolve(future, error, is_awaited=False)
    return future
