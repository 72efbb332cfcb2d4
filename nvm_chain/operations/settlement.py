"""Settlements: sign the next voucher, check one, and settle many items in one transaction."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final, TypeAlias
from uuid import UUID

from eth_typing import ChecksumAddress
from web3.types import TxReceipt

from nvm_chain.chain.client import Chain
from nvm_chain.chain.gas_limits import Call
from nvm_chain.chain.node import encode_call
from nvm_chain.chain.receipts import summarize
from nvm_chain.enums import SettlementResult
from nvm_chain.errors import (
    InvalidConfig,
    VoucherMismatch,
    VoucherSignatureInvalid,
)
from nvm_chain.operations.credits import read_account
from nvm_chain.operations.parts import send_in_parts
from nvm_chain.operations.settlement_simulations import ask_settlement
from nvm_chain.operations.wallets import WALLET_GAS, unwrap_signature
from nvm_chain.signing.eip712 import SIGNATURE_SECONDS, MessageSigner
from nvm_chain.signing.keys import Signer
from nvm_chain.signing.signatures import is_signed_by
from nvm_chain.signing.signers import check_signer
from nvm_chain.signing.vouchers import (
    CEILING_BITS,
    DEADLINE_BITS,
    SignedVoucher,
    build_voucher,
    next_ceiling,
    recover_signer,
    sign_voucher,
    voucher_digest,
)
from nvm_chain.types.accounts import HolderTotal
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.amounts import check_uint
from nvm_chain.types.ids import parse_plan_id
from nvm_chain.types.receipts import SettlementOutcome, SettlementReceipt
from nvm_chain.types.renamed_parameters import renamed_parameters

EncodedItem: TypeAlias = tuple[ChecksumAddress, int, int, bytes, int, bytes]

NO_DEADLINE: Final = 2**DEADLINE_BITS - 1
"""The deadline of an item without a voucher. The item never expires, so it can be NOT_SIGNED but not EXPIRED."""
NO_SIGNATURE: Final = ("its signature is empty, and no contract at its address accepts that", "ask for a new signature")
"""Why an empty signature is refused, and the next step."""
TOTALS_ADVICE: Final = "give `totals`: the total up to which each item is settled, not the amount to add"


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

    Args:
        chain: The connection to the plan's chain.
        signer: The holder.
        plan_id: The plan's id, as an int, text or DID.
        redeemer: The address that may settle the voucher.
        cost: The cost of the request, in credits.
        last_ceiling: The highest ceiling that the signer signed on this plan before. If the chain's count of settled
            credits is higher, that count is used. If you leave it out, the voucher does not cover earlier requests that
            are signed but not settled.
        context: At most 32 bytes, such as the id of the request.
        valid_seconds: The time until the voucher's deadline, in seconds of the chain's clock. The deadline should be
            before the expiry of the credits.

    Raises:
        InvalidAmount: A number is out of range.
        InvalidAddress: The redeemer's address is malformed or zero.
        InvalidContext: The context has more than 32 bytes.
    """
    check_signer(signer)
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


@renamed_parameters(vouchers="items", amounts=TOTALS_ADVICE)
def settle_vouchers(
    chain: Chain,
    signer: Signer,
    plan_id: int | str,
    items: Iterable[SignedVoucher | HolderTotal],
    *,
    totals: Sequence[int] | None = None,
) -> SettlementReceipt:
    """Take credits of many holders, by their vouchers or by the plan's rule. One transaction, or more for a long list.

    Only for the plan's owner or a redeemer. An item raises the holder's settled credits up to a total, and takes the
    difference from the balance. So a repeated batch takes nothing twice. The other items are settled even if one item
    fails, and the receipt has the outcome of each. One more request for each voucher that the holder's own key did not
    sign. A list that is too large for one transaction is sent in several transactions at the same time.

    Args:
        chain: The connection to the plan's chain.
        signer: The plan's owner, or a redeemer. Every voucher has to be for the signer.
        plan_id: The plan's id, as an int, text or DID.
        items: Vouchers and HolderTotal items. A voucher is settled up to its ceiling, and a HolderTotal up to its
            total. A HolderTotal does not have a signature. Its outcome is NOT_SIGNED if the plan's rule does not let
            the signer redeem.
        totals: A total for each item, in the same order. It replaces the item's ceiling or total if it is lower.

    Raises:
        VoucherMismatch: A voucher is for another plan or redeemer.
        VoucherSignatureInvalid: The signature of a voucher is empty.
        NotRedeemer: The signer may not settle on this plan.
        SettlementsNotAccepted: Nothing can be settled on this plan.
        UnknownPlan: The plan is not registered.
        NotEnoughGas: The batch needs more gas than it got.
        BatchIncomplete: One of several transactions failed. The error holds the receipt of the successful ones, and the
            remaining items. Settle these items again: nothing is taken twice.
        NotMined: The transaction is not mined in time.
        OutcomeUnknown: The node does not tell the outcome of the transaction.
        NetworkError: The node does not give a usable answer.
    """
    check_signer(signer)
    batch = [unwrap_signature(item) if isinstance(item, SignedVoucher) else item for item in items]
    if not batch:
        raise InvalidConfig("a settlement without items settles nothing")
    if totals is not None and len(totals) != len(batch):
        raise InvalidConfig(f"there are {len(batch)} items and {len(totals)} totals", "give one for each")
    plan_id, redeemer = parse_plan_id(plan_id), parse_address(signer.address, "signer's address")
    limits = [None] * len(batch) if totals is None else totals
    encoded = [_encode_item(item, limit, plan_id, redeemer) for item, limit in zip(batch, limits, strict=True)]
    vouchers = [item for item in batch if isinstance(item, SignedVoucher)]
    _refuse_empty_signatures(chain, vouchers)

    def build(first: int, last: int) -> Call:
        settle = chain.credits.functions.settle(plan_id, encoded[first : last + 1])
        signed = [item for item in batch[first : last + 1] if isinstance(item, SignedVoucher)]
        return Call(encode_call(settle), chain.credits.address, extra_gas=_bound_wallets(chain, signed))

    def read(first: int, last: int, receipt: TxReceipt) -> SettlementReceipt:
        outcomes = tuple(read_outcomes(chain, [holder for holder, *_ in encoded[first : last + 1]], receipt))
        return SettlementReceipt(plan_id, signer.address, outcomes, summarize(receipt))

    return send_in_parts(chain, signer, batch, build, read).join(batch, _join)


