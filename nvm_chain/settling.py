"""Vouchers against a chain: sign the next one, check one, and settle many in one transaction."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

from web3.types import TxReceipt

from nvm_chain.addresses import parse_address
from nvm_chain.chain import Chain, summarize
from nvm_chain.contract_errors import InsufficientCredits, NotRedeemer, VouchersNotAccepted
from nvm_chain.credits import read_account
from nvm_chain.eip712 import MessageSigner
from nvm_chain.errors import InvalidConfig, VoucherMismatch, VoucherUsedUp
from nvm_chain.ids import parse_plan_id
from nvm_chain.keys import Signer
from nvm_chain.paying import SIGNATURE_SECONDS
from nvm_chain.plans import is_redeemer, read_plan
from nvm_chain.types import SettlementReceipt, Terms, VoucherCheck, VoucherOutcome, VoucherResult
from nvm_chain.units import check_uint
from nvm_chain.vouchers import (
    CEILING_BITS,
    SignedVoucher,
    build_voucher,
    next_ceiling,
    recover_signer,
    sign_voucher,
    verify_voucher,
)
from nvm_chain.wallets import WALLET_GAS, ask_wallets


def sign_next_voucher(
    chain: Chain,
    signer: MessageSigner,
    plan_id: int | str,
    *,
    redeemer: str,
    cost: int,
    last_ceiling: int = 0,
    context: str | bytes | UUID = b"",
    valid_seconds: int = SIGNATURE_SECONDS,
) -> SignedVoucher:
    """Sign a voucher for one more request of ``cost`` credits. Sends nothing. Two requests.

    ``last_ceiling`` is the highest ceiling the signer has signed on this plan so far; the chain's own count is used where it is
    higher. Leave it out, and vouchers that are signed and not settled yet are not added to. Valid for ``valid_seconds`` by the
    chain's clock, which should end before the credits do. Raises InvalidAmount, InvalidAddress, InvalidContext.
    """
    check_uint(valid_seconds, 63, "valid_seconds")
    settled = read_account(chain, plan_id, signer.address).settled
    voucher = build_voucher(
        plan_id,
        holder=signer.address,
        redeemer=redeemer,
        ceiling=next_ceiling(max(last_ceiling, settled), cost),
        deadline=chain.read_time() + valid_seconds,
        context=context,
    )
    return sign_voucher(signer, voucher, chain_id=chain.chain_id, contract=chain.credits.address)


def check_voucher(chain: Chain, signed: SignedVoucher, *, redeemer: str | None = None) -> VoucherCheck:
    """Check a voucher against the chain as it is now, and return what settling it would bring. About seven requests.

    The clock is the chain's, and a contract wallet is asked (ERC-1271). ``redeemer`` is who wants to settle it. Nothing keeps the
    holder from spending the credits before it is settled. Raises UnknownPlan, VouchersNotAccepted, VoucherMismatch,
    NotRedeemer, VoucherExpired, VoucherSignatureInvalid, VoucherUsedUp, InsufficientCredits if the holder has none left.
    """
    voucher = signed.voucher
    plan = read_plan(chain, voucher.plan_id)
    check_accepts_vouchers(plan.plan_id, plan.terms)
    verify_voucher(
        signed,
        chain_id=chain.chain_id,
        contract=chain.credits.address,
        redeemer=redeemer,
        now=chain.read_time(),
        ask_chain=ask_wallets(chain),
    )
    if voucher.redeemer != plan.owner and not is_redeemer(chain, plan.plan_id, voucher.redeemer):
        raise NotRedeemer(plan.plan_id, voucher.redeemer)
    account = read_account(chain, plan.plan_id, voucher.holder)
    if account.settled >= voucher.ceiling:
        raise VoucherUsedUp(voucher.ceiling, account.settled)
    check = VoucherCheck(account.balance, account.settled, voucher.ceiling)
    if check.available == 0:
        raise InsufficientCredits(plan.plan_id, voucher.holder, account.balance, voucher.ceiling - account.settled)
    return check


def check_accepts_vouchers(plan_id: int, terms: Terms) -> None:
    """Raise VouchersNotAccepted unless the plan grants credits for requests that cannot be transferred."""
    if not terms.accepts_vouchers:
        raise VouchersNotAccepted(plan_id)


def settle_vouchers(
    chain: Chain,
    signer: Signer,
    plan_id: int | str,
    vouchers: Iterable[SignedVoucher],
    *,
    amounts: Sequence[int] | None = None,
) -> SettlementReceipt:
    """Redeem credits of many holders by their vouchers, in one transaction. Plan owner or redeemer only.

    Every voucher has to be of this plan and for the signer. Of each its whole ceiling is taken, or at most the amount in
    the same place of ``amounts``. A voucher that is expired, used up or not signed, or whose holder has too little, harms no
    other: each one's outcome is in the receipt. Settling again is safe, as a ceiling counts once. Raises VoucherMismatch,
    NotRedeemer, VouchersNotAccepted, UnknownPlan, NotEnoughGas, NotMined, OutcomeUnknown, or a NetworkError.
    """
    batch = list(vouchers)
    if not batch:
        raise InvalidConfig("a settlement without vouchers settles nothing")
    if amounts is not None and len(amounts) != len(batch):
        raise InvalidConfig(f"there are {len(batch)} vouchers and {len(amounts)} amounts; give one for each")
    plan_id = parse_plan_id(plan_id)
    wanted = [signed.voucher.ceiling for signed in batch] if amounts is None else amounts
    for signed, amount in zip(batch, wanted, strict=True):
        check_uint(amount, CEILING_BITS, "amount", minimum=1)
        _check_place(signed, plan_id, parse_address(signer.address, "signer's address"))
    items = [_encode_item(signed, amount) for signed, amount in zip(batch, wanted, strict=True)]
    receipt = chain.send(signer, chain.credits.functions.settle(plan_id, items), extra_gas=_bound_wallets(chain, batch))
    return SettlementReceipt(
        plan_id=plan_id,
        redeemer=signer.address,
        outcomes=tuple(_read_outcomes(chain, batch, receipt)),
        transaction=summarize(receipt),
    )


def _bound_wallets(chain: Chain, batch: list[SignedVoucher]) -> int:
    """Return the gas that wallets may use more than the estimate saw: they can answer otherwise when it counts.

    One request for each holder whose own key did not sign.
    """
    chain_id, contract = chain.chain_id, chain.credits.address
    others = Counter(
        signed.voucher.holder
        for signed in batch
        if recover_signer(signed, chain_id=chain_id, contract=contract) != signed.voucher.holder
    )
    return sum(count * WALLET_GAS for holder, count in others.items() if chain.has_code(holder))


def _check_place(signed: SignedVoucher, plan_id: int, redeemer: str) -> None:
    voucher = signed.voucher
    if voucher.plan_id != plan_id:
        raise VoucherMismatch("plan id", str(plan_id), str(voucher.plan_id))
    if voucher.redeemer != redeemer:
        raise VoucherMismatch("redeemer", redeemer, voucher.redeemer)


def _encode_item(signed: SignedVoucher, amount: int) -> tuple[object, ...]:
    voucher = signed.voucher
    return (voucher.holder, amount, voucher.ceiling, voucher.context, voucher.deadline, signed.signature)


def _read_outcomes(chain: Chain, batch: list[SignedVoucher], receipt: TxReceipt) -> Iterator[VoucherOutcome]:
    """Tell each voucher's outcome from the events, which are in the order of the vouchers.

    A voucher that brought something has its ERC-1155 event, followed by SettledShort if that was not all. One that brought
    nothing has SettledShort alone, with an amount of 0.
    """
    chain.read_event(chain.credits, "Settled", receipt)
    events: list[Any] = [
        *chain.read_events(chain.credits, "TransferSingle", receipt),
        *chain.read_events(chain.credits, "SettledShort", receipt),
    ]
    events.sort(key=lambda event: event["logIndex"])
    position = 0
    for signed in batch:
        amount, result = 0, VoucherResult.SETTLED
        if position < len(events) and events[position]["event"] == "TransferSingle":
            amount = events[position]["args"]["value"]
            position += 1
        if position < len(events) and events[position]["event"] == "SettledShort":
            short = events[position]["args"]
            if short["amount"] == amount:
                result = VoucherResult(short["result"])
                position += 1
        yield VoucherOutcome(signed.voucher.holder, amount, result)
