"""A payment in the books: what it is for, how far it is, and the row that holds it."""

from collections.abc import Sequence
from enum import IntEnum
from typing import Any, Final

from eth_typing import ChecksumAddress
from eth_utils.crypto import keccak
from msgspec import Struct

from nvm_chain.errors.fields import BaseUnits, Number, PlanId, Quantity, Time
from nvm_chain.index.raw_events import name_address
from nvm_chain.index.rows import account_key, plan_key, read_id
from nvm_chain.meter.store.schema import MAX_STORED

NO_PLAN: Final[PlanId] = 0
"""The plan of a payment that is for no plan, such as one that a facilitator settles for others."""
COLUMNS: Final = (
    "payment_id, token, payer, nonce, purpose, plan, quantity, payee, value, valid_before, submitter, resource, service, "
    "call_to, call_data, asked_at, state, changed_at, busy_until, hash, raw, sender, sender_nonce, block_number, block_hash, "
    "grant_hash, grant_block, serving_until, served_at, seen_at, is_final, reason"
)
"""The columns of the table, in its order."""


class PaymentPurpose(IntEnum):
    """What a payment is for."""

    ORDER = 0
    """A plan, which the seller's minter grants."""
    REQUEST = 1
    """One request on a usage plan."""
    FACILITATOR = 2
    """Something of another server, which a facilitator settles for it."""
    SIGNED_ORDER = 3
    """A plan, which the transaction of the payment grants itself."""


class PaymentState(IntEnum):
    """How far a payment is. See `nvm_chain.meter.store.payments`."""

    CLAIMED = 0
    SENT = 1
    PAID = 2
    GRANTED = 3
    SERVED = 4
    BY_HAND = 5
    REFUSED = 6


STATE_NAMES: Final = {state: state.name.lower().replace("_", " ") for state in PaymentState}
"""How states are told outside, such as ``by hand``."""


def name_payment(chain_id: int, token: str, payer: str, nonce: bytes) -> bytes:
    """Return the name of a payment: keccak256 of the chain, the token, the payer and the nonce, each in 32 bytes.

    A plan's grant has it as its reference.
    """
    words = (chain_id.to_bytes(32), bytes(12) + bytes.fromhex(token[2:]), bytes(12) + bytes.fromhex(payer[2:]), nonce)
    return keccak(b"".join(words))


class NewPayment(Struct, frozen=True, kw_only=True):
    """A payment that somebody presents.

    ``call_to`` and ``call_data`` are the call that makes the transfer. ``submitter`` says who presents it, as a hash, or is
    empty. ``resource`` is the digest of what is bought, or empty. ``service`` is a DID, or empty.
    """

    chain_id: Number
    token: ChecksumAddress
    payer: ChecksumAddress
    nonce: bytes
    purpose: PaymentPurpose
    payee: ChecksumAddress
    value: BaseUnits
    valid_before: Time
    call_to: ChecksumAddress
    call_data: bytes
    plan_id: PlanId = NO_PLAN
    quantity: Quantity = 1
    submitter: bytes = b""
    resource: bytes = b""
    service: str = ""

    @property
    def payment_id(self) -> bytes:
        """The name of the payment."""
        return name_payment(self.chain_id, self.token, self.payer, self.nonce)


class Payment(Struct, frozen=True, kw_only=True):
    """A payment in the books.

    ``hash`` is that of the transaction that pays, or of the one that was sent last. It is empty before one was signed.
    ``raw`` are its signed bytes if this gateway sent it. ``block_number`` is 0 while it is in no block. ``seen_at`` is the
    block in which something was first seen that ends the payment if it stays so.
    """

    payment_id: bytes
    token: ChecksumAddress
    payer: ChecksumAddress
    nonce: bytes
    purpose: PaymentPurpose
    plan_id: PlanId
    quantity: Quantity
    payee: ChecksumAddress
    value: BaseUnits
    valid_before: Time
    submitter: bytes
    resource: bytes
    service: str
    call_to: ChecksumAddress
    call_data: bytes
    asked_at: Time
    state: PaymentState
    changed_at: Time
    busy_until: Time
    hash: bytes
    raw: bytes
    sender: bytes
    sender_nonce: Number
    block_number: Number
    block_hash: bytes
    grant_hash: bytes
    grant_block: Number
    serving_until: Time
    served_at: Time
    seen_at: Number
    is_final: bool
    reason: str

    @property
    def name(self) -> str:
        """The payment's name as text."""
        return f"0x{self.payment_id.hex()}"

    @property
    def transaction(self) -> str:
        """The hash of the transaction that pays or may pay, as text. Empty if none was signed."""
        return f"0x{self.hash.hex()}" if self.hash else ""

    @property
    def grant(self) -> str:
        """The hash of the transaction that granted the plan, as text. Empty if there is none."""
        return f"0x{self.grant_hash.hex()}" if self.grant_hash else ""

    @property
    def was_sent(self) -> bool:
        """Whether a transaction was signed, so that nobody may be told to pay again."""
        return self.state is not PaymentState.CLAIMED

    @property
    def is_paid(self) -> bool:
        """Whether the transfer is in a block."""
        return self.block_number > 0

    def is_for(self, new: NewPayment) -> bool:
        """Return whether the payment was claimed for just this. Who pays by which token is its name."""
        return all(getattr(self, name) == getattr(new, name) for name in _BOUND)


_BOUND: Final = (
    *("payment_id", "purpose", "plan_id", "quantity", "payee", "value", "submitter", "resource", "service"),
    *("call_to", "call_data"),  # with the signature, which nobody but the payer can have made
)


class SentTransfer(Struct, frozen=True):
    """A signed transaction that makes a transfer: its hash, its bytes, and the account and the nonce it is sent with."""

    hash: bytes
    raw: bytes
    sender: ChecksumAddress
    nonce: Number


class Place(Struct, frozen=True):
    """Where something is on the chain: the hash of its transaction, and its block."""

    hash: bytes
    block_number: Number
    block_hash: bytes = b""


def pack_new_payment(new: NewPayment, clock: Time, busy_until: Time) -> tuple[Any, ...]:
    """Return the row of a new payment."""
    return (
        *(new.payment_id, account_key(new.token), account_key(new.payer), new.nonce, int(new.purpose)),
        *(plan_key(new.plan_id), new.quantity, account_key(new.payee), str(new.value)),
        *(min(new.valid_before, MAX_STORED), new.submitter, new.resource, new.service),
        *(account_key(new.call_to), new.call_data, clock, int(PaymentState.CLAIMED), clock, busy_until),
        *(b"", b"", b"", 0, 0, b"", b"", 0, busy_until if new.purpose is PaymentPurpose.REQUEST else 0, 0, 0, 0, ""),
    )


def unpack_payment(row: Sequence[Any]) -> Payment:
    """Return a payment from its row."""
    values = dict(zip(Payment.__struct_fields__, row, strict=True))
    for name in ("token", "payer", "payee", "call_to"):
        values[name] = name_address(bytes(values[name]))
    for name in _BYTES:
        values[name] = bytes(values[name])
    values["plan_id"], values["value"] = read_id(bytes(values["plan_id"])), int(values["value"])
    values["purpose"], values["state"] = PaymentPurpose(values["purpose"]), PaymentState(values["state"])
    values["is_final"] = bool(values["is_final"])
    return Payment(**values)


_BYTES: Final = (
    *("payment_id", "nonce", "submitter", "resource", "call_data", "hash", "raw", "sender", "block_hash"),
    "grant_hash",
)
