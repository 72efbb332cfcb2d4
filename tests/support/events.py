"""What Credits emits, written short: each function returns one entry of `World.events`."""

from typing import Any

from eth_utils.crypto import keccak

from nvm_chain.types.plans import Terms
from tests.support.world import NO_CONTEXT, ZERO

Event = tuple[str, dict[str, Any]]


def moved(operator: str, sender: str, receiver: str, plan_id: int, amount: int) -> Event:
    """Credits went from one holder to another."""
    arguments = {"operator": operator, "from": sender, "to": receiver, "id": plan_id, "value": amount}
    return ("TransferSingle", arguments)


def granted(operator: str, receiver: str, plan_id: int, amount: int) -> Event:
    """Credits came into being."""
    return moved(operator, ZERO, receiver, plan_id, amount)


def taken(operator: str, holder: str, plan_id: int, amount: int) -> Event:
    """Credits ceased to be."""
    return moved(operator, holder, ZERO, plan_id, amount)


def moved_batch(operator: str, sender: str, receiver: str, ids: list[int], amounts: list[int]) -> Event:
    """Credits of several plans went from one holder to another."""
    arguments = {"operator": operator, "from": sender, "to": receiver, "ids": ids, "values": amounts}
    return ("TransferBatch", arguments)


def ordered(plan_id: int, payer: str, receiver: str, quantity: int, cost: int) -> Event:
    """A plan was ordered."""
    arguments = {"planId": plan_id, "payer": payer, "receiver": receiver, "quantity": quantity, "cost": cost}
    return ("Ordered", arguments)


def redeemed(plan_id: int, holder: str, redeemer: str, amount: int, context: bytes = NO_CONTEXT) -> Event:
    """Credits were taken for a request."""
    arguments = {"planId": plan_id, "holder": holder, "redeemer": redeemer, "amount": amount, "context": context}
    return ("Redeemed", arguments)


def access_changed(plan_id: int, holder: str, until: int) -> Event:
    """Access to a time plan ends at another second than before."""
    return ("AccessChanged", {"planId": plan_id, "holder": holder, "accessUntil": until})


def skipped(plan_id: int, receiver: str, amount: int, reason: bytes) -> Event:
    """An item of a batch mint was left out."""
    return ("MintSkipped", {"planId": plan_id, "to": receiver, "amount": amount, "reason": reason})


def fee_forgone(plan_id: int, fee_receiver: str, amount: int) -> Event:
    """A protocol fee could not be delivered."""
    return ("FeeForgone", {"planId": plan_id, "feeReceiver": fee_receiver, "amount": amount})


def uri_set(plan_id: int, uri: str) -> Event:
    """A plan's metadata is elsewhere."""
    return ("URI", {"value": uri, "id": plan_id})


def plan_registered(plan_id: int, creator: str, terms: Terms, salt: bytes, fee_bps: int) -> Event:
    """A plan was registered."""
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
    """Return the four bytes that begin the data of an error or a call, such as ``ZeroAmount()``."""
    return keccak(text=signature)[:4]
