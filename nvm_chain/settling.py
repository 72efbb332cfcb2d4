"""Settlements: sign the next voucher, check one, and settle many items in one transaction, by voucher or by the plan's rule."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, TypeAlias
from uuid import UUID

from eth_typing import ChecksumAddress
from web3.types import TxReceipt

from nvm_chain.addresses import parse_address
from nvm_chain.chain import Chain, summarize
from nvm_chain.contract_errors import InsufficientCredits, NotRedeemer, SettlementsNotAccepted
from nvm_chain.credits import read_account
from nvm_chain.eip712 import MessageSigner
from nvm_chain.errors import InvalidConfig, VoucherAlreadySettled, VoucherMismatch, VoucherSignatureInvalid
from nvm_chain.ids import parse_plan_id
from nvm_chain.keys import Signer
from nvm_chain.paying import SIGNATURE_SECONDS
from nvm_chain.plans import is_redeemer, read_plan
from nvm_chain.signatures import is_signed_by
from nvm_chain.types import HolderTotal, SettlementOutcome, SettlementReceipt, SettlementResult, Terms, VoucherCheck
from nvm_chain.units import check_uint
from nvm_chain.vouchers import (
    CEILING_BITS,
    DEADLINE_BITS,
    SignedVoucher,
    build_voucher,
    next_ceiling,
    recover_signer,
    sign_voucher,
    verify_voucher,
    voucher_digest,
)
from nvm_chain.wallets import WALLET_GAS, ask_wallets

EncodedItem: TypeAlias = tuple[ChecksumAddress, int, int, bytes, int, bytes]

NO_DEADLINE: Final = 2**DEADLINE_BITS - 1
"""Where an item has no voucher the contract reads no deadline or, without the right to redeem, misses the signature only."""


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
    holder from spending the credits before it is settled. Raises UnknownPlan, SettlementsNotAccepted, VoucherMismatch,
    NotRedeemer, VoucherExpired, VoucherSignatureInvalid, VoucherAlreadySettled, InsufficientCredits if the holder has none left.
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
        raise VoucherAlreadySettled(voucher.ceiling, account.settled)
    check = VoucherCheck(account.balance, account.settled, voucher.ceiling)
    if check.available == 0:
        raise InsufficientCredits(plan.plan_id, voucher.holder, account.balance, voucher.ceiling - account.settled)
    return check


def check_accepts_vouchers(plan_id: int, terms: Terms) -> None:
    """Raise SettlementsNotAccepted unless the plan grants credits for requests that cannot be transferred."""
    if not terms.accepts_vouchers:
        raise SettlementsNotAccepted(plan_id)


def settle_vouchers(
    chain: Chain,
    signer: Signer,
    plan_id: int | str,
    items: Iterable[SignedVoucher | HolderTotal],
    *,
    totals: Sequence[int] | None = None,
) -> SettlementReceipt:
    """Redeem credits of many holders, by their vouchers or where the plan's rule lets the signer redeem, in one transaction.

    Plan owner or redeemer only. Each item brings the credits ever settled of its holder on this plan up to a total: a voucher to its
    ceiling, a HolderTotal to its own, each to the number in the same place of ``totals`` if that is less. So a batch sent again,
    whole or in part, takes nothing twice. Every voucher has to be of this plan and for the signer. A HolderTotal needs no signature;
    where the rule does not let the signer redeem that holder's credits, its outcome is NOT_SIGNED. An item that is expired, settled
    already or not signed, or whose holder has too little, harms no other: each one's outcome is in the receipt.

    One transaction; one request more for each voucher that the holder's own key did not sign. Raises VoucherMismatch,
    VoucherSignatureInvalid for a voucher whose signature is empty, NotRedeemer, SettlementsNotAccepted, UnknownPlan, NotEnoughGas,
    NotMined, OutcomeUnknown, or a NetworkError.
    """
    batch = list(items)
    if not batch:
        raise InvalidConfig("a settlement without items settles nothing")
    if totals is not None and len(totals) != len(batch):
        raise InvalidConfig(f"there are {len(batch)} items and {len(totals)} totals; give one for each")
    plan_id, redeemer = parse_plan_id(plan_id), parse_address(signer.address, "signer's address")
    limits = [None] * len(batch) if totals is None else totals
    encoded = [_encode_item(item, limit, plan_id, redeemer) for item, limit in zip(batch, limits, strict=True)]
    vouchers = [item for item in batch if isinstance(item, SignedVoucher)]
    _refuse_empty_signatures(chain, vouchers)
    function = chain.credits.functions.settle(plan_id, encoded)
    receipt = chain.send(signer, function, extra_gas=_bound_wallets(chain, vouchers))
    return SettlementReceipt(
        plan_id=plan_id,
        redeemer=signer.address,
        outcomes=tuple(_read_outcomes(chain, [holder for holder, *_ in encoded], receipt)),
        transaction=summarize(receipt),
    )


def _encode_item(item: SignedVoucher | HolderTotal, limit: int | None, plan_id: int, redeemer: str) -> EncodedItem:
    """Return an item as the ABI has it. Without voucher it lets only the rule, or the lack of a signature, decide."""
    if limit is not None:
        check_uint(limit, CEILING_BITS, "total", minimum=1)
    if isinstance(item, HolderTotal):
        holder = parse_address(item.holder, "holder address")
        most = check_uint(item.total, CEILING_BITS, "total", minimum=1)
        total = most if limit is None else min(limit, most)
        return (holder, total, total, bytes(32), NO_DEADLINE, b"")
    _check_place(item, plan_id, redeemer)
    voucher = item.voucher
    total = voucher.ceiling if limit is None else min(limit, voucher.ceiling)
    return (voucher.holder, total, voucher.ceiling, voucher.context, voucher.deadline, item.signature)


def _refuse_empty_signatures(chain: Chain, vouchers: list[SignedVoucher]) -> None:
    """Refuse a voucher without signature, unless its holder is a contract that accepts it so.

    Where the rule lets the signer redeem, the contract would take it for an item that needs no voucher: anybody could bring
    one in another holder's name.
    """
    for signed in vouchers:
        if signed.signature:
            continue
        holder = signed.voucher.holder
        digest = voucher_digest(signed.voucher, chain_id=chain.chain_id, contract=chain.credits.address)
        if not is_signed_by(holder, digest, b"", ask_wallets(chain)):
            raise VoucherSignatureInvalid(holder, None)


def _bound_wallets(chain: Chain, vouchers: list[SignedVoucher]) -> int:
    """Return the gas that wallets may use more than the estimate saw: they can answer otherwise when it counts.

    One request for each holder whose own key did not sign.
    """
    chain_id, contract = chain.chain_id, chain.credits.address
    others = Counter(
        signed.voucher.holder
        for signed in vouchers
        if recover_signer(signed, chain_id=chain_id, contract=contract) != signed.voucher.holder
    )
    return sum(count * WALLET_GAS for holder, count in others.items() if chain.has_code(holder))


def _check_place(signed: SignedVoucher, plan_id: int, redeemer: str) -> None:
    voucher = signed.voucher
    if voucher.plan_id != plan_id:
        raise VoucherMismatch("plan id", str(plan_id), str(voucher.plan_id))
    if voucher.redeemer != redeemer:
        raise VoucherMismatch("redeemer", redeemer, voucher.redeemer)


def _read_outcomes(chain: Chain, holders: list[ChecksumAddress], receipt: TxReceipt) -> Iterator[SettlementOutcome]:
    """Tell each item's outcome from the events, which are in the order of the items.

    An item that brought something has its ERC-1155 event, followed by NotFullySettled if that was not all. One that brought
    nothing has NotFullySettled alone, with an amount of 0.
    """
    chain.read_event(chain.credits, "Settled", receipt)
    events: list[Any] = [
        *chain.read_events(chain.credits, "TransferSingle", receipt),
        *chain.read_events(chain.credits, "NotFullySettled", receipt),
    ]
    events.sort(key=lambda event: event["logIndex"])
    position = 0
    for holder in holders:
        amount, result = 0, SettlementResult.SETTLED
        if position < len(events) and events[position]["event"] == "TransferSingle":
            amount = events[position]["args"]["value"]
            position += 1
        if position < len(events) and events[position]["event"] == "NotFullySettled":
            short = events[position]["args"]
            if short["amount"] == amount:
                result = SettlementResult(short["result"])
                position += 1
        yield SettlementOutcome(holder, amount, result)
