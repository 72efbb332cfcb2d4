"""The books: one account of a holder on a plan, and how charges, holds and disputes change it.

Nothing here reads a clock, a file or a chain. A store keeps each account as one row, and changes it in one atomic step.
"""

from typing import Final

from eth_typing import ChecksumAddress
from msgspec import Struct
from msgspec.structs import replace

from nvm_chain.errors import ChargeAboveHold
from nvm_chain.errors.fields import Credits, PlanId, Time
from nvm_chain.meter.views import UNSEEN, Lot, PastView, View
from nvm_chain.types.amounts import check_uint

BITS: Final = 64
"""The number of bits of a number of credits, as in the contract."""
LARGEST: Final = 2**63 - 1
"""The largest sum of credits that books count with. What an account has beyond it is not served."""


class Mark(Struct, frozen=True, gc=False):
    """What was committed when a lot ended. Only charges before the end can have been lost with the lot."""

    end: Time
    committed: Credits


class Account(Struct, frozen=True, gc=False):
    """One holder on one plan: what was charged and held, and what the chain says.

    ``committed`` is the sum of all charges. ``held`` is the sum of all open holds. ``blocked`` are credits of refunded or
    disputed payments. ``written_off`` was charged and cannot be taken any more, because its lot lapsed. ``least_backing``
    and ``least_others`` are the least of these numbers in the last blocks. ``ceiling`` is the highest ceiling of a live
    voucher for the seller's key, and ``ceiling_end`` is the last second in which that voucher is valid. ``owed_since`` is the
    second of the oldest charge that no settlement was asked to take, or of the view that showed the last settlement.
    """

    plan_id: PlanId
    holder: ChecksumAddress
    committed: Credits = 0
    held: Credits = 0
    blocked: Credits = 0
    written_off: Credits = 0
    view: View = UNSEEN
    past: tuple[PastView, ...] = ()
    marks: tuple[Mark, ...] = ()
    least_backing: Credits = 0
    least_others: Credits = 0
    ceiling: Credits = 0
    ceiling_end: Time = 0
    owed_since: Time = 0

    @property
    def owed(self) -> Credits:
        """The credits that were charged, and neither taken on the chain nor lost."""
        return max(0, self.committed - self.view.taken - self.written_off)

    @property
    def outstanding(self) -> Credits:
        """The credits that a seller risks: owed, or held by an open request."""
        return self.owed + self.held

    def find_funds(self, now: int) -> int:
        """Return the least of balance and taken credits over the last blocks. Lots that have ended by now do not count."""
        return self.least_backing - self.view.find_lapsed(now)

    def find_available(self, now: int) -> int:
        """Return the credits that a new request may take. Below zero after a loss."""
        return self.find_funds(now) + self.written_off - self.committed - self.held - self.blocked

    def find_live_ceiling(self, now: int) -> Credits:
        """Return the highest ceiling of a live voucher, or 0 after that voucher's deadline."""
        return self.ceiling if now <= self.ceiling_end else 0

    def find_next_ceiling(self, credits: int) -> Credits:
        """Return the ceiling that covers all that is outstanding, and one more request of some credits."""
        return self.view.settled + self.outstanding + credits

    def find_total_to_reach(self, now: int) -> Credits:
        """Return the total that a settlement should name, so that it takes exactly what is owed. Never above that.

        Charges of an ended lot are not taken from other lots. Settlements by others count when they are as deep
        as grants. Else a reorganization could drop them, and the total would take too much.
        """
        noticed = notice_ends(self, now)
        ended = tuple(lot for lot in self.view.lots if lot.end <= now)
        return max(0, self.committed - write_off(noticed, ended, self.view.taken) + self.least_others)


def charge(account: Account, held: int, cost: int, now: int) -> Account:
    """Turn a hold of ``held`` credits into a charge of ``cost`` credits. The rest of the hold is free again.

    Raises:
        ChargeAboveHold: The cost is more than the hold, or the account does not hold as much.
    """
    check_uint(cost, BITS, "cost")
    if cost > held:
        raise ChargeAboveHold(cost, held)
    account = release(notice_ends(account, now), held)
    since = account.owed_since if account.owed else now
    return replace(account, committed=account.committed + cost, owed_since=since)


def release(account: Account, held: int) -> Account:
    """End a hold of ``held`` credits without a charge. Raises ChargeAboveHold if the account does not hold as much."""
    if check_uint(held, BITS, "hold") > account.held:
        raise ChargeAboveHold(held, account.held)
    return replace(account, held=account.held - held)


def block_credits(account: Account, credits: int) -> Account:
    """Block the credits of a payment that is refunded or disputed. With a negative number, free them again."""
    return replace(account, blocked=check_uint(account.blocked + credits, BITS, "blocked credits"))


def notice_ends(account: Account, now: int) -> Account:
    """Mark each lot that has ended by now with what was committed until its end. A lot is marked only once."""
    if not account.view.lots:
        return account
    known = {mark.end for mark in account.marks}
    ends = sorted({lot.end for lot in account.view.lots if lot.end <= now} - known)
    if not ends:
        return account
    return replace(account, marks=(*account.marks, *(Mark(end, account.committed) for end in ends)))


def write_off(account: Account, ended: tuple[Lot, ...], taken: int, since: int = 0) -> Credits:
    """Return what is written off after lots ended: for each lot, what was owed then, at most what lapsed.

    Lots that ended until the second ``since`` are counted already. A lot without a mark was granted and ended between two
    views. No request was admitted for its credits, so nothing is lost with it.
    """
    committed = {mark.end: mark.committed for mark in account.marks}
    lost = account.written_off
    for lot in sorted(ended, key=lambda lot: lot.end):
        owed = committed.get(lot.end, 0) - taken - lost
        if lot.end > since:
            lost += max(0, min(owed, lot.credits))
    return lost
