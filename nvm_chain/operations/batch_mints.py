"""A batch mint: credits for many holders at once."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from eth_typing import ChecksumAddress
from web3.types import TxReceipt

from nvm_chain.chain.client import Chain
from nvm_chain.chain.gas_limits import Call
from nvm_chain.chain.node import encode_call
from nvm_chain.chain.receipts import report_lost_event, summarize
from nvm_chain.chain.reverts import error_name
from nvm_chain.errors import (
    CreditsOverflow,
    ERC1155InvalidReceiver,
    InvalidConfig,
    TrialAlreadyTaken,
    ZeroAmount,
)
from nvm_chain.operations.parts import send_in_parts
from nvm_chain.operations.receivers import Delivery, answers_unreadably, find_own_refusal, find_receiver_cause
from nvm_chain.signing.keys import Signer
from nvm_chain.types.addresses import ZERO_ADDRESS, parse_address
from nvm_chain.types.amounts import check_uint
from nvm_chain.types.ids import parse_plan_id
from nvm_chain.types.prices import Amounts
from nvm_chain.types.receipts import BatchMintReceipt, SkippedMint

AMOUNT_BITS: Final = 64
INVALID_RECEIVER: Final = ERC1155InvalidReceiver.__name__
OWN_ERROR: Final = "an error of the receiver's own"
MINT_ERRORS: Final = tuple(
    error.__name__ for error in (CreditsOverflow, ERC1155InvalidReceiver, TrialAlreadyTaken, ZeroAmount)
)
"""The errors with which the contract itself skips an item. Any other one is the receiver's, also if the contract has it."""


def mint_credits_batch(chain: Chain, signer: Signer, plan_id: int | str, amounts: Amounts) -> BatchMintReceipt:
    """Give credits to many holders. Only for the plan's owner or a minter. One transaction, or more for a long list.

    An item can fail, for example if its receiver is a contract that rejects credits. The receipt lists the item in
    ``skipped``, and the other items are minted. Two more requests for each receiver that rejects credits find the
    cause. A list that is too large for one transaction is sent in several transactions at the same time.

    Args:
        chain: The connection to the plan's chain.
        signer: The plan's owner, or a minter.
        plan_id: The plan's id, as an int, text or DID.
        amounts: Credits by holder: a mapping, or pairs of holder and credits. Pairs may name a holder twice.

    Raises:
        NotMinter: The signer may not mint credits of the plan.
        UnknownPlan: The plan is not registered.
        BatchIncomplete: One of several transactions failed. The error holds the receipt of the others.
    """
    pairs = [
        (parse_address(holder, "receiver address"), check_uint(amount, AMOUNT_BITS, "amount", minimum=1))
        for holder, amount in (amounts.items() if isinstance(amounts, Mapping) else amounts)
    ]
    if not pairs:
        raise InvalidConfig("a batch without holders mints nothing")
    plan_id = parse_plan_id(plan_id)

    def build(first: int, last: int) -> Call:
        part = pairs[first : last + 1]
        mint = chain.credits.functions.mintBatch(plan_id, [to for to, _ in part], [amount for _, amount in part])
        return Call(encode_call(mint), chain.credits.address)

    def read(first: int, last: int, receipt: TxReceipt) -> BatchMintReceipt:
        return _read_receipt(chain, signer, plan_id, last - first + 1, receipt)

    return send_in_parts(chain, signer, pairs, build, read).join(pairs, _join)


def _read_receipt(chain: Chain, signer: Signer, plan_id: int, count: int, receipt: TxReceipt) -> BatchMintReceipt:
    """Read the outcome of each item from one transaction. Raises OutcomeUnknown if events are missing."""
    granted = [event["args"] for event in chain.read_events(chain.credits, "TransferSingle", receipt)]
    skipped = [event["args"] for event in chain.read_events(chain.credits, "MintSkipped", receipt)]
    # A receiver that is a contract can order or burn in its hook. Those events name another operator.
    minted = [event for event in granted if event["operator"] == signer.address and event["id"] == plan_id]
    if len(minted) + len(skipped) < count:
        raise report_lost_event("TransferSingle or MintSkipped", receipt)
    return BatchMintReceipt(
        plan_id=plan_id,
        minted=tuple((event["to"], event["value"]) for event in minted),
        skipped=_describe_skipped(chain, skipped, Delivery(signer.address, ZERO_ADDRESS, plan_id)),
        transaction=summarize(receipt),
    )


def _join(receipts: Sequence[BatchMintReceipt]) -> BatchMintReceipt:
    """Join the receipts of several transactions into one receipt."""
    return replace(
        receipts[0],
        minted=tuple(item for receipt in receipts for item in receipt.minted),
        skipped=tuple(item for receipt in receipts for item in receipt.skipped),
        more_transactions=tuple(receipt.transaction for receipt in receipts[1:]),
    )


def _describe_skipped(
    chain: Chain, skipped: Sequence[Mapping[str, Any]], delivery: Delivery
) -> tuple[SkippedMint, ...]:
    """Return the skipped items, each with its reason. A receiver that rejects credits is explained too."""
    reasons = [(event["to"], _find_reason(chain, event["to"], event["reason"])) for event in skipped]
    causes = {item: _explain(chain, *item, delivery) for item in dict.fromkeys(reasons)}
    return tuple(
        SkippedMint(event["to"], event["amount"], item[1], causes[item])
        for event, item in zip(skipped, reasons, strict=True)
    )


def _explain(chain: Chain, receiver: ChecksumAddress, reason: str, delivery: Delivery) -> str:
    cause = None
    if reason == INVALID_RECEIVER:
        cause = find_receiver_cause(chain, receiver)
    elif reason.startswith(OWN_ERROR):
        cause = find_own_refusal(chain, receiver, delivery)
    return "" if cause is None else cause[0]


def _find_reason(chain: Chain, receiver: ChecksumAddress, selector: bytes) -> str:
    if selector == bytes(4):
        if answers_unreadably(chain, receiver):
            return INVALID_RECEIVER
        return "the receiver ran out of gas or reverted without a reason"
    name = error_name(selector)
    return name if name in MINT_ERRORS else f"{OWN_ERROR} ({name or f'0x{selector.hex()}'})"
