"""A seller with a whole meter, who serves many requests at once, and tells what he has been promised by the books."""

import asyncio
from collections.abc import Callable
from itertools import count
from random import Random
from typing import Final, Protocol

from nvm_chain.errors import IndexFailure
from nvm_chain.meter.credentials import Credential, TokenCredential
from nvm_chain.meter.engine import Meter
from nvm_chain.meter.store.group_rows import StoredHold
from tests.meter.faults.ground import HOLDERS, REQUEST, Ground

TASKS: Final = 16
MOST_CREDITS: Final = 5
PAUSE_SECONDS: Final = 0.02
"""The pause after a failure of the books."""
OF_A_SELLER: Final = 1_000_000
"""The seller of seed 7 signs the vouchers from number 7,000,000 on."""


class Tell(Protocol):
    """Where a seller tells what happens, before he goes on."""

    def __call__(self, what: str, number: int, hold_id: str, owner: str, credits: int) -> None:
        """``presented`` comes before an admission, and ``served`` when the upstream is called.

        ``failed`` comes before a release after that, and ``charged`` when a charge is stored. ``number`` is that of the request's
        voucher. For a request of a session it is below 0: -1 for that of the first holder.
        """


class WholeSeller:
    """Serves requests by vouchers and by session tokens: admits, calls the upstream, and charges or releases."""

    def __init__(self, meter: Meter, ground: Ground, tell: Tell, seed: int) -> None:
        """``seed`` decides about each request, and numbers them."""
        self.meter, self.ground, self.tell = meter, ground, tell
        self._seed, self._numbers = seed, count(seed * OF_A_SELLER)
        self._tokens: dict[int, str] = {}

    async def serve(self, is_over: Callable[[], bool] = lambda: False) -> None:
        """Serve from many tasks, until it is over."""
        await asyncio.gather(*(self._work(is_over) for _ in range(TASKS)))

    async def _work(self, is_over: Callable[[], bool]) -> None:
        while not is_over():
            try:
                await self._serve_one(next(self._numbers))
            except IndexFailure:  # the books are away: nobody knows whether the hold was stored
                await asyncio.sleep(PAUSE_SECONDS)

    async def _serve_one(self, number: int) -> None:
        chance = Random(number)
        credential: Credential
        if chance.random() < 0.3:
            credential = TokenCredential(await self._open_session(number % len(HOLDERS)))
        else:
            credential = self.ground.pay(number)
            self.tell("presented", number, "", "", 0)
        hold = await self.meter.admit(REQUEST, credential, MOST_CREDITS)
        assert isinstance(hold, StoredHold)
        named = number if hold.hold_id == hold.hold.authority_id else -1 - number % len(HOLDERS)
        for _ in range(chance.choice((0, 1, 3))):
            await asyncio.sleep(0)
        if chance.random() < 0.1:
            await self.meter.release(hold, was_sent=False)
            return
        self._tell_of(hold, "served", named)
        await self._end(hold, named, chance)

    def _tell_of(self, hold: StoredHold, what: str, number: int) -> None:
        self.tell(what, number, hold.hold_id.hex(), hold.owner.hex(), hold.cost)

    async def _end(self, hold: StoredHold, number: int, chance: Random) -> None:
        if chance.random() < 0.15:
            self._tell_of(hold, "failed", number)
            await self.meter.release(hold, was_sent=True)
            return
        charging = self.meter.charge(hold, chance.randint(0, MOST_CREDITS))
        if chance.random() < 0.5:
            self._tell_of(await charging, "charged", number)

    async def _open_session(self, holder: int) -> str:
        if holder not in self._tokens:
            token, _ = await self.meter.open_session(*self.ground.open_terms(holder, self._seed))
            self._tokens[holder] = token
        return self._tokens[holder]
