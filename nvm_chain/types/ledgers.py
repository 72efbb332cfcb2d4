"""Ledgers of a holder on a plan over time: permanent credits, expiring credits, and access windows."""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from nvm_chain.enums import PlanKind
from nvm_chain.types.accounts import Lot
from nvm_chain.types.plans import Terms


class Expired(NamedTuple):
    """Credits that expired, and the second of their expiry."""

    second: int
    amount: int


class Ledger:
    """Ledger of permanent credits. On a time plan that starts on first use, the credits are the unopened periods.

    Times are Unix seconds, and never decrease. ``settled`` counts the credits that settlements took. ``access_until``
    is the second at which access ends, or 0 if access never began. ``is_granted`` is True after credits that are not
    from a transfer.
    """

    def __init__(self, terms: Terms) -> None:
        """Start without credits."""
        self.balance = 0
        self.settled = 0
        self.access_until = 0
        self.is_granted = False
        self._duration = terms.duration

    def restore(self, balance: int, settled: int, access_until: int, is_granted: bool, lots: Sequence[Lot]) -> None:
        """Take over what an equal ledger had at some second. ``lots`` are those of its property."""
        self.balance, self.settled = balance, settled
        self.access_until, self.is_granted = access_until, is_granted

    def advance(self, second: int) -> list[Expired]:
        """Move the time to the end of a second, and return the expired credits."""
        return []

    def grant(self, second: int, amount: int) -> None:
        """Add credits."""
        self.balance += amount

    def take(self, second: int, amount: int) -> None:
        """Remove credits. Raises ValueError if the ledger has too few."""
        if amount > self.balance:
            raise ValueError(amount)
        self.balance -= amount

    def open(self, second: int, periods: int) -> None:
        """Open access for some periods, from now or from the end of the current access."""
        self.access_until = max(self.access_until, second) + periods * self._duration

    @property
    def lots(self) -> list[Lot]:
        """Remaining credits of each lot, earliest expiry first. Empty for permanent credits."""
        return []


class ExpiringLedger(Ledger):
    """Ledger of expiring credits. Each grant expires after a fixed time. The earliest expiry is spent first."""

    def __init__(self, terms: Terms) -> None:
        """Start without credits."""
        super().__init__(terms)
        self._lots: deque[Lot] = deque()

    def restore(self, balance: int, settled: int, access_until: int, is_granted: bool, lots: Sequence[Lot]) -> None:
        """Take over what an equal ledger had at some second."""
        super().restore(balance, settled, access_until, is_granted, lots)
        self._lots = deque(lots)

    def advance(self, second: int) -> list[Expired]:
        """Expire all lots up to a second."""
        gone = []
        while self._lots and self._lots[0].expires_at <= second:
            lot = self._lots.popleft()
            self.balance -= lot.credits
            gone.append(Expired(lot.expires_at, lot.credits))
        return gone

    def grant(self, second: int, amount: int) -> None:
        """Add a lot. All lots of a plan have the same lifetime, so the last added lot expires last."""
        super().grant(second, amount)
        self._lots.append(Lot(amount, second + self._duration))

    def take(self, second: int, amount: int) -> None:
        """Remove credits from the lots with the earliest expiry."""
        super().take(second, amount)
        while amount:
            lot = self._lots.popleft()
            if lot.credits > amount:
                self._lots.appendleft(Lot(lot.credits - amount, lot.expires_at))
            amount -= min(lot.credits, amount)

    @property
    def lots(self) -> list[Lot]:
        """Remaining credits of each grant."""
        return list(self._lots)


class WindowLedger(Ledger):
    """Ledger of a time plan that starts on purchase. The balance counts the periods that have not ended."""

    def advance(self, second: int) -> list[Expired]:
        """End all periods up to a second. Several ended periods form one entry, at the end of the last period."""
        seconds_left = max(0, self.access_until - second)
        left = -(-seconds_left // self._duration)
        gone, self.balance = self.balance - left, left
        return [Expired(self.access_until - left * self._duration, gone)] if gone else []

    def grant(self, second: int, amount: int) -> None:
        """Open the access window, or extend it."""
        super().grant(second, amount)
        self.open(second, amount)

    def take(self, second: int, amount: int) -> None:
        """Remove the last periods. Without a remaining period access ends now."""
        super().take(second, amount)
        self.access_until = self.access_until - amount * self._duration if self.balance else second


def open_ledger(terms: Terms) -> Ledger:
    """Return an empty ledger of the class that fits a plan."""
    if terms.starts_on_purchase:
        return WindowLedger(terms)
    return ExpiringLedger(terms) if terms.kind is PlanKind.CREDITS and terms.duration else Ledger(terms)
