"""Many transactions of one account: sign them, hand them over in batches, and return the outcome of each.

Each transaction follows the rules of `nvm_chain.chain.sending`. If the node loses a transaction, the same bytes are
broadcast again. If the node refuses a transaction, the later ones cannot be mined, because a nonce before theirs is
missing. Then a payment of 0 from the account to itself takes the missing nonce.
"""

from collections.abc import Callable, Sequence

from nvm_chain.chain.bulk_handover import Handover
from nvm_chain.chain.bulk_waiting import Waiting
from nvm_chain.chain.gas_limits import Call
from nvm_chain.chain.node import Node
from nvm_chain.chain.progress import tell
from nvm_chain.chain.sending import Sender
from nvm_chain.chain.shipments import MOST_ON_THEIR_WAY, Outcome, Shipment
from nvm_chain.chain.turns import Accounts
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
    """Send calls, and return the outcome of each, in order. See `Chain.send_many`."""
    shipment = Shipment(node, signer.address, calls, confirmations, on_progress)
    handover, waiting = Handover(shipment, signer, accounts, sender), Waiting(shipment)
    while not waiting.is_over():
        before = len(shipment.waiting)
        if shipment.waiting:
            handover.send_some()
        if shipment.slots:
            tell(node.on_progress, f"Waiting for {len(shipment.slots)} transactions")
            waiting.await_some(_count_enough(shipment, went_on=len(shipment.waiting) < before))
    return [shipment.outcomes[place] for place in range(len(calls))]


def _count_enough(shipment: Shipment, *, went_on: bool) -> int:
    """Return the number of transactions that may still be under way when the next calls are handed over."""
    if not shipment.waiting:
        return 0
    return MOST_ON_THEIR_WAY // 2 if went_on and not shipment.room else len(shipment.slots) - 1
