"""What a settlement would bring now: a settlement that brings nothing is a waste of gas."""

from collections.abc import Iterable

from eth_typing import ChecksumAddress

from nvm_chain.chain.client import Chain
from nvm_chain.enums import SettlementResult
from nvm_chain.operations.credits import read_account
from nvm_chain.signing.vouchers import SignedVoucher
from nvm_chain.types.accounts import HolderTotal
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.receipts import SettlementOutcome


def forecast_outcomes(
    chain: Chain, plan_id: int, items: Iterable[SignedVoucher | HolderTotal]
) -> tuple[SettlementOutcome, ...]:
    """Tell what each item of a settlement could bring at most, were it sent now. One request for each holder, and one.

    Signatures and rights are not looked at. An item that brings nothing is EXPIRED, ALREADY_SETTLED, or SHORT where its holder
    has no credits left.
    """
    now, left, outcomes = chain.read_time(), dict[str, tuple[int, int]](), []
    for item in items:
        holder, total, deadline = _read_item(item)
        if holder not in left:
            account = read_account(chain, plan_id, holder)
            left[holder] = account.balance, account.settled
        balance, settled = left[holder]
        amount, result = min(balance, max(total - settled, 0)), SettlementResult.SETTLED
        if deadline is not None and deadline < now:
            amount, result = 0, SettlementResult.EXPIRED
        elif total <= settled:
            result = SettlementResult.ALREADY_SETTLED
        elif amount < total - settled:
            result = SettlementResult.SHORT
        left[holder] = balance - amount, settled + amount
        outcomes.append(SettlementOutcome(holder, amount, result))
    return tuple(outcomes)


def _read_item(item: SignedVoucher | HolderTotal) -> tuple[ChecksumAddress, int, int | None]:
    """Return whose credits an item takes, up to which total, and the last second in which it counts."""
    if isinstance(item, HolderTotal):
        return parse_address(item.holder, "holder address"), item.total, None
    return item.voucher.holder, item.voucher.ceiling, item.voucher.deadline
