"""Granting a plan for many payments that were made outside the chain."""

from collections.abc import Callable, Iterable
from uuid import UUID

from web3.types import TxReceipt

from nvm_chain.chain.client import Chain
from nvm_chain.chain.receipts import summarize
from nvm_chain.errors import NvmChainError
from nvm_chain.operations.plans import QUANTITY_BITS
from nvm_chain.operations.receivers import explained_receiver
from nvm_chain.signing.keys import Signer
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.amounts import check_uint
from nvm_chain.types.contexts import encode_context
from nvm_chain.types.ids import parse_plan_id
from nvm_chain.types.receipts import CreditsReceipt


def grant_external_batch(
    chain: Chain,
    signer: Signer,
    plan_id: int | str,
    grants: Iterable[tuple[str, str | bytes | UUID]],
    *,
    quantity: int = 1,
    on_progress: Callable[[int], object] | None = None,
) -> list[CreditsReceipt | NvmChainError]:
    """Grant a plan for many payments, hundreds on their way at once. Plan owner or minter only. One transaction for each.

    A reference grants once on a plan, so a repeated call is safe. One that would fail is not sent, and harms no other.

    Args:
        chain: Where the plan is.
        signer: The plan's owner, or a minter.
        plan_id: The plan, in any spelling.
        grants: Pairs of the receiver, and the payment's id or hash in at most 32 bytes.
        quantity: How many purchases each of them is.
        on_progress: Called with the number of known outcomes when it grows.

    Returns:
        For each grant, in the order given, its receipt, or the error that `grant_external` would raise.

    Raises:
        InvalidAddress: A receiver is not an address.
        InvalidContext: A reference has more than 32 bytes.
        InvalidAmount: The quantity is out of range.
        NetworkError: The node cannot be used. Nothing was sent.
    """
    check_uint(quantity, QUANTITY_BITS, "quantity", minimum=1)
    plan_id = parse_plan_id(plan_id)
    listed = [(parse_address(to, "receiver address"), encode_context(reference)) for to, reference in grants]
    grant = chain.credits.functions.grantExternal
    functions = [grant(plan_id, to, quantity, reference) for to, reference in listed]
    outcomes = chain.send_many(signer, functions, on_progress=on_progress)
    found: list[CreditsReceipt | NvmChainError] = []
    for (to, _), outcome in zip(listed, outcomes, strict=True):
        try:
            with explained_receiver(chain):
                receipt: TxReceipt = outcome.read()
            granted = chain.read_event(chain.credits, "TransferSingle", receipt)["args"]["value"]
            found.append(CreditsReceipt(plan_id, to, granted, summarize(receipt)))
        except NvmChainError as error:
            found.append(error)
    return found
