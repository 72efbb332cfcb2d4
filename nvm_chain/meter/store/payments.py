"""Payments by authorized transfers (EIP-3009): each is claimed in the books before anything is sent, and ends once.

A sender claims a payment by `claim_payment`. It writes each transaction down by `note_sent` before it is sent, and its block by
`note_paid`. Any thread with a `nvm_chain.meter.store.writer.Writer` may do so.

The name of a payment is `payment_id`: the hash of the chain, the token, the payer and the nonce. The books have each name
once. States go forwards, except after a block was replaced. No function here asks the chain.

| state | what is certain |
|---|---|
| ``CLAIMED`` | it is in the books, and nothing was sent |
| ``SENT`` | a transaction was signed, and perhaps sent |
| ``PAID`` | the transfer is in a block |
| ``GRANTED`` | the plan was granted for it |
| ``SERVED`` | a request was served for it |
| ``BY_HAND`` | it is paid, and a person has to end it, for the reason in the books |
| ``REFUSED`` | it was not paid, and cannot be paid any more |

`nvm_chain.x402.settling` sends payments, and looks up what became of them.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, TypeAlias

from nvm_chain.errors.fields import Number, Seconds, Time
from nvm_chain.index.pens import Pen
from nvm_chain.meter.store.payment_rows import (
    COLUMNS,
    NewPayment,
    Payment,
    PaymentPurpose,
    PaymentState,
    Place,
    SentTransfer,
    name_payment,
    pack_new_payment,
    unpack_payment,
)
from nvm_chain.meter.store.statements import CLOCK
from nvm_chain.meter.store.store import Store
from nvm_chain.types.durations import DAY

__all__ = [
    "Claimed",
    "Known",
    "LimitReached",
    "NewPayment",
    "Payment",
    "PaymentLimit",
    "PaymentLimits",
    "PaymentPurpose",
    "PaymentState",
    "Place",
    "SentTransfer",
    "claim_payment",
    "name_payment",
]

BUSY_SECONDS: Final[Seconds] = 150
"""How long whoever claimed a payment has it alone. After that, it has ended without a word, and another one goes on."""
_ALL: Final = f"SELECT {COLUMNS} FROM payments"  # noqa: S608
_RECENT: Final = (
    "SELECT COUNT(*), COUNT(CASE WHEN payer = ? THEN 1 END) FROM payments WHERE asked_at > ? AND purpose = ?"
)
_UNPAID: Final = f"({int(PaymentState.CLAIMED)}, {int(PaymentState.SENT)})"
_OPEN: Final = f"({int(PaymentState.CLAIMED)}, {int(PaymentState.SENT)}, {int(PaymentState.PAID)})"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A payment that is in the books now. Whoever claimed it sends it."""

    payment: Payment


@dataclass(frozen=True, slots=True)
class Known:
    """A payment that was claimed before, for the same or for something else. See `Payment.is_for`."""

    payment: Payment


class PaymentLimit(Enum):
    """A limit that another payment would go beyond."""

    ACCOUNT = auto()
    """The payer has had as many payments sent as one account may have in a day."""
    DAY = auto()
    """As many payments were sent as are sent in a day."""


@dataclass(frozen=True, slots=True)
class LimitReached:
    """A payment that was not claimed, because of a limit."""

    limit: PaymentLimit


@dataclass(frozen=True, slots=True)
class PaymentLimits:
    """How many payments of one purpose are claimed within 24 hours, for one payer and in all."""

    per_account: Number
    per_day: Number


Claim: TypeAlias = Claimed | Known | LimitReached


def claim_payment(store: Store, new: NewPayment, limits: PaymentLimits | None = None) -> Claim:
    """Claim a payment, if nobody has claimed it. Exactly one of all who ask at the same time gets `Claimed`.

    Args:
        store: The books.
        new: The payment.
        limits: How many may be claimed in a day. None for any number.

    Raises:
        IndexFailure: The books cannot be written.
    """
    with store.asking() as pen:
        found = find_payment(pen, new.payment_id)
        if found is not None:
            return Known(found)
        clock = read_clock(store, pen)
        reached = None if limits is None else _find_limit(pen, new, limits, clock)
        if reached is not None:
            return LimitReached(reached)
        row = pack_new_payment(new, clock, clock + BUSY_SECONDS)
        marks = ", ".join("?" * len(row))
        statement = f"INSERT INTO payments ({COLUMNS}) VALUES ({marks}) ON CONFLICT (payment_id) DO NOTHING"  # noqa: S608
        is_new = pen.change(statement, row)
        payment = _require(find_payment(pen, new.payment_id))
        return Claimed(payment) if is_new else Known(payment)


