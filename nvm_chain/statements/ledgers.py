"""What a holder has of a plan, second by second: credits that last, credits that expire, access windows."""

from collections import deque
from typing import NamedTuple

from nvm_chain.enums import PlanKind
from nvm_chain.types.accounts import Lot
from nvm_chain.types.plans import Terms


class Expired(NamedTuple):
    """Credits that expired in a second."""

    second: int
    amount: int


class Ledger:
    """A holder's credits of a plan where they last; on a time plan that starts on first use, the unopened periods.

    Times are Unix seconds, and never go back. ``settled`` counts the credits that settlements took. ``access_until``
    is the second at which access ends, 0 if it never began.
    """

    def __init__(self, terms: Terms) -> None:
        """Start with nothing."""
        self.balance = 0
        self.settled = 0
        self.access_until = 0
        self.is_granted = False
        self._duration = terms.duration

    def advance(self, second: int) -> list[Expired]:
        """Let time pass up to the end of a second, and return what expired."""
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
        """Open access for some periods, from now or from when it ends."""
        self.access_until = max(self.access_until, second) + periods * self._duration

    @property
    def lots(self) -> list[Lot]:
        """What remains of each purchase where credits expire, earliest expiry first; empty where they last."""
        return []


class ExpiringLedger(Ledger):
    """A holder's credits of a plan where each grant expires after a fixed time. The earliest expiry is used first."""

    def __init__(self, terms: Terms) -> None:
        """Start with nothing."""
        super().__init__(terms)
        self._lots: deque[Lot] = deque()

    def advance(self, second: int) -> list[Expired]:
        """Let lots expire whose second has come."""
        gone = []
        while self._lots and self._lots[0].expires_at <= second:
            lot = self._lots.popleft()
            self.balance -= lot.credits
            gone.append(Expired(lot.expires_at, lot.credits))
        return gone

    def grant(self, second: int, amount: int) -> None:
        """Add a lot. All lots of a plan last equally long, so the last one added expires last."""
        super().grant(second, amount)
        self._lots.append(Lot(amount, second + self._duration))

    def take(self, second: int, amount: int) -> None:
        """Take from the lots that expire first."""
        super().take(second, amount)
        while amount:
            lot = self._lots.popleft()
            if lot.credits > amount:
                self._lots.appendleft(Lot(lot.credits - amount, lot.expires_at))
            amount -= min(lot.credits, amount)

    @property
    def lots(self) -> list[Lot]:
        """What remains of each grant."""
        return list(self._lots)


class WindowLedger(Ledger):
    """A holder's access to a time plan that starts on purchase. The balance is the periods that are not over."""

    def advance(self, second: int) -> list[Expired]:
        """Let periods end. Several that ended since the last call are one entry, at the second of the last of them."""
        seconds_left = max(0, self.access_until - second)
        left = -(-seconds_left // self._duration)
        gone, self.balance = self.balance - left, left
        return [Expired(self.access_until - left * self._duration, gone)] if gone else []

    def grant(self, second: int, amount: int) -> None:
        """Open the window, or add to its end."""
        super().grant(second, amount)
        self.open(second, amount)

    def take(self, second: int, amount: int) -> None:
        """Give up the last periods; without one left, access ends now."""
        super().take(second, amount)
        self.access_until = self.access_until - amount * self._duration if self.balance else second


def open_ledger(terms: Terms) -> Ledger:
    """Return the ledger that fits a plan, with nothing in it."""
    if terms.starts_on_purchase:
        return WindowLedger(terms)
    return ExpiringLedger(terms) if terms.kind is PlanKind.CREDITS and terms.duration else Ledger(terms)
