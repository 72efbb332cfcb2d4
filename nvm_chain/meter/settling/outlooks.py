"""Outlooks: what would be settled now, what is due next and when, and why the rest cannot be taken."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from nvm_chain.errors.fields import Credits, Quantity, Time
from nvm_chain.meter.settling.batches import Batch, build_item
from nvm_chain.meter.settling.first_use import PendingOpening
from nvm_chain.meter.settling.rules import Due, Owing, SettleRules, find_due


class Hindrance(Enum):
    """Why credits that are owed cannot be taken now. The values are for tables."""

    OTHER_KEY = "another key of the seller has to take them"
    NO_VOUCHER = "no voucher is valid any more"
    LOW_VOUCHER = "the voucher's ceiling is too low"
    NO_CREDITS = "the holder has too few credits left"


@dataclass(frozen=True, slots=True)
class NextDue:
    """What makes credits due next, and the Unix second from which on they are due."""

    reason: Due
    time: Time


@dataclass(frozen=True, slots=True)
class Outlook:
    """What would be settled now, and what would be left.

    ``owed`` is what is owed in all, by ``holders``. ``takeable`` is what this key, vouchers and balances allow to take now. The
    rest waits for a better voucher or for credits, or is lost, or another key has to take it: ``hindered`` has it by reasons.
    ``waiting`` is what is owed by holders with a transaction that is not mined, or not in the books yet. ``next_due`` is what
    becomes due first of what could be taken and is not due, or None. More charges may make it due earlier. ``openings`` are of
    access that requests wait for.
    """

    batches: tuple[Batch, ...]
    owed: Credits
    takeable: Credits
    waiting: Credits
    holders: Quantity
    hindered: Mapping[Hindrance, Credits] = field(default_factory=dict)
    next_due: NextDue | None = None
    openings: tuple[PendingOpening, ...] = ()

    @property
    def closes(self) -> Credits:
        """The credits that the batches take. By so many the seller's exposure becomes smaller."""
        return sum(batch.credits for batch in self.batches)

    @property
    def gas(self) -> Quantity:
        """The gas of all batches and openings, from measured transactions."""
        return sum(batch.gas for batch in self.batches) + sum(opening.gas for opening in self.openings)


@dataclass(slots=True)
class Sums:
    """Adds up what an outlook says of accounts that are not in its batches."""

    rules: SettleRules
    now: Time
    hindered: dict[Hindrance, Credits] = field(default_factory=dict)
    next_due: NextDue | None = None

    def add_other_key(self, credits: Credits) -> None:
        """Take an account that another key has to settle."""
        self._hinder(Hindrance.OTHER_KEY, credits)

    def add(self, owing: Owing, takeable: Credits) -> None:
        """Take an account of which a settlement could take some credits now."""
        if left := owing.account.owed - takeable:
            self._hinder(find_hindrance(owing, self.now), left)
        if not takeable or find_due(owing, self.rules, self.now) is not None:
            return
        found = find_next_due(owing, self.rules, self.now)
        if self.next_due is None or found.time < self.next_due.time:
            self.next_due = found

    def _hinder(self, why: Hindrance, credits: Credits) -> None:
        self.hindered[why] = self.hindered.get(why, 0) + credits


def find_hindrance(owing: Owing, now: int) -> Hindrance:
    """Return why not all can be taken of what an account owes."""
    if owing.by_vouchers:
        total = owing.account.find_total_to_reach(now)
        chosen = owing.front.choose(total, now)
        if chosen is None:
            return Hindrance.NO_VOUCHER
        if chosen.voucher.ceiling < total:
            item = build_item(owing, None, now)
            reached = owing.account.view.settled + (0 if item is None else item.credits)
            if reached >= chosen.voucher.ceiling:
                return Hindrance.LOW_VOUCHER
    return Hindrance.NO_CREDITS


def find_next_due(owing: Owing, rules: SettleRules, now: int) -> NextDue:
    """Return what makes an account due next that is not due, without any more charges."""
    found = [NextDue(reason, time) for reason, find in TIMES.items() if (time := find(owing, rules, now)) is not None]
    return min(found, key=lambda each: each.time)


def _find_deadline(owing: Owing, rules: SettleRules, now: int) -> Time | None:
    if not owing.by_vouchers:
        return None
    chosen = owing.front.choose(owing.account.find_total_to_reach(now), now)
    return None if chosen is None else chosen.voucher.deadline - rules.margin_seconds


def _find_expiry(owing: Owing, rules: SettleRules, now: int) -> Time | None:
    ends = [lot.end for lot in owing.account.view.lots if lot.end > now]
    return min(ends) - rules.margin_seconds if ends else None


def _find_age(owing: Owing, rules: SettleRules, _: int) -> Time:
    return owing.oldest + rules.age_seconds


TIMES: Final[dict[Due, Callable[[Owing, SettleRules, int], Time | None]]] = {
    Due.DEADLINE: _find_deadline,
    Due.EXPIRY: _find_expiry,
    Due.AGE: _find_age,
}
"""The reasons that come by themselves, with the second from which on they hold."""
