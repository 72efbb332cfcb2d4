"""Sending many transactions of one account: signed here, handed over in batches, many on their way at once, each outcome told.

Each follows the rules of `nvm_chain.chain.sending`. One that is lost is given to the node again, the same bytes. If one is
refused, those behind it are stranded, as its nonce is missing: a payment of nothing to oneself takes its place.
"""

from collections.abc import Callable, Sequence

from nvm_chain.chain.bulk_handover import Handover
from nvm_chain.chain.bulk_waiting import Waiting
from nvm_chain.chain.gas_limits import Call
from nvm_chain.chain.node import Node
from nvm_chain.chain.nonces import Accounts
from nvm_chain.chain.sending import Sender
from nvm_chain.chain.shipments import MOST_ON_THEIR_WAY, Outcome, Shipment
from nvm_chain.signing.keys import Signer


def send_many(
    node: Node,
    accounts: Accounts,
    sender: Sender,
    signer: Signer,
    calls: Sequence[Call],
    *,
    confirmations: int = 0,
    on_progress: Callable[[int], object] | None = None,
) -> list[Outcome]:
    """Send calls, and return what became of each, in their order. See `Chain.send_many`."""
    shipment = Shipment(node, signer.address, calls, confirmations, on_progress)
    handover, waiting = Handover(shipment, signer, accounts, sender), Waiting(shipment)
    while not waiting.is_over():
        before = len(shipment.waiting)
        if shipment.waiting:
            handover.send_some()
        if shipment.slots:
            node.on_progress(f"Waiting for {len(shipment.slots)} transactions")
            waiting.await_some(_count_enough(shipment, went_on=len(shipment.waiting) < before))
    return [shipment.outcomes[place] for place in range(len(calls))]


def _count_enough(shipment: Shipment, *, went_on: bool) -> int:
    """Return how many may be on their way when the next ones are sent."""
    if not shipment.waiting:
        return 0
    return MOST_ON_THEIR_WAY // 2 if went_on and not shipment.room else len(shipment.slots) - 1
