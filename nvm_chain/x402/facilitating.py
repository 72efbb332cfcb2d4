"""The wire of a facilitator: what a resource server asks of ``/verify``, ``/settle`` and ``/supported``, and the answers.

A refusal is an answer like any other, with HTTP status 200 and the protocol's reason in it. Stock clients take every other
status for a failure of the facilitator.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from eth_typing import ChecksumAddress
from msgspec import DecodeError, Raw, Struct, ValidationError, json

from nvm_chain.errors import InvalidMessage, PaymentMalformed
from nvm_chain.errors.fields import BaseUnits
from nvm_chain.errors.formatting import clip
from nvm_chain.x402.accepted import Accepted, is_integral, read_accepted, refuse
from nvm_chain.x402.headers import VERSION

INVALID_VERSION: Final = "invalid_x402_version"
INVALID_REQUIREMENTS: Final = "invalid_payment_requirements"
FAMILY: Final = "eip155:*"
"""The family of all chains of the EVM, as ``signers`` of ``/supported`` name it."""
_NOUN: Final = "request to the facilitator"


class _Body(Struct, rename="camel"):
    x402_version: Any = None
    payment_payload: Raw = Raw(b"null")
    payment_requirements: Raw = Raw(b"null")


class _PaymentPayload(Struct, rename="camel"):
    x402_version: Any = None
    accepted: Raw = Raw(b"null")
    payload: Raw = Raw(b"null")


_decode_body: Final = json.Decoder(_Body).decode
_decode_payment: Final = json.Decoder(_PaymentPayload).decode


@dataclass(frozen=True, slots=True)
class FacilitatorRequest:
    """What a resource server sends: the offer that the payment accepts, what the server requires, and the scheme's payload."""

    accepted: Accepted
    required: Accepted
    payload: bytes = field(repr=False)


def read_facilitator_request(body: bytes) -> FacilitatorRequest:
    """Read the body of ``/verify`` or ``/settle``. Only its form is checked.

    Raises:
        PaymentMalformed: The payment or the requirements cannot be read. The error has the protocol's reason.
        InvalidMessage: The body is not the JSON of such a request at all.
    """
    try:
        read = _decode_body(body)
    except (DecodeError, RecursionError, UnicodeDecodeError):
        raise InvalidMessage(_NOUN, "its body is not a JSON object") from None
    _check_version(read.x402_version)
    try:
        payment = _decode_payment(read.payment_payload)
    except ValidationError as error:
        raise refuse(f"it is malformed ({clip(error)})") from None
    except (DecodeError, RecursionError, UnicodeDecodeError):
        raise refuse("it is not JSON") from None
    _check_version(payment.x402_version)
    accepted = read_accepted(bytes(payment.accepted))
    return FacilitatorRequest(accepted, _read_required(bytes(read.payment_requirements)), bytes(payment.payload))


def _check_version(version: object) -> None:
    if not is_integral(version, VERSION):
        raise refuse(f"its version is {ascii(version)[:40]}, and not {VERSION}", INVALID_VERSION)


def _read_required(raw: bytes) -> Accepted:
    try:
        required = read_accepted(raw)
    except PaymentMalformed as error:
        raise refuse(error.reason.replace("that it accepts", "that is required"), INVALID_REQUIREMENTS) from None
    if required.is_short:
        raise refuse("the offer that is required has no amount", INVALID_REQUIREMENTS)
    return required


@dataclass(frozen=True, slots=True)
class VerifyAnswer:
    """What ``/verify`` answers. ``reason`` is the protocol's word for a refusal, and None if the payment is valid."""

    payer: ChecksumAddress | None = None
    reason: str | None = None
    message: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the answer. What is not known is left out."""
        told: dict[str, Any] = {"invalidReason": self.reason, "invalidMessage": self.message, "payer": self.payer}
        told["extra"] = dict(self.extra) or None
        return {"isValid": self.reason is None, **_drop_missing(told)}


@dataclass(frozen=True, slots=True)
class SettleAnswer:
    """What ``/settle`` answers. ``reason`` is the protocol's word for a refusal, and None if the payment is settled.

    ``transaction`` is empty if there is none. ``amount`` is what was settled.
    """

    network: str
    transaction: str = ""
    payer: ChecksumAddress | None = None
    reason: str | None = None
    message: str | None = None
    amount: BaseUnits | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the answer. What is not known is left out."""
        told = {"errorReason": self.reason, "errorMessage": self.message, "payer": self.payer}
        more = {"amount": None if self.amount is None else str(self.amount), "extra": dict(self.extra) or None}
        whole = {"success": self.reason is None, "transaction": self.transaction, "network": self.network}
        return {**whole, **_drop_missing({**told, **more})}


@dataclass(frozen=True, slots=True)
class SupportedKind:
    """A scheme on a chain that a facilitator takes."""

    scheme: str
    network: str
    extra: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the kind as an element of ``kinds``."""
        told = {"x402Version": VERSION, "scheme": self.scheme, "network": self.network}
        return {**told, "extra": dict(self.extra)} if self.extra else told


def build_supported(kinds: Sequence[SupportedKind], signers: Sequence[ChecksumAddress]) -> dict[str, Any]:
    """Return what ``/supported`` answers.

    Args:
        kinds: The schemes that are taken.
        signers: The accounts that send transactions.
    """
    return {"kinds": [kind.to_json() for kind in kinds], "extensions": [], "signers": {FAMILY: list(signers)}}


def _drop_missing(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if value is not None}