def _join(receipts: Sequence[SettlementReceipt]) -> SettlementReceipt:
    """Join the receipts of several transactions into one receipt."""
    return replace(
        receipts[0],
        outcomes=tuple(outcome for receipt in receipts for outcome in receipt.outcomes),
        more_transactions=tuple(receipt.transaction for receipt in receipts[1:]),
    )


def _encode_item(item: SignedVoucher | HolderTotal, limit: int | None, plan_id: int, redeemer: str) -> EncodedItem:
    """Return an item as a tuple for the ABI. An item without a voucher gets an empty signature."""
    if limit is not None:
        check_uint(limit, CEILING_BITS, "total", minimum=1)
    if isinstance(item, HolderTotal):
        holder = parse_address(item.holder, "holder address")
        most = check_uint(item.total, CEILING_BITS, "total", minimum=1)
        total = most if limit is None else min(limit, most)
        return (holder, total, total, bytes(32), NO_DEADLINE, b"")
    _check_plan_and_redeemer(item, plan_id, redeemer)
    voucher = item.voucher
    total = voucher.ceiling if limit is None else min(limit, voucher.ceiling)
    return (voucher.holder, total, voucher.ceiling, voucher.context, voucher.deadline, item.signature)


def _refuse_empty_signatures(chain: Chain, vouchers: list[SignedVoucher]) -> None:
    """Refuse a voucher with an empty signature, unless its holder is a contract that accepts an empty signature.

    The contract treats an item with an empty signature as one without a voucher. If the plan's rule lets the signer
    redeem, anyone could make such a voucher in a holder's name. One request for each empty signature.
    """
    for signed in vouchers:
        if signed.signature:
            continue
        holder = signed.voucher.holder
        digest = voucher_digest(signed.voucher, chain_id=chain.chain_id, contract=chain.credits.address)
        if not is_signed_by(holder, digest, b"", ask_settlement(chain, signed)):
            raise VoucherSignatureInvalid(holder, None).explain(*NO_SIGNATURE)


def _bound_wallets(chain: Chain, vouchers: list[SignedVoucher]) -> int:
    """Return the gas to add to the estimate for contract wallets.

    A wallet may use more gas in the transaction than in the estimate. One request for each holder whose own key did not
    sign.
    """
    chain_id, contract = chain.chain_id, chain.credits.address
    others = Counter(
        signed.voucher.holder
        for signed in vouchers
        if recover_signer(signed, chain_id=chain_id, contract=contract) != signed.voucher.holder
    )
    return sum(count * WALLET_GAS for holder, count in others.items() if chain.has_code(holder))


def _check_plan_and_redeemer(signed: SignedVoucher, plan_id: int, redeemer: str) -> None:
    voucher = signed.voucher
    if voucher.plan_id != plan_id:
        raise VoucherMismatch("plan id", str(plan_id), str(voucher.plan_id))
    if voucher.redeemer != redeemer:
        raise VoucherMismatch("redeemer", redeemer, voucher.redeemer)


def read_outcomes(chain: Chain, holders: list[ChecksumAddress], receipt: TxReceipt) -> Iterator[SettlementOutcome]:
    """Yield the outcome of each item. The events of the receipt have the same order as the items.

    An item that took credits has an event TransferSingle. NotFullySettled follows if the total was not reached. An item
    that took nothing has only NotFullySettled, with an amount of 0.
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
