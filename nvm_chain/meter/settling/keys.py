"""The redeemer keys of a seller: which one settles an account, and what only an old one can still take."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from eth_typing import ChecksumAddress

from nvm_chain.errors.fields import Credits, Quantity, Time
from nvm_chain.meter.books import Account
from nvm_chain.meter.voucher_fronts import VoucherFront

AccountAndFront: TypeAlias = tuple[Account, VoucherFront]


@dataclass(frozen=True, slots=True)
class KeyDebt:
    """What is owed to a key of the seller, and can be taken with no other of the keys.

    ``latest`` is the last second in which a voucher for the key is valid, whether or not something is owed. If it has
    passed, or no voucher is left, nothing more will be owed to the key.
    """

    redeemer: ChecksumAddress
    credits: Credits
    holders: Quantity
    vouchers: Quantity
    latest: Time | None


def choose_key(front: VoucherFront, keys: Sequence[ChecksumAddress], total: Credits, now: int) -> ChecksumAddress:
    """Return the key with which to settle an account up to a total.

    Args:
        front: The account's vouchers.
        keys: The seller's keys. The first is the one that vouchers are signed for now.
        total: The total to reach.
        now: The Unix second of the settlement.

    Returns:
        The first key that reaches the total. If none does, the one that gets nearest, and of equal ones the first.
    """
    reached = {key: reach(front.keep_for(key), total, now) for key in keys}
    best = max(reached.values())
    return next(key for key in keys if reached[key] == best)


def find_debts(books: Iterable[AccountAndFront], now: int) -> list[KeyDebt]:
    """Return what is owed to each key for which there is a voucher, and what no other key can take.

    Args:
        books: All accounts of the books, with their vouchers.
        now: The Unix second of the question.
    """
    debts: dict[ChecksumAddress, KeyDebt] = {}
    for account, front in books:
        total = account.find_total_to_reach(now)
        by_key = {signed.voucher.redeemer: front.keep_for(signed.voucher.redeemer) for signed in front.vouchers}
        reached = {key: reach(own, total, now) for key, own in by_key.items()}
        for key, own in by_key.items():
            others = max((each for other, each in reached.items() if other != key), default=0)
            owed = max(0, reached[key] - max(others, account.view.settled))
            debts[key] = _add(debts.get(key) or KeyDebt(key, 0, 0, 0, None), owed, own)
    return sorted(debts.values(), key=lambda debt: debt.redeemer)


def reach(front: VoucherFront, total: Credits, now: int) -> Credits:
    """Return how far towards a total a settlement comes with the vouchers for one key."""
    chosen = front.choose(total, now)
    return 0 if chosen is None else min(chosen.voucher.ceiling, total)


def _add(debt: KeyDebt, owed: Credits, front: VoucherFront) -> KeyDebt:
    latest = max(signed.voucher.deadline for signed in front.vouchers)
    return KeyDebt(
        debt.redeemer,
        debt.credits + owed,
        debt.holders + (owed > 0),
        debt.vouchers + len(front.vouchers),
        max(latest, debt.latest or 0),
    )
