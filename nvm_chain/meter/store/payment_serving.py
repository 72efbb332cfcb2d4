"""Serving a request for a payment: one at a time, and only until one was served."""

from enum import Enum, auto

from nvm_chain.errors.fields import Seconds
from nvm_chain.meter.store.payment_rows import PaymentPurpose, PaymentState
from nvm_chain.meter.store.payments import find_payment
from nvm_chain.meter.store.statements import CLOCK
from nvm_chain.meter.store.store import Store


class Turn(Enum):
    """Whether a request is served for a payment."""

    BEGUN = auto()
    """It is, and no other request meanwhile."""
    RUNNING = auto()
    """Another request is being served for the payment."""
    SERVED = auto()
    """A request was served for the payment."""
    UNPAID = auto()
    """The transfer is in no block, or the payment is not for a request."""


def begin_serving(store: Store, payment_id: bytes, seconds: Seconds) -> Turn:
    """Begin to serve a request for a payment. Exactly one of all who ask at the same time gets ``BEGUN``.

    Args:
        store: The books.
        payment_id: The payment.
        seconds: How long it is served at most. After that, another one may begin, because this one has ended without a word.

    Raises:
        IndexFailure: The books cannot be written.
    """
    with store.asking() as pen:
        clock = CLOCK[store.engine.dialect.name]
        condition = f"payment_id = ? AND purpose = ? AND state = ? AND block_number > 0 AND serving_until <= {clock}"
        statement = f"UPDATE payments SET serving_until = {clock} + ? WHERE {condition}"  # noqa: S608
        values = (seconds, payment_id, int(PaymentPurpose.REQUEST), int(PaymentState.PAID))
        if pen.change(statement, values):
            return Turn.BEGUN
        found = find_payment(pen, payment_id)
    if found is None or found.purpose is not PaymentPurpose.REQUEST:
        return Turn.UNPAID
    if found.state is PaymentState.SERVED:
        return Turn.SERVED
    return Turn.RUNNING if found.serving_until else Turn.UNPAID


def end_serving(store: Store, payment_id: bytes, *, is_served: bool) -> None:
    """End what `begin_serving` began. If the request was served, no other one is.

    Raises:
        IndexFailure: The books cannot be written.
    """
    with store.asking() as pen:
        clock = CLOCK[store.engine.dialect.name]
        changes = f"serving_until = 0, served_at = {clock}, changed_at = {clock}, state = {int(PaymentState.SERVED)}"
        statement = f"UPDATE payments SET {changes if is_served else 'serving_until = 0'} WHERE payment_id = ?"  # noqa: S608
        states = (int(PaymentState.PAID), int(PaymentState.SENT))  # its block may have been replaced meanwhile
        pen.change(f"{statement} AND state IN {states}", (payment_id,))
