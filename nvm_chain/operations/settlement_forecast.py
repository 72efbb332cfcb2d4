"""Settlement forecasts: the outcome of each item if it were settled now. An item that takes nothing wastes gas."""

from collections.abc import Iterable

from eth_typing import ChecksumAddress

from nvm_chain.chain.client import Chain
from nvm_chain.enums import SettlementResult
from nvm_chain.errors import NotRedeemer
from nvm_chain.operations.bulk_reads import read_accounts
from nvm_chain.operations.plans import is_redeemer, read_plan_state
from nvm_chain.operations.settlement_simulations import ask_settlement, may_settle_unsigned
from nvm_chain.operations.voucher_checks import check_accepts_vouchers
from nvm_chain.operations.wallets import unwrap_signature
from nvm_chain.signing.signatures import is_signed_by
from nvm_chain.signing.vouchers import CEILING_BITS, SignedVoucher, voucher_digest
from nvm_chain.types.accounts import HolderTotal
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.amounts import check_uint
from nvm_chain.types.receipts import SettlementOutcome


def forecast_outcomes(
    chain: Chain, plan_id: int, items: Iterable[SignedVoucher | HolderTotal], *, redeemer: str
) -> tuple[SettlementOutcome, ...]:
    """Return the best outcome that each item of a settlement could have if the settlement were sent now.

    One request for up to 2,000 holders, one for each voucher that the holder's own key did not sign, and about four
    others. The result of an item that takes nothing is EXPIRED, ALREADY_SETTLED, NOT_SIGNED or, if the holder does not
    have credits, SHORT.

    Args:
        chain: The connection to the plan's chain.
        plan_id: The plan's id.
        items: The vouchers and HolderTotal items to settle.
        redeemer: The address that would send the settlement.

    Raises:
        InvalidAmount: A total is out of range.
        UnknownPlan: The plan is not registered.
        SettlementsNotAccepted: Nothing can be settled on this plan.
        NotRedeemer: The redeemer may not settle on this plan.
        InsufficientCoin: The node wants the redeemer to pay for the gas of a call, and the redeemer cannot.
    """
    plan, sender = read_plan_state(chain, plan_id), parse_address(redeemer, "redeemer address")
    check_accepts_vouchers(plan.plan_id, plan.terms)
    if sender != plan.owner and not is_redeemer(chain, plan.plan_id, sender):
        raise NotRedeemer(plan.plan_id, sender)
    now, is_trusted = chain.read_time(), may_settle_unsigned(chain, plan.plan_id, sender)
    listed = [(item, *_read_item(item)) for item in items]
    holders = list(dict.fromkeys(holder for _, holder, _, _ in listed))
    accounts = read_accounts(chain, [(plan.plan_id, holder) for holder in holders])
    left = {holder: (account.balance, account.settled) for holder, account in zip(holders, accounts, strict=True)}
    outcomes = []
    for item, holder, total, deadline in listed:
        balance, settled = left[holder]
        amount, result = min(balance, max(total - settled, 0)), SettlementResult.SETTLED
        if deadline is not None and deadline < now:
            amount, result = 0, SettlementResult.EXPIRED
        elif total <= settled:
            result = SettlementResult.ALREADY_SETTLED
        elif not _counts(chain, item, sender, is_trusted=is_trusted):
            amount, result = 0, SettlementResult.NOT_SIGNED
        elif amount < total - settled:
            result = SettlementResult.SHORT
        left[holder] = balance - amount, settled + amount
        outcomes.append(SettlementOutcome(holder, amount, result))
    return tuple(outcomes)


def _counts(chain: Chain, item: SignedVoucher | HolderTotal, sender: ChecksumAddress, *, is_trusted: bool) -> bool:
    """Return whether an item has a valid signature or needs none. One request if the holder's own key did not sign."""
    if isinstance(item, HolderTotal):
        return is_trusted
    item = unwrap_signature(item)
    digest = voucher_digest(item.voucher, chain_id=chain.chain_id, contract=chain.credits.address)
    ask = ask_settlement(chain, item, redeemer=sender)
    return is_signed_by(item.voucher.holder, digest, item.signature, ask)


def _read_item(item: SignedVoucher | HolderTotal) -> tuple[ChecksumAddress, int, int | None]:
    """Return an item's holder, its total in credits, and its deadline in Unix seconds, or None for a HolderTotal."""
    if isinstance(item, HolderTotal):
        total = check_uint(item.total, CEILING_BITS, "total", minimum=1)
        return parse_address(item.holder, "holder address"), total, None
    return item.voucher.holder, item.voucher.ceiling, item.voucher.deadline
