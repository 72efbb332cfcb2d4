"""Batches: what to settle, plan by plan, at most 100 holders in one transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from nvm_chain.errors.fields import Credits, PlanId
from nvm_chain.meter.settling.rules import Due, Owing, SettleRules, find_due
from nvm_chain.signing.vouchers import SignedVoucher
from nvm_chain.types.accounts import HolderTotal

MOST_ITEMS: Final = 100
"""How many holders one transaction settles."""


@dataclass(frozen=True, slots=True)
class Item:
    """What to settle of one holder: up to ``total``, which takes ``credits`` more. ``reason`` is None if it could wait."""

    item: SignedVoucher | HolderTotal
    total: Credits
    credits: Credits
    reason: Due | None


@dataclass(frozen=True, slots=True)
class Batch:
    """Items of one plan that one transaction settles."""

    plan_id: PlanId
    items: tuple[Item, ...]

    @property
    def credits(self) -> Credits:
        """The credits that the batch takes."""
        return sum(item.credits for item in self.items)


def build_batches(owing: Iterable[Owing], rules: SettleRules, now: int) -> list[Batch]:
    """Return batches of all that is due. What is due of a plan takes along what is not due, as far as it fits.

    Args:
        owing: Accounts that owe credits.
        rules: When to settle.
        now: The Unix second of the settlement.
    """
    by_plan: dict[int, list[Item]] = {}
    waiting: dict[int, list[Item]] = {}
    for each in owing:
        reason = find_due(each, rules, now)
        item = _build_item(each, reason, now)
        if item is not None:
            (waiting if reason is None else by_plan).setdefault(each.account.plan_id, []).append(item)
    return [batch for plan_id, due in by_plan.items() for batch in _divide(plan_id, due, waiting.get(plan_id, ()))]


def _divide(plan_id: int, due: list[Item], waiting: Sequence[Item]) -> Iterable[Batch]:
    room = -len(due) % MOST_ITEMS
    items = [*due, *sorted(waiting, key=lambda item: -item.credits)[:room]]
    for start in range(0, len(items), MOST_ITEMS):
        yield Batch(plan_id, tuple(items[start : start + MOST_ITEMS]))


def _build_item(owing: Owing, reason: Due | None, now: int) -> Item | None:
    """Return what a settlement can take of an account. None if nothing can be taken now."""
    account = owing.account
    total = account.find_total_to_reach(now)
    if not owing.by_vouchers:
        settled = account.view.settled
        return Item(HolderTotal(account.holder, total), total, total - settled, reason) if total > settled else None
    signed = owing.front.choose(total, now)
    if signed is None:
        return None
    reached = min(total, signed.voucher.ceiling)
    return Item(signed, reached, reached - account.view.settled, reason) if reached > account.view.settled else None
