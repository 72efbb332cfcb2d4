"""Grants of a plan for many payments outside the chain."""

from collections.abc import Callable, Iterable
from uuid import UUID

from web3.types import TxReceipt

from nvm_chain.chain.client import Chain
from nvm_chain.chain.receipts import summarize
from nvm_chain.errors import NvmChainError
from nvm_chain.operations.plans import QUANTITY_BITS
from nvm_chain.operations.receivers import Delivery, explained_receiver
from nvm_chain.signing.keys import Signer
from nvm_chain.types.addresses import ZERO_ADDRESS, parse_address
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
    """Grant a plan for many payments outside the chain. Only for the plan's owner or a minter.

    One transaction for each payment. Hundreds of transactions wait to be mined at the same time. A plan accepts each
    reference once, so a repeated call is safe. A grant that would fail is not sent. Its failure does not affect the
    others.

    Args:
        chain: The connection to the plan's chain.
        signer: The plan's owner, or a minter.
        plan_id: The plan's id, as an int, text or DID.
        grants: Pairs of a receiver and a reference: the payment's id or hash, at most 32 bytes.
        quantity: The number of purchases that each payment covers.
        on_progress: A function that gets the number of known outcomes, each time it grows.

    Returns:
        A list in the order of the grants. It has the receipt of each grant, or the error that `grant_external` would
        raise.

    Raises:
        InvalidAddress: A receiver's address is malformed or zero.
        InvalidContext: A reference has more than 32 bytes.
        InvalidAmount: The quantity is out of range.
        NetworkError: The node does not give a usable answer. Nothing was sent.
    """
    check_uint(quantity, QUANTITY_BITS, "quantity", minimum=1)
    plan_id = parse_plan_id(plan_id)
    listed = [(parse_address(to, "receiver address"), encode_context(reference)) for to, reference in grants]
    grant = chain.credits.functions.grantExternal
    functions = [grant(plan_id, to, quantity, reference) for to, reference in listed]
    outcomes = chain.send_many(signer, functions, on_progress=on_progress)
    found: list[CreditsReceipt | NvmChainError] = []
    delivery = Delivery(signer.address, ZERO_ADDRESS, plan_id)
    for (to, _), outcome in zip(listed, outcomes, strict=True):
        try:
            with explained_receiver(chain, to, delivery=delivery):
                receipt: TxReceipt = outcome.read()
            granted = chain.read_event(chain.credits, "TransferSingle", receipt)["args"]["value"]
            found.append(CreditsReceipt(plan_id, to, granted, summarize(receipt)))
        except NvmChainError as error:
            found.append(error)
    return found
