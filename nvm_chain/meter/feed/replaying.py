"""Views of an account after some blocks: its movements are applied to its ledger, by the rules of the contract."""

from collections.abc import Iterable
from typing import NamedTuple

from nvm_chain.meter.views import Lot, View
from nvm_chain.types.ledgers import Ledger


class Page(NamedTuple):
    """A block of the index. ``time`` is a Unix second."""

    number: int
    hash: bytes
    time: int


class Movement(NamedTuple):
    """A change of an account's credits. ``amount`` has a sign. ``is_ours`` says that one of the meter's keys took them."""

    page: Page
    amount: int
    is_settlement: bool
    is_ours: bool


class Totals(NamedTuple):
    """Sums of an account's movements up to a block: of all, with their signs, and of what the meter's keys took.

    Credits that lapse are not a movement. So ``moved`` less the balance is what lapsed.
    """

    moved: int = 0
    taken: int = 0


class UnknownLedger(Ledger):
    """The ledger of an account on a plan that is not on the chain any more. It has no movements."""

    def __init__(self) -> None:
        """Start without credits, and without terms."""
        self.balance = self.settled = self.access_until = self._duration = 0
        self.is_granted = False


class Replay:
    """An account on its way through the blocks."""

    def __init__(self, ledger: Ledger, totals: Totals, since: int) -> None:
        """Take the account as it was at a block.

        Args:
            ledger: Its ledger, at the time of the last movement up to the block.
            totals: Its sums up to the block.
            since: The Unix second from which on lots that ended are told. It is that of a block whose view is known.
        """
        self._ledger, self.totals, self._since = ledger, totals, since
        self._ended: list[Lot] = []

    def _advance(self, second: int) -> None:
        gone = self._ledger.advance(second)
        self._ended += (Lot(expired.second, expired.amount) for expired in gone if expired.second > self._since)

    def apply(self, movement: Movement) -> None:
        """Apply the next movement."""
        second, amount = movement.page.time, movement.amount
        self._advance(second)
        if amount > 0:
            self._ledger.grant(second, amount)
        elif amount < 0:
            self._ledger.take(second, -amount)
        if movement.is_settlement:
            self._ledger.settled -= amount
        moved, taken = self.totals
        self.totals = Totals(moved + amount, taken - amount if movement.is_ours else taken)

    def view(self, page: Page) -> View:
        """Return the view of a block, to which all movements up to it were applied."""
        self._advance(page.time)
        ledger = self._ledger
        return View(
            *page,
            balance=ledger.balance,
            settled=ledger.settled,
            taken=self.totals.taken,
            lapsed=self.totals.moved - ledger.balance,
            lots=tuple(Lot(lot.expires_at, lot.credits) for lot in ledger.lots),
            ended=tuple(self._ended),
        )


def replay(account: Replay, movements: Iterable[Movement], start: Page, head: Page) -> list[View]:
    """Return the views of the block ``start``, of each later block that changed the account, and of the head.

    ``movements`` are in order. Those up to the block ``start`` are applied first.
    """
    views, page = list[View](), start
    for movement in movements:
        if movement.page.number > page.number:
            views.append(account.view(page))
            page = movement.page
        account.apply(movement)
    views.append(account.view(page))
    if head.number > page.number:
        views.append(account.view(head))
    return views
