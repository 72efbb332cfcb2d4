"""The flow of a request that is paid by a signed transfer. The same request is never paid a second time while that may cost twice."""

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Final

from nvm_chain.client.steps import Flow, Reply, Send, Step, Wanted
from nvm_chain.client.transfers.payer import TokenPayer
from nvm_chain.client.transfers.records import Unsettled
from nvm_chain.client.wire import (
    PAYMENT_SIGNATURE,
    ExactOffered,
    Required,
    read_required,
    read_transfer_response,
)
from nvm_chain.errors import PaymentNotAllowed, PaymentUnsettled

PAYMENT_REQUIRED: Final = 402
ACCEPTED: Final = 202
LOWEST_FAILURE: Final = 400
LOWEST_SERVER_FAILURE: Final = 500


@dataclass(frozen=True, slots=True)
class TransferUse:
    """A signed transfer for one request. ``is_again`` says that it was sent before, and that its outcome is not known."""

    payer: TokenPayer = field(repr=False)
    wanted: Wanted
    transfer: Unsettled
    is_again: bool = False

    def send(self) -> Generator[Step, Reply, Reply]:
        """Send the request with the payment, and note what became of it.

        Raises:
            PaymentUnsettled: The server wants another payment, and this one may have moved money, or still can.
        """
        with self.payer.sending(self.wanted, self.transfer):
            reply = yield Send({PAYMENT_SIGNATURE: self.transfer.header})
        self.note_answer(reply)
        return reply

    def note_answer(self, reply: Reply) -> None:
        """Note the answer. Until its request is answered, the transfer stays on record. Raises PaymentUnsettled."""
        told = read_transfer_response(reply.headers)
        transaction = "" if told is None else told.transaction
        if is_answered(reply.status, was_paid=told is not None and told.success):
            self.payer.note_settled(self.wanted, self.transfer)
            return
        if transaction:
            self.payer.note_transaction(self.wanted, self.transfer, transaction)
        if reply.status == PAYMENT_REQUIRED and (transaction or self.is_again):
            place, known = self.wanted.place, transaction or self.transfer.transaction
            raise PaymentUnsettled(
                place.service or place.origin, self.transfer.nonce, self.transfer.valid_before, known or None
            )


def is_answered(status: int, *, was_paid: bool) -> bool:
    """Return whether an answer settles a payment: its request was served, or was paid for and is wrong.

    After 202 and after a failure of the server, the same payment may still be served.
    """
    if status in (PAYMENT_REQUIRED, ACCEPTED) or status >= LOWEST_SERVER_FAILURE:
        return False
    return status < LOWEST_FAILURE or was_paid


def pay_by_transfer(payer: TokenPayer, wanted: Wanted) -> Flow:
    """Send a request, and pay for it by a signed transfer. The first request is not paid for: the answer says what it costs.

    If an earlier request of the same content was paid, and nobody knows whether that moved money, its payment is sent again. A
    token makes the same transfer only once.

    Raises:
        PaymentNotAllowed: Nothing that is accepted is within the limits.
        PaymentUnsettled: An earlier payment may have moved money, or still can, and the server wants another one.
    """
    use = find_again(payer, wanted)
    if use is None:
        reply = yield Send({})
        required = read_required(reply.headers, reply.body) if reply.status == PAYMENT_REQUIRED else None
        if required is None:
            return
        use = choose_transfer(payer, wanted, required)
    yield from use.send()


def find_again(payer: TokenPayer, wanted: Wanted) -> TransferUse | None:
    """Return the payment of an earlier request of the same content, if its outcome is not known."""
    transfer = payer.find_unsettled(wanted)
    return None if transfer is None else TransferUse(payer, wanted, transfer, is_again=True)


def choose_transfer(payer: TokenPayer, wanted: Wanted, required: Required) -> TransferUse:
    """Sign a transfer for the first offer that is within the limits. Raises PaymentNotAllowed if there is none."""
    offered, reasons = find_offered(payer, required)
    if offered is None:
        place = wanted.place
        why = reasons or ("it offers nothing that a signed transfer (EIP-3009) pays",)
        raise PaymentNotAllowed(place.service or place.origin, why)
    return sign_transfer(payer, wanted, required, offered)


def find_offered(payer: TokenPayer, required: Required) -> tuple[ExactOffered | None, tuple[str, ...]]:
    """Return the first offer within the limits, and the reasons against those before it."""
    reasons: list[str] = []
    for offered in required.exact:
        problem = payer.find_problem(offered.offer)
        if problem is None:
            return offered, tuple(reasons)
        reasons.append(problem)
    return None, tuple(dict.fromkeys(reasons))


def sign_transfer(payer: TokenPayer, wanted: Wanted, required: Required, offered: ExactOffered) -> TransferUse:
    """Sign a transfer for an offer. Raises PaymentNotAllowed above the limit in all."""
    transfer = payer.sign(
        wanted, offered.offer, offered.raw, resource=required.resource, extensions=required.extensions
    )
    return TransferUse(payer, wanted, transfer)
