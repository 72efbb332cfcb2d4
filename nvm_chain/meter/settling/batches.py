"""Batches: what to settle, plan by plan, at most 100 holders in one transaction."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from nvm_chain.errors.fields import Credits, Number, PlanId, Quantity
from nvm_chain.meter.settling.gas import find_gas
from nvm_chain.meter.settling.rules import SOON_PERCENT, Due, Owing, SettleRules, find_due, find_nearness
from nvm_chain.signing.vouchers import SignedVoucher
from nvm_chain.types.accounts import HolderTotal

MOST_ITEMS: Final = 100
"""How many holders one transaction settles."""


@dataclass(frozen=True, slots=True)
class Item:
    """What to settle of one holder: up to ``total``, which takes ``credits`` more.

    ``reason`` is None if it could wait. ``nearness`` is how near it is to being due, in percent. ``most`` is how many holders
    its transaction may have. ``seen_block`` is the block of the account's view.
    """

    item: SignedVoucher | HolderTotal
    total: Credits
    credits: Credits
    reason: Due | None
    nearness: Number = 100
    most: Quantity = MOST_ITEMS
    seen_block: Number = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """Items of one plan that one transaction settles. ``has_wallets`` says that contract wallets signed them all."""

    plan_id: PlanId
    items: tuple[Item, ...]
    has_wallets: bool = False

    @property
    def credits(self) -> Credits:
        """The credits that the batch takes. By so many the exposure becomes smaller."""
        return sum(item.credits for item in self.items)

    @property
    def gas(self) -> Quantity:
        """The gas of the batch, from measured settlements. What the code of contract wallets needs comes on top."""
        by_rule = sum(isinstance(item.item, HolderTotal) for item in self.items)
        return find_gas(len(self.items) - by_rule, by_rule)


IsByWallet: TypeAlias = Callable[[SignedVoucher], bool]


@dataclass(slots=True)
class Choice:
    """Chooses batches among accounts that are added one by one. Of what could wait, it keeps little.

    ``is_by_wallet`` tells whether a contract wallet has signed a voucher. Such vouchers get batches of their own, because
    the code of a wallet may use up gas.
    """

    rules: SettleRules
    now: int
    is_by_wallet: IsByWallet = lambda _: False
    _due: dict[PlanId, list[Item]] = field(default_factory=dict)
    _soon: dict[PlanId, list[Item]] = field(default_factory=dict)

    def add(self, owing: Owing, most: int = MOST_ITEMS) -> Credits:
        """Look at an account, and return the credits that a settlement could take now.

        ``most`` is how many holders its transaction may have.
        """
        item = build_item(owing, find_due(owing, self.rules, self.now), self.now, most)
        if item is None:
            return 0
        plan_id = owing.account.plan_id
        if item.reason is not None:
            self._due.setdefault(plan_id, []).append(item)
        else:
            self._add_soon(plan_id, replace(item, nearness=find_nearness(owing, self.rules, self.now)))
        return item.credits

    def _add_soon(self, plan_id: PlanId, item: Item) -> None:
        if item.nearness >= SOON_PERCENT and item.most == MOST_ITEMS:
            soon = self._soon.setdefault(plan_id, [])
            soon.append(item)
            if len(soon) >= 2 * MOST_ITEMS:
                soon[:] = _take_nearest(soon)

    def list_batches(self) -> list[Batch]:
        """Return batches of all that is due, the most pressing first. They take along what is due soon, as far as it fits."""
        batches = [
            batch
            for plan_id, due in self._due.items()
            for has_wallets in (False, True)
            for most in sorted({item.most for item in due}, reverse=True)
            for batch in self._build_batches(
                plan_id, [item for item in due if item.most == most], has_wallets=has_wallets
            )
        ]
        return sorted(batches, key=lambda batch: min(_RANKS[item.reason] for item in batch.items))

    def _build_batches(self, plan_id: PlanId, due: Sequence[Item], *, has_wallets: bool) -> Iterator[Batch]:
        """Yield batches of what is due, either of contract wallets or of others. All items may have equally many beside them."""
        soon = _take_nearest(self._soon.get(plan_id, ()))
        wanted, more = ([item for item in items if self._is_by_wallet(item) is has_wallets] for items in (due, soon))
        return _divide(plan_id, wanted, more, has_wallets=has_wallets)

    def _is_by_wallet(self, item: Item) -> bool:
        return isinstance(item.item, SignedVoucher) and self.is_by_wallet(item.item)


_RANKS: Final = {reason: rank for rank, reason in enumerate((*Due, None))}


def build_batches(owing: Iterable[Owing], rules: SettleRules, now: int) -> list[Batch]:
    """Return batches of all that is due. What is due of a plan takes along what is due soon, as far as it fits.

    Args:
        owing: Accounts that owe credits.
        rules: When to settle.
        now: The Unix second of the settlement.
    """
    choice = Choice(rules, now)
    for each in owing:
        choice.add(each)
    return choice.list_batches()


def _take_nearest(items: Iterable[Item]) -> list[Item]:
    return sorted(items, key=lambda item: (-item.nearness, -item.credits))[:MOST_ITEMS]


def _divide(plan_id: PlanId, due: Sequence[Item], soon: Sequence[Item], *, has_wallets: bool) -> Iterator[Batch]:
    ranked = sorted(due, key=lambda item: _RANKS[item.reason])
    most = due[0].most if due else MOST_ITEMS
    items = [*ranked, *(soon[: -len(due) % MOST_ITEMS] if most == MOST_ITEMS else ())]
    for start in range(0, len(items), most):
        yield Batch(plan_id, tuple(items[start : start + most]), has_wallets)


def build_item(owing: Owing, reason: Due | None, now: int, most: int = MOST_ITEMS) -> Item | None:
    """Return what a settlement can take of an account. None if nothing can be taken now."""
    account = owing.account
    total, settled = account.find_total_to_reach(now), account.view.settled
    balance = account.view.balance - account.view.find_lapsed(now) + account.view.lapsed
    if not owing.by_vouchers:
        credits = min(total - settled, balance)
        item = HolderTotal(account.holder, total)
        return (
            Item(item, total, credits, reason, most=most, seen_block=account.view.block_number) if credits > 0 else None
        )
    signed = owing.front.choose(total, now)
    if signed is None:
        return None
    reached = min(total, signed.voucher.ceiling)
    credits = min(reached - settled, balance)
    if credits <= 0:
        return None
    return Item(signed, reached, credits, reason, most=most, seen_block=account.view.block_number)