def _find_limit(pen: Pen, new: NewPayment, limits: PaymentLimits, clock: int) -> PaymentLimit | None:
    ((recent, of_payer),) = pen.ask(_RECENT, (bytes.fromhex(new.payer[2:]), clock - DAY, int(new.purpose)))
    if recent >= limits.per_day:
        return PaymentLimit.DAY
    return PaymentLimit.ACCOUNT if of_payer >= limits.per_account else None


def give_payment_back(store: Store, payment_id: bytes) -> bool:
    """End the claim on a payment that certainly was not sent. Return whether it was there, and nothing was signed.

    Raises:
        IndexFailure: The books cannot be written.
    """
    with store.asking() as pen:
        statement = "DELETE FROM payments WHERE payment_id = ? AND state = ?"
        return bool(pen.change(statement, (payment_id, int(PaymentState.CLAIMED))))


# ---------------------------------------------------------------- states


def note_sent(store: Store, payment_id: bytes, sent: SentTransfer) -> Payment:
    """Write a signed transaction down before it is broadcast. From then on, nobody is told to pay again.

    Raises:
        IndexFailure: The books cannot be written.
    """
    changes = (
        f"state = CASE WHEN state IN ({int(PaymentState.CLAIMED)}, {int(PaymentState.PAID)}) "
        f"THEN {int(PaymentState.SENT)} ELSE state END, hash = ?, raw = ?, sender = ?, sender_nonce = ?, seen_at = 0"
    )
    values = (sent.hash, sent.raw, bytes.fromhex(sent.sender[2:]), sent.nonce)
    return _change(store, payment_id, changes, values, "block_number = 0 AND is_final = 0")


def note_paid(store: Store, payment_id: bytes, place: Place) -> Payment:
    """Write down in which block the transfer is. A state that is further on stays. Raises IndexFailure."""
    changes = (
        f"state = CASE WHEN state IN {_UNPAID} OR state = {int(PaymentState.REFUSED)} "
        f"THEN {int(PaymentState.PAID)} ELSE state END, hash = ?, block_number = ?, block_hash = ?, reason = CASE "
        f"WHEN state = {int(PaymentState.REFUSED)} THEN '' ELSE reason END, is_final = 0"
    )
    return _change(store, payment_id, changes, (place.hash, place.block_number, place.block_hash))


def note_unpaid(store: Store, payment_id: bytes) -> Payment:
    """Write down that the transfer is in no block any more, because its block was replaced.

    A paid payment is sent again. One that was granted, served or put aside stays what it is. Raises IndexFailure.
    """
    changes = (
        f"state = CASE WHEN state = {int(PaymentState.PAID)} THEN {int(PaymentState.SENT)} ELSE state END, "
        "block_number = 0, block_hash = ?"
    )
    return _change(store, payment_id, changes, (b"",))


def note_granted(store: Store, payment_id: bytes, place: Place) -> Payment:
    """Write down that the plan was granted for a payment, and where. Raises IndexFailure."""
    changes = "state = ?, grant_hash = ?, grant_block = ?, reason = ''"
    states = (int(PaymentState.PAID), int(PaymentState.GRANTED), int(PaymentState.BY_HAND))
    values = (int(PaymentState.GRANTED), place.hash, place.block_number)
    return _change(store, payment_id, changes, values, f"state IN {states}")


def note_ungranted(store: Store, payment_id: bytes) -> Payment:
    """Write down that the grant is in no block any more. So it is made again. Raises IndexFailure."""
    changes = "state = CASE WHEN block_number = 0 THEN ? ELSE ? END, grant_block = 0"
    values = (int(PaymentState.SENT), int(PaymentState.PAID))
    return _change(store, payment_id, changes, values, f"state = {int(PaymentState.GRANTED)}")


def note_by_hand(store: Store, payment_id: bytes, reason: str) -> Payment:
    """Put a payment on the list of those that a person has to end, with the reason. Raises IndexFailure."""
    states = (int(PaymentState.CLAIMED), int(PaymentState.REFUSED))
    values = (int(PaymentState.BY_HAND), reason[:500])
    return _change(store, payment_id, "state = ?, reason = ?", values, f"state NOT IN {states}")


