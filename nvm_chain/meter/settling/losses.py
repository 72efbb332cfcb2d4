"""Losses: what was charged, is owed, and cannot be taken any more, with the reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from nvm_chain.errors.fields import Credits
from nvm_chain.meter.settling.keys import reach
from nvm_chain.meter.store.group_rows import AccountKey, StoredAccount
from nvm_chain.meter.store.packing import pack_key, unpack_account
from nvm_chain.meter.store.refused_vouchers import RefusedVoucher, list_refused
from nvm_chain.meter.store.schema import accounts
from nvm_chain.meter.store.store import Store

WALLET: Final = "wallet changed its mind"


@dataclass(frozen=True, slots=True)
class Loss:
    """Credits that a holder owes and nobody can take. A new voucher of the holder that covers them ends the loss."""

    key: AccountKey
    credits: Credits
    reason: str


def list_losses(store: Store, now: int) -> list[Loss]:
    """Return what is owed under vouchers that a contract wallet no longer accepts, and is covered by no other voucher.

    Args:
        store: The books.
        now: The Unix second of the question.

    Raises:
        IndexFailure: The books cannot be read.
    """
    refused: dict[AccountKey, list[RefusedVoucher]] = {}
    for each in list_refused(store):
        refused.setdefault(each.key, []).append(each)
    if not refused:
        return []
    by_key = {pack_key(key): key for key in refused}
    with store.asking() as pen:
        rows = list(pen.find(accounts, list(by_key)))
    found = []
    for row in rows:
        key = by_key[bytes(row[0]), bytes(row[1])]
        lost = find_loss(unpack_account(key, row, None, has_past=False), refused[key], now)
        if lost:
            found.append(Loss(key, lost, WALLET))
    return sorted(found, key=lambda loss: loss.key)


def find_loss(stored: StoredAccount, refused: Sequence[RefusedVoucher], now: int) -> Credits:
    """Return the credits that refused vouchers would let be taken, and no voucher of the account does."""
    account, total = stored.account, stored.account.find_total_to_reach(now)
    keys = {signed.voucher.redeemer for signed in stored.front.vouchers}
    covered = max((reach(stored.front.keep_for(key), total, now) for key in keys), default=0)
    promised = max((min(each.ceiling, total) for each in refused), default=0)
    return max(0, min(account.owed, promised - max(covered, account.view.settled)))
