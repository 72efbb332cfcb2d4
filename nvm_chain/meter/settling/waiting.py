"""Which accounts wait for their next settlement, and which ones are settled in smaller transactions than others."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from nvm_chain.enums import SettlementResult
from nvm_chain.errors.fields import Number, Quantity, Seconds, Time
from nvm_chain.meter.settling.batches import MOST_ITEMS
from nvm_chain.meter.settling.rules import MINUTE, Owing
from nvm_chain.meter.store.group_rows import AccountKey
from nvm_chain.meter.store.settlements import SettledItem, Settlement, SettlementState
from nvm_chain.signing.vouchers import SignedVoucher

FOR_EVER: Final = 2**63
"""A block number that no view has."""
SHARE: Final = 10
"""After a transaction reverted, each of its holders gets into one with a tenth of its items at most."""

FindDigest: TypeAlias = Callable[[SignedVoucher], bytes]


@dataclass(frozen=True, slots=True)
class Revert:
    """A transaction that reverted: when it was signed, and how many holders were in it."""

    signed_at: Time
    holders: Quantity


@dataclass(slots=True)
class Waits:
    """What earlier transactions mean for the accounts in them.

    ``find_digest`` returns the digest of a voucher.
    """

    now: Time
    find_digest: FindDigest
    _blocks: dict[AccountKey, Number] = field(default_factory=dict)
    _refused: dict[AccountKey, dict[bytes, Number]] = field(default_factory=dict)
    _reverts: dict[AccountKey, list[Revert]] = field(default_factory=dict)

    def add(self, settlement: Settlement, *, counts_revert: bool) -> None:
        """Take a transaction: an open one, or a recent one in which some item took nothing.

        The accounts in an open transaction wait, and then until their views are as late as its block. So does an item that
        took nothing. One that a contract wallet did not accept waits as long as the voucher is there.
        """
        if settlement.state in (SettlementState.LOST, SettlementState.GONE):
            return
        is_open = settlement.state is SettlementState.OPEN
        if not is_open and settlement.items[0].result is None:
            # It reverted, so it says nothing of its holders, and the next one is simulated before it is sent.
            revert = Revert(settlement.signed_at, len(settlement.items))
            for item in settlement.items if counts_revert else ():
                self._reverts.setdefault(AccountKey(settlement.plan_id, item.holder), []).append(revert)
            return
        block = FOR_EVER if is_open else settlement.block_number
        for item in settlement.items:
            self._add_item(AccountKey(settlement.plan_id, item.holder), item, block)

    def _add_item(self, key: AccountKey, item: SettledItem, block: Number) -> None:
        if item.result is SettlementResult.NOT_SIGNED and item.voucher:
            refused = self._refused.setdefault(key, {})
            refused[item.voucher] = max(refused.get(item.voucher, 0), block)
        else:
            self._blocks[key] = max(self._blocks.get(key, 0), block)

    def hold(self, owing: Owing) -> bool:
        """Return whether an account has to wait."""
        account = owing.account
        key, seen = AccountKey(account.plan_id, account.holder), account.view.block_number
        if self._blocks.get(key, 0) > seen or self._find_pause(key):
            return True
        refused = self._refused.get(key)
        return refused is not None and any(
            refused.get(self.find_digest(signed), 0) > seen for signed in owing.front.vouchers
        )

    def _find_pause(self, key: AccountKey) -> Seconds:
        """Return how long an account is left alone because its transactions reverted.

        Gas was paid for each of them. So the first one is repeated at once, and each further one after twice the time.
        """
        reverts = self._reverts.get(key, ())
        if len(reverts) < 2:
            return 0
        last = max(revert.signed_at for revert in reverts)
        return max(0, last + (MINUTE << (len(reverts) - 2)) - self.now)

    def find_most(self, owing: Owing) -> Quantity:
        """Return how many holders a transaction with an account may have.

        After one reverted, smaller ones find out whose item it was, and settle the others.
        """
        reverts = self._reverts.get(AccountKey(owing.account.plan_id, owing.account.holder), ())
        least = min((revert.holders for revert in reverts), default=MOST_ITEMS * SHARE)
        return max(1, least // SHARE)


def find_waits(settlements: Iterable[Settlement], now: Time, since: Time, find_digest: FindDigest) -> Waits:
    """Return what earlier transactions mean for the accounts in them.

    Args:
        settlements: Transactions that may be a reason to wait: open ones, and recent ones in which an item took nothing.
        now: The Unix second of the question.
        since: The second from which on reverts count.
        find_digest: A function that returns the digest of a voucher.
    """
    waits = Waits(now, find_digest)
    for settlement in {each.hash: each for each in settlements}.values():
        waits.add(settlement, counts_revert=settlement.signed_at >= since)
    return waits