def note_refused(store: Store, payment_id: bytes, reason: str) -> Payment:
    """End a payment that was not made, and cannot be made any more. Raises IndexFailure."""
    values = (int(PaymentState.REFUSED), reason[:500])
    return _change(store, payment_id, "state = ?, reason = ?, is_final = 1", values, f"state IN {_UNPAID}")


def note_final(store: Store, payment_id: bytes) -> Payment:
    """Write down that nothing can change a payment any more. Its signed transaction is dropped. Raises IndexFailure."""
    return _change(store, payment_id, "is_final = 1, raw = ?", (b"",))


def note_seen(store: Store, payment_id: bytes, seen_at: Number) -> Payment:
    """Write down the block in which something was first seen that ends a payment if it stays so. Raises IndexFailure."""
    return _change(store, payment_id, "seen_at = ?", (seen_at,))


def _change(
    store: Store, payment_id: bytes, changes: str, values: tuple[object, ...], condition: str = "1 = 1"
) -> Payment:
    """Change a payment if a condition holds, and return it as it is then."""
    with store.asking() as pen:
        clock = CLOCK[store.engine.dialect.name]
        statement = f"UPDATE payments SET {changes}, changed_at = {clock} WHERE payment_id = ? AND {condition}"  # noqa: S608
        pen.change(statement, (*values, payment_id))
        return _require(find_payment(pen, payment_id))


# ---------------------------------------------------------------- work


def take_payment(store: Store, payment_id: bytes, seconds: Seconds = BUSY_SECONDS) -> Payment | None:
    """Take a payment to work on it alone for some seconds. None if somebody works on it, or it is not there.

    Raises:
        IndexFailure: The books cannot be written.
    """
    with store.asking() as pen:
        clock = CLOCK[store.engine.dialect.name]
        statement = f"UPDATE payments SET busy_until = {clock} + ? WHERE payment_id = ? AND busy_until <= {clock}"  # noqa: S608
        return find_payment(pen, payment_id) if pen.change(statement, (seconds, payment_id)) else None


def leave_payment(store: Store, payment_id: bytes, *, turn: Time = 0) -> None:
    """Let another one work on a payment. ``turn`` is a turn to serve that is given back too, or 0. Raises IndexFailure."""
    with store.asking() as pen:
        serving = "CASE WHEN serving_until = ? THEN 0 ELSE serving_until END"
        statement = f"UPDATE payments SET busy_until = 0, serving_until = {serving} WHERE payment_id = ?"  # noqa: S608
        pen.change(statement, (turn, payment_id))


def free_payments(store: Store) -> None:
    """End the work on all payments, where no other process can be at work. Raises IndexFailure."""
    with store.asking() as pen:
        pen.change("UPDATE payments SET busy_until = 0, serving_until = 0 WHERE is_final = 0 OR serving_until > 0")


# ---------------------------------------------------------------- reads


def read_payment(store: Store, payment_id: bytes) -> Payment | None:
    """Return a payment by its name, or None. Raises IndexFailure if the books cannot be read."""
    with store.asking() as pen:
        return find_payment(pen, payment_id)


def list_unfinished(store: Store) -> list[Payment]:
    """Return the payments that can still change, the oldest first. Raises IndexFailure."""
    with store.asking() as pen:
        return [unpack_payment(row) for row in pen.ask(f"{_ALL} WHERE is_final = 0 ORDER BY asked_at")]


def list_waiting(store: Store, purpose: PaymentPurpose) -> list[Payment]:
    """Return the payments of a purpose that are claimed, sent, paid or by hand, the oldest first. Raises IndexFailure."""
    with store.asking() as pen:
        states = (*range(PaymentState.GRANTED), int(PaymentState.BY_HAND))
        statement = f"{_ALL} WHERE purpose = ? AND state IN {states} ORDER BY asked_at"
        return [unpack_payment(row) for row in pen.ask(statement, (int(purpose),))]


def find_payment(pen: Pen, payment_id: bytes) -> Payment | None:
    """Return a payment within a transaction of the books, or None."""
    rows = pen.ask(f"{_ALL} WHERE payment_id = ?", (payment_id,))
    return unpack_payment(rows[0]) if rows else None


def read_clock(store: Store, pen: Pen) -> int:
    """Return the second of the database's clock."""
    ((clock,),) = pen.ask(f"SELECT {CLOCK[store.engine.dialect.name]}")
    return int(clock)


def _require(payment: Payment | None) -> Payment:
    if payment is None:
        raise LookupError("the payment is not in the books")
    return payment
