"""Limits of a facilitator: how often a caller asks, how much gas it uses, and how often a payer's transactions fail.

They are counted in this process. How many settlements a payer has in a day is counted in the books.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.errors import PaymentRefused
from nvm_chain.errors.fields import Coin, Number, Quantity, Seconds
from nvm_chain.types.durations import DAY, MINUTE
from nvm_chain.x402.facilitator.settings import FacilitatorSettings

TOO_MANY_FAILED: Final = "nvm_TooManyFailures"
GAS_TOO_DEAR: Final = "nvm_GasTooDear"
GWEI: Final = 10**9
GAS_USED_UP: Final = "nvm_GasUsedUp"
MOST_KEPT: Final = 100_000
"""How many names a counter remembers. The oldest are forgotten first."""


class Counter:
    """Adds numbers by name over a time. A name's time begins with its first number."""

    def __init__(self, seconds: Seconds, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the time after which a sum begins again at zero."""
        self._seconds, self._clock = seconds, clock
        self._sums: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._door = threading.Lock()

    def read(self, name: str) -> int:
        """Return the sum of a name."""
        with self._door:
            began, total = self._sums.get(name, (0.0, 0))
            return total if self._clock() - began < self._seconds else 0

    def add(self, name: str, number: Quantity = 1) -> int:
        """Add a number, and return the sum."""
        with self._door:
            now = self._clock()
            began, total = self._sums.get(name, (now, 0))
            if now - began >= self._seconds:
                began, total = now, 0
                self._sums.pop(name, None)
            self._sums[name] = (began, total + number)
            while len(self._sums) > MOST_KEPT:
                self._sums.popitem(last=False)
            return total + number


class Limits:
    """Says when a caller or a payer has had enough."""

    def __init__(self, settings: FacilitatorSettings, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the rules."""
        self._settings = settings
        self._asked, self._gas, self._failed = Counter(MINUTE, clock), Counter(DAY, clock), Counter(DAY, clock)

    def takes_question(self, caller: str) -> bool:
        """Count a question of a caller, and return whether it is answered."""
        return self._asked.add(caller) <= self._settings.per_minute

    def check(self, caller: str, payer: ChecksumAddress, price: Coin) -> None:
        """Check whether something may be sent for a caller and a payer at a price of gas, in wei. Raises PaymentRefused."""
        if price > self._settings.gwei * GWEI:
            raise PaymentRefused(GAS_TOO_DEAR, f"a unit of gas costs more than {self._settings.gwei} gwei now")
        if self._failed.read(payer) >= self._settings.failures:
            reason = "transactions for this payer failed on the chain too often today"
            raise PaymentRefused(TOO_MANY_FAILED, reason)
        if self._gas.read(caller) + self._settings.gas > self._settings.gas_per_day:
            raise PaymentRefused(GAS_USED_UP, "the settlements of this server have used the gas of a day")

    def note_gas(self, caller: str, gas: Number) -> None:
        """Count the gas of a transaction that was sent for a caller."""
        self._gas.add(caller, gas)

    def note_failure(self, payer: ChecksumAddress) -> None:
        """Count a transaction for a payer that failed on the chain."""
        self._failed.add(payer)
