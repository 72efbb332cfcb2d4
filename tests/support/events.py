"""Expected events of Credits: each function returns one entry of `World.events`."""

from typing import Any

from eth_utils.crypto import keccak

from nvm_chain.types.plans import Terms
from tests.support.world import NO_CONTEXT, ZERO

Event = tuple[str, dict[str, Any]]


def moved(operator: str, sender: str, receiver: str, plan_id: int, amount: int) -> Event:
    """Return the event of a transfer of credits."""
    arguments = {"operator": operator, "from": sender, "to": receiver, "id": plan_id, "value": amount}
    return ("TransferSingle", arguments)


def granted(operator: str, receiver: str, plan_id: int, amount: int) -> Event:
    """Return the event of new credits."""
    return moved(operator, ZERO, receiver, plan_id, amount)


def taken(operator: str, holder: str, plan_id: int, amount: int) -> Event:
    """Return the event of burned credits."""
    return moved(operator, holder, ZERO, plan_id, amount)


def moved_batch(operator: str, sender: str, receiver: str, ids: list[int], amounts: list[int]) -> Event:
    """Return the event of a transfer of several plans' credits."""
    arguments = {"operator": operator, "from": sender, "to": receiver, "ids": ids, "values": amounts}
    return ("TransferBatch", arguments)


def ordered(plan_id: int, payer: str, receiver: str, quantity: int, cost: int) -> Event:
    """Return the event of an order."""
    arguments = {"planId": plan_id, "payer": payer, "receiver": receiver, "quantity": quantity, "cost": cost}
    return ("Ordered", arguments)


def redeemed(plan_id: int, holder: str, redeemer: str, amount: int, context: bytes = NO_CONTEXT) -> Event:
    """Return the event of credits that a redeemer took for a request."""
    arguments = {"planId": plan_id, "holder": holder, "redeemer": redeemer, "amount": amount, "context": context}
    return ("Redeemed", arguments)


def access_changed(plan_id: int, holder: str, until: int) -> Event:
    """Return the event of a new end of access to a time plan."""
    return ("AccessChanged", {"planId": plan_id, "holder": holder, "accessUntil": until})


def skipped(plan_id: int, receiver: str, amount: int, reason: bytes) -> Event:
    """Return the event of a skipped item of a batch mint."""
    return ("MintSkipped", {"planId": plan_id, "to": receiver, "amount": amount, "reason": reason})


def fee_forgone(plan_id: int, fee_receiver: str, amount: int) -> Event:
    """Return the event of a protocol fee that could not be paid."""
    return ("FeeForgone", {"planId": plan_id, "feeReceiver": fee_receiver, "amount": amount})


def uri_set(plan_id: int, uri: str) -> Event:
    """Return the event of a plan's new metadata URI."""
    return ("URI", {"value": uri, "id": plan_id})


def plan_registered(plan_id: int, creator: str, terms: Terms, salt: bytes, fee_bps: int) -> Event:
    """Return the event of a registered plan."""
    splits = [{"receiver": split.receiver, "amount": split.amount} for split in terms.splits]
    named = {
        "kind": int(terms.kind),
        "activation": int(terms.activation),
        "token": terms.token,
        "splits": splits,
        "quoter": terms.quoter,
        "paidExternally": terms.paid_externally,
        "credits": terms.credits,
        "duration": terms.duration,
        "minRedeem": terms.min_redeem,
        "maxRedeem": terms.max_redeem,
        "rule": int(terms.rule),
        "trial": terms.trial,
        "transferable": terms.transferable,
    }
    arguments = {"planId": plan_id, "creator": creator, "terms": named, "salt": salt, "feeBps": fee_bps}
    return ("PlanRegistered", arguments)


def selector(signature: str) -> bytes:
    """Return the selector of an error or a function, such as ``ZeroAmount()``: the first four bytes of its data."""
    return keccak(text=signature)[:4]
