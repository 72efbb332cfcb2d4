"""What a seller was promised, and books that were left behind: each promise is looked up, and each spent voucher presented again."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final
from unittest import mock

from nvm_chain.errors import AuthorityUsedUp
from nvm_chain.meter.engine import Meter
from nvm_chain.meter.feed import following, watcher
from nvm_chain.meter.opening import open_meter
from nvm_chain.meter.store.store import Store
from tests.meter.faults.ground import HOLDERS, REQUEST, Ground
from tests.meter.faults.seller import MOST_CREDITS
from tests.support.meter_books import CHARGED, OPEN, RELEASED, RETURNED, WrongBooks, check_books, read_rows

PRESENTED_AGAIN: Final = 12
"""How many of the served vouchers are presented again, besides the latest ones."""


class Lost(AssertionError):
    """Raised when something that was told of is not there any more."""


class ServedTwice(AssertionError):
    """Raised when a voucher that was spent is admitted once more."""


@dataclass
class Promises:
    """What was told so far: the holds of the requests that were served, and the charges that were stored."""

    served: dict[bytes, tuple[int, bytes]] = field(default_factory=dict)
    """The number and the owner of each request by its hold. Numbers below 0 are those of sessions."""
    charged: dict[bytes, int] = field(default_factory=dict)
    presented: set[int] = field(default_factory=set)

    def take(self, what: str, number: int, hold_id: str, owner: str, credits: int) -> None:
        """Note what was told."""
        if what == "presented":
            self.presented.add(number)
        elif what == "served":
            self.served[bytes.fromhex(hold_id)] = (number, bytes.fromhex(owner))
        elif what == "charged":
            self.charged[bytes.fromhex(hold_id)] = credits
        elif number < 0:  # a request of a session that has failed leaves nothing in the books if it used a tranche
            del self.served[bytes.fromhex(hold_id)]

    def check_rows(self, store: Store) -> None:
        """Check that each hold and each charge is in the books. Raises Lost."""
        rows = {row[0]: row[1:] for row in read_rows(store, "SELECT hold_id, state, cost FROM holds")}
        covered = Counter[tuple[int, bytes]]()
        for hold_id, (number, owner) in self.served.items():
            if hold_id not in rows and number < 0:
                covered[number, owner] += MOST_CREDITS
            elif rows.get(hold_id, (RETURNED,))[0] == RETURNED:
                raise Lost(f"a request was served, and the books have {rows.get(hold_id)} of its hold {hold_id.hex()}")
        self._check_tranches(store, covered)
        for hold_id, cost in self.charged.items():
            if rows.get(hold_id) != (CHARGED, cost):
                raise Lost(f"the hold {hold_id.hex()} was charged {cost}, and the books have {rows.get(hold_id)}")
        try:
            check_books(store)
        except WrongBooks as error:
            raise Lost(str(error)) from error

    @staticmethod
    def _check_tranches(store: Store, covered: "Counter[tuple[int, bytes]]") -> None:
        """Requests of a session that are not charged yet need no hold of their own. A hold of the session has to cover them."""
        question = (
            f"SELECT holder, owner, credits FROM holds WHERE authority_id <> hold_id AND state IN ({OPEN}, {RELEASED})"
        )
        held = Counter[tuple[str, bytes]]()
        for holder, owner, credits in read_rows(store, question):
            held[holder.hex(), owner] += credits
        for (number, owner), credits in covered.items():
            found = held[HOLDERS[-1 - number].address[2:].lower(), owner]
            if found < credits:
                raise Lost(f"requests of a session were served for {credits} credits, and its open holds have {found}")

    def choose(self, random: Random) -> list[int]:
        """Return numbers of served vouchers: the latest, and some by chance."""
        numbers = [number for number, _ in self.served.values() if number >= 0]
        earlier = numbers[:-PRESENTED_AGAIN]
        return numbers[-PRESENTED_AGAIN:] + random.sample(earlier, min(len(earlier), PRESENTED_AGAIN))


async def check_served_once(meter: Meter, ground: Ground, numbers: list[int]) -> None:
    """Present vouchers again. Raises ServedTwice if one of them is admitted."""
    again = [meter.admit(REQUEST, ground.pay(number), 1) for number in numbers]
    outcomes: list[Any] = await asyncio.gather(*again, return_exceptions=True)
    for number, outcome in zip(numbers, outcomes, strict=True):
        if not isinstance(outcome, AuthorityUsedUp):
            raise ServedTwice(f"the request {number} was served, and its voucher had the outcome {outcome!r}")


@contextmanager
def quick_feeds() -> Iterator[None]:
    """Let feeds look more often whether they have to end, so that a meter is closed at once."""
    with mock.patch.object(watcher, "LONGEST_WAIT_SECONDS", 0.02), mock.patch.object(following, "IDLE_SECONDS", 0.02):
        yield


def check_left_behind(where: str, ground: Ground, promises: Promises, random: Random) -> int:
    """Open books that a seller left behind, as after a restart, and check all promises. Return how many holds were open."""

    async def check() -> int:
        async with open_meter(where, ground.index, ground.settings, renews=True) as meter:
            await asyncio.to_thread(meter.writer.run, promises.check_rows)
            numbers = promises.choose(random)
            await check_served_once(meter, ground, numbers)
            return await asyncio.to_thread(meter.writer.run, _count_open)

    with quick_feeds():
        return asyncio.run(check())


def _count_open(store: Store) -> int:
    ((count,),) = read_rows(store, f"SELECT count(*) FROM holds WHERE state = {OPEN}")
    return int(count)
