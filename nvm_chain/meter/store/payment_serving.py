"""Serving a request for a payment: one at a time, and only until one was served.

Once a transfer is sent, everybody can see it and present it too. So whoever claimed the payment is the first to be served. Until
that one ends, or for the time of a claim, all others have to wait.
"""

from enum import Enum, auto
from typing import NamedTuple

from nvm_chain.errors.fields import Seconds, Time
from nvm_chain.meter.store.payment_rows import PaymentPurpose, PaymentState
from nvm_chain.meter.store.payments import find_payment, read_clock
from nvm_chain.meter.store.store import Store


class TurnState(Enum):
    """Whether a request is served for a payment."""

    BEGUN = auto()
    """It is, and no other request meanwhile."""
    RUNNING = auto()
    """Another request is being served for the payment."""
    SERVED = auto()
    """A request was served for the payment."""
    UNPAID = auto()
    """The transfer is in no block, or the payment is not for a request."""


class Turn(NamedTuple):
    """Whether a request is served for a payment, and until which second of the database's clock no other one is."""

    state: TurnState
    until: Time = 0


def begin_serving(store: Store, payment_id: bytes, seconds: Seconds, *, turn: Time = 0) -> Turn:
    """Begin to serve a request for a payment. Exactly one of all who ask at the same time gets ``BEGUN``.

    Args:
        store: The books.
        payment_id: The payment.
        seconds: How long it is served at most. After that, another one may begin, because this one has ended without a word.
        turn: The end of the turn that the caller got with its claim. 0 for anybody else.

    Raises:
        IndexFailure: The books cannot be written.
    """
    with store.asking() as pen:
        now = read_clock(store, pen)
        condition = "purpose = ? AND state = ? AND block_number > 0 AND (serving_until <= ? OR serving_until = ?)"
        statement = f"UPDATE payments SET serving_until = ? WHERE payment_id = ? AND {condition}"  # noqa: S608
        values = (int(PaymentPurpose.REQUEST), int(PaymentState.PAID), now, turn)
        if pen.change(statement, (now + seconds, payment_id, *values)):
            return Turn(TurnState.BEGUN, now + seconds)
        found = find_payment(pen, payment_id)
    if found is None or found.purpose is not PaymentPurpose.REQUEST:
        return Turn(TurnState.UNPAID)
    if found.state is PaymentState.SERVED:
        return Turn(TurnState.SERVED)
    return Turn(TurnState.RUNNING if found.is_paid and found.serving_until else TurnState.UNPAID)


def end_serving(store: Store, payment_id: bytes, turn: Turn, *, is_served: bool) -> None:
    """End what `begin_serving` began. If the request was served, no other one is, whoever has the turn now.

    Raises:
        IndexFailure: The books cannot be written.
    """
    with store.asking() as pen:
        states = (int(PaymentState.PAID), int(PaymentState.SENT))  # its block may have been replaced meanwhile
        if is_served:
            now = read_clock(store, pen)
            changes = "serving_until = 0, served_at = ?, changed_at = ?, state = ?"
            statement = f"UPDATE payments SET {changes} WHERE payment_id = ? AND state IN {states}"  # noqa: S608
            pen.change(statement, (now, now, int(PaymentState.SERVED), payment_id))
        else:
            statement = "UPDATE payments SET serving_until = 0 WHERE payment_id = ? AND serving_until = ?"
            pen.change(statement, (payment_id, turn.until))
