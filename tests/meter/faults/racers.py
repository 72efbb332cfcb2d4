"""Processes that present the same vouchers to the books of one PostgreSQL at the same time, and count whom they serve."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from random import Random
from typing import Any, Final, NamedTuple

from nvm_chain.errors import NvmChainError
from nvm_chain.meter.store import admissions, groups
from nvm_chain.meter.store.admissions import AdmitVoucher
from nvm_chain.meter.store.group_rows import AccountKey, StoredHold
from nvm_chain.meter.store.hold_ends import ChargeHold, ReleaseHold
from nvm_chain.meter.store.opening import open_store
from nvm_chain.meter.store.writer import Writer
from nvm_chain.signing.vouchers import SignedVoucher, Voucher
from tests.support.accounts import REDEEMER
from tests.support.meter_stores import CHAIN_ID, CREDITS, key_of, present

CREDITS_OF_A_REQUEST: Final = 4
TASKS: Final = 64
IN_BLOCK: Final = 2_000
"""How many vouchers are presented between two moments at which all processes wait for each other."""
RETURNED: Final = 0.05
"""The share of admitted requests that are released before the upstream is called, so that another one may be served."""
AGAIN: Final = 0.1
"""The share of vouchers that a process presents twice itself."""
PLANTS: Final = ("none", "forgets what is spent", "thinks that it is alone")
"""The mistakes that can be planted."""


class RaceOrders(NamedTuple):
    """What a process is told: its number, how many vouchers and accounts there are, and a mistake to plant."""

    number: int
    vouchers: int
    accounts: int
    end: int
    seed: int
    plant: str = "none"

    def key(self, voucher: int) -> AccountKey:
        """Return the account of a voucher by its number."""
        return key_of(1 + voucher % self.accounts)

    def build(self, voucher: int) -> AdmitVoucher:
        """Return the admission of a request with a voucher: the same one in each process."""
        parts = (*self.key(voucher), REDEEMER, 10**12, voucher.to_bytes(32), self.end)
        signed = SignedVoucher(Voucher(*parts), bytes(65))
        return present(signed, CREDITS_OF_A_REQUEST, owner=self.number.to_bytes(16))

    def list_blocks(self) -> Iterator[list[int]]:
        """Yield the vouchers of each block in an order of this process, some of them twice."""
        random = Random(self.seed * 1_000 + self.number)
        for start in range(0, self.vouchers, IN_BLOCK):
            block = list(range(start, min(start + IN_BLOCK, self.vouchers)))
            block += random.sample(block, int(len(block) * AGAIN))
            random.shuffle(block)
            yield block


@dataclass
class Seen:
    """What a process has seen. ``served`` has for each voucher how often its upstream was called."""

    served: bytearray
    outcomes: Counter[str] = field(default_factory=Counter)
    charged: Counter[int] = field(default_factory=Counter)
    """The credits that were charged, by the number of the account."""
    lost_charges: list[int] = field(default_factory=list)
    """Vouchers that were served, and could not be charged."""


def race(pipe: Pipe, where: str, orders: RaceOrders) -> None:
    """Present all vouchers. The pipe gets ``ready`` before each block, which begins with a word, and `Seen` at the end."""
    _plant(orders.plant)
    writer = Writer(open_store(where, chain_id=CHAIN_ID, credits=CREDITS))
    seen = Seen(bytearray(orders.vouchers))
    for number, block in enumerate(orders.list_blocks()):
        pipe.send("ready")
        pipe.recv()
        asyncio.run(_Racer(writer, orders, seen, Random(number * 10 + orders.number)).present_all(block))
    pipe.send(seen)
    writer.close()


class _Racer:
    def __init__(self, writer: Writer, orders: RaceOrders, seen: Seen, random: Random) -> None:
        self.writer, self.orders, self.seen, self.random = writer, orders, seen, random

    async def present_all(self, block: list[int]) -> None:
        left = iter(block)
        await asyncio.gather(*(self._work(left) for _ in range(TASKS)))

    async def _work(self, left: Iterator[int]) -> None:
        for voucher in left:
            await self._present(voucher)

    async def _present(self, voucher: int) -> None:
        try:
            outcome: Any = await self.writer.do(self.orders.build(voucher))
        except NvmChainError as error:
            outcome = error
        self.seen.outcomes[type(outcome).__name__] += 1
        if not isinstance(outcome, StoredHold):
            return
        if self.random.random() < RETURNED:
            await self.writer.do(ReleaseHold(outcome, was_sent=False))
            return
        self.seen.served[voucher] += 1
        cost = self.random.randint(1, CREDITS_OF_A_REQUEST)
        try:
            charged = await self.writer.do(ChargeHold(outcome, cost))
            self.seen.charged[voucher % self.orders.accounts] += charged.cost
        except NvmChainError:
            self.seen.lost_charges.append(voucher)


def _plant(plant: str) -> None:
    if plant == "forgets what is spent":
        admissions.is_spent = lambda hold: False
    elif plant == "thinks that it is alone":
        real = groups.Rows.__init__
        groups.Rows.__init__ = lambda rows, *, is_alone: real(rows, is_alone=True)  # type: ignore[method-assign,assignment]
