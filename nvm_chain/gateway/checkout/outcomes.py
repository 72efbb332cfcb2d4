"""What became of a transaction that a page follows."""

from typing import Any

from nvm_chain.chain.client import Chain
from nvm_chain.errors.formatting import count
from nvm_chain.gateway.checkout.cards import PlanCard
from nvm_chain.operations.receipts import build_order_receipt
from nvm_chain.terms.grants import write_granted
from nvm_chain.terms.money import write_money
from nvm_chain.types.receipts import OrderReceipt

WAITING, UNKNOWN, FAILED, MINED, ORDERED = "waiting", "unknown", "failed", "mined", "ordered"


def read_outcome(chain: Chain, card: PlanCard, transaction_hash: str, depth: int) -> dict[str, Any]:
    """Return what became of a transaction. One or two requests.

    The state is ``waiting``, ``unknown`` to the node, ``failed``, ``mined`` without an order of the plan, or ``ordered`` with
    its receipt. ``depth`` is how many blocks later the gateway counts the credits.
    """
    receipt = chain.find_receipt(transaction_hash)
    if receipt is None:
        is_known = chain.find_transaction(transaction_hash) is not None
        return {"transaction": transaction_hash, "state": WAITING if is_known else UNKNOWN}
    told: dict[str, Any] = {"transaction": transaction_hash, "block": str(receipt["blockNumber"])}
    if receipt["status"] != 1:
        return {**told, "state": FAILED}
    events = chain.read_events(chain.credits, "Ordered", receipt)
    payers = [event["args"]["payer"] for event in events if event["args"]["planId"] == card.plan.plan_id]
    if not payers:
        return {**told, "state": MINED}
    ordered = build_order_receipt(chain, card.plan, payers[0], receipt)
    return {**told, "state": ORDERED, "receipt": tell_receipt(card, ordered, depth)}


def tell_receipt(card: PlanCard, receipt: OrderReceipt, depth: int) -> dict[str, Any]:
    """Return the receipt of an order, as numbers and in words."""
    return {
        "payer": receipt.payer,
        "holder": receipt.receiver,
        "quantity": str(receipt.quantity),
        "paid": str(receipt.paid),
        "granted": str(receipt.credits_granted),
        "words": {
            "paid": write_money(receipt.paid, receipt.token, card.label) if receipt.paid else "nothing",
            "granted": write_granted(card.plan.terms, receipt.quantity),
            "counts": _describe_depth(depth),
        },
    }


def _describe_depth(depth: int) -> str:
    if depth == 0:
        return "The service counts it at once."
    return f"The service counts it when {count(depth, 'more block')} {'has' if depth == 1 else 'have'} followed."
