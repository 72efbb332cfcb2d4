"""Looks for payments on the chain: whether one was made, whoever sent it, and whether it can still be made."""

from functools import partial
from typing import Final

from nvm_chain.chain.abi_entries import describe_event
from nvm_chain.chain.client import Chain
from nvm_chain.chain.events import find_newest_event
from nvm_chain.errors import RpcFailed
from nvm_chain.errors.fields import Number, Seconds
from nvm_chain.meter.store.payment_rows import NewPayment, Payment, PaymentState, Place
from nvm_chain.meter.store.payments import note_by_hand, note_paid, note_refused, note_seen, note_unpaid
from nvm_chain.meter.store.writer import Writer
from nvm_chain.meter.views import KEPT_BLOCKS
from nvm_chain.operations.paid_transfers import (
    PaidTransfer,
    WantedTransfer,
    find_authorized_transfer,
    read_authorized_transfer,
)
from nvm_chain.operations.token_domains import is_authorization_used
from nvm_chain.types.events import EventFilter

CANCELED: Final = "its payer has canceled it"
EXPIRED: Final = "it has expired"
_UNDONE: Final = "the block of the transfer was replaced, and it cannot be made again because {reason}"
_CANCEL_ABI: Final = (
    describe_event("AuthorizationCanceled", ("authorizer", "address", True), ("nonce", "bytes32", True)),
)


class Looks:
    """Finds out what the chain says of payments, and writes it down. It sends nothing."""

    def __init__(self, chain: Chain, writer: Writer) -> None:
        """Take a connection for this thread, and the books. No request."""
        self._chain, self._writer = chain, writer
        self._blocks: dict[Number, bytes] = {}

    def forget(self) -> None:
        """Forget the blocks that were read, before the next look at many payments."""
        self._blocks.clear()

    def look(self, payment: Payment) -> Payment:
        """Return a payment as the chain has it now. One request for one whose block is still there, else up to eight.

        Raises a NetworkError if the node does not give a usable answer, and IndexFailure if the books cannot be written.
        """
        if self.is_in_chain(payment):
            return payment
        paid = self._find(payment)
        if paid is not None:
            return self._writer.run(lambda store: note_paid(store, payment.payment_id, place_of(paid)))
        if payment.is_paid:
            payment = self._writer.run(lambda store: note_unpaid(store, payment.payment_id))
        return self._look_for_end(payment)

    def find_lately_paid(self, new: NewPayment, seconds: Seconds) -> PaidTransfer | None:
        """Return the transfer of a payment that nobody has claimed, if it was made in the last seconds. Up to five requests.

        An older one may have paid for something else, before these books began.
        """
        wanted = WantedTransfer(new.token, new.payer, new.nonce, new.payee, new.value)
        paid = find_authorized_transfer(self._chain, wanted)
        if paid is None:
            return None
        age = self._chain.read_time() - self._chain.read_block(paid.block_number).timestamp
        return paid if age <= seconds else None

    def is_canceled(self, payment: Payment | NewPayment) -> bool:
        """Return whether the token says that a payer has canceled an authorization. Two requests, or more."""
        contract = self._chain.bind(payment.token, _CANCEL_ABI)
        wanted = EventFilter(("AuthorizationCanceled",), ((payment.payer,), (int.from_bytes(payment.nonce),)))
        return find_newest_event(self._chain, partial(self._chain.read_logs, contract, wanted)) is not None

    def is_in_chain(self, payment: Payment) -> bool:
        """Return whether the block of a payment is in the chain, as it was when it was read last. At most one request."""
        return payment.is_paid and self._has_block(payment.block_number, payment.block_hash)

    def _has_block(self, number: Number, block_hash: bytes) -> bool:
        known = self._blocks.get(number)
        if known is None:
            try:
                known = bytes.fromhex(self._chain.read_block(number).hash[2:])
            except RpcFailed:  # after a block was replaced, the chain may be shorter
                return False
            self._blocks[number] = known
        return known == block_hash

    def _find(self, payment: Payment) -> PaidTransfer | None:
        wanted = WantedTransfer(payment.token, payment.payer, payment.nonce, payment.payee, payment.value)
        found = read_authorized_transfer(self._chain, payment.transaction, wanted) if payment.hash else None
        if found is None and is_authorization_used(self._chain, payment.token, payment.payer, payment.nonce):
            return find_authorized_transfer(self._chain, wanted)
        return found

    def _look_for_end(self, payment: Payment) -> Payment:
        """End a payment that cannot be made any more, once no block that is replaced could make it again."""
        head = self._chain.read_block()
        reason = self._find_end(payment, head.timestamp)
        if bool(payment.seen_at) is not bool(reason):
            seen = head.number if reason else 0
            payment = self._writer.run(lambda store: note_seen(store, payment.payment_id, seen))
        if not reason or head.number - payment.seen_at < KEPT_BLOCKS:
            return payment
        if payment.state in (PaymentState.CLAIMED, PaymentState.SENT):
            return self._writer.run(lambda store: note_refused(store, payment.payment_id, reason))
        undone = _UNDONE.format(reason=reason)
        return self._writer.run(lambda store: note_by_hand(store, payment.payment_id, undone))

    def _find_end(self, payment: Payment, now: int) -> str:
        """Return why a payment cannot be made, as far as the chain says now. Empty if it can."""
        if is_authorization_used(self._chain, payment.token, payment.payer, payment.nonce):
            return CANCELED if self.is_canceled(payment) else ""
        return EXPIRED if now >= payment.valid_before else ""


def place_of(paid: PaidTransfer) -> Place:
    """Return where a transfer is, as the books have it."""
    return Place(bytes.fromhex(paid.transaction[2:]), paid.block_number, bytes.fromhex(paid.block_hash[2:]))
