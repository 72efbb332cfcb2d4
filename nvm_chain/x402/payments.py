"""Payments with credits: the voucher that a request brings in PAYMENT-SIGNATURE, and what it was made for."""

from dataclasses import dataclass
from typing import Any, Final

from msgspec import DecodeError, Raw, Struct, ValidationError, json

from nvm_chain.errors import InvalidMessage
from nvm_chain.meter.bindings import Binding
from nvm_chain.signing.vouchers import SignedVoucher
from nvm_chain.x402.headers import VERSION, read_bytes, write_header
from nvm_chain.x402.offers import CREDITS_SCHEME

PAYMENT_IDENTIFIER: Final = "payment-identifier"
"""The extension that names a payment, so that it is not made twice."""
_NOUN: Final = "payment"
_MIN_ID: Final = 16
_MAX_ID: Final = 128
_IN_IDS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")


class _Accepted(Struct):
    scheme: str
    network: str


class _Payload(Struct):
    voucher: Raw
    binding: Raw = Raw(b"null")


class _Payment(Struct, rename="camel"):
    x402_version: Any = 0
    accepted: _Accepted | None = None
    payload: Raw = Raw(b"null")
    extensions: dict[str, Any] = {}


_decode: Final = json.Decoder(_Payment).decode
_decode_payload: Final = json.Decoder(_Payload).decode


@dataclass(frozen=True, slots=True)
class CreditsPayment:
    """A payment with credits: the voucher, the binding whose hash is its context, and the name of the payment if it has one."""

    signed: SignedVoucher
    binding: Binding | None = None
    payment_id: str | None = None


def read_payment(header: str) -> CreditsPayment:
    """Read the header PAYMENT-SIGNATURE. What the voucher allows is not checked.

    Raises:
        InvalidMessage: The header is not a payment of version 2 with credits.
    """
    try:
        payment = _decode(read_bytes(header, _NOUN))
        if payment.x402_version != VERSION:  # some protocols write 2.0
            raise InvalidMessage(_NOUN, f"its version is {payment.x402_version!r}, and not {VERSION}")
        if payment.accepted is None or payment.accepted.scheme != CREDITS_SCHEME:
            raise InvalidMessage(_NOUN, f"it accepts another offer than one of the scheme {CREDITS_SCHEME}")
        payload = _decode_payload(payment.payload)
    except (ValidationError, DecodeError, RecursionError, UnicodeDecodeError):
        raise InvalidMessage(_NOUN, "it is not the JSON of a payment with credits") from None
    return CreditsPayment(
        SignedVoucher.from_json(_to_text(payload.voucher)),
        _read_binding(payload.binding),
        _read_id(payment.extensions),
    )


def write_payment(offer: Any, signed: SignedVoucher, binding: Binding | None, payment_id: str | None = None) -> str:
    """Write the header PAYMENT-SIGNATURE.

    Args:
        offer: The element of ``accepts`` that the payment is for, as it came.
        signed: The voucher.
        binding: The binding whose hash is the voucher's context. None for a voucher without one.
        payment_id: A name for the payment, of 16 to 128 letters, digits, ``_`` and ``-``.
    """
    payload: dict[str, Any] = {"voucher": Raw(signed.to_json().encode())}
    if binding is not None:
        payload["binding"] = Raw(binding.to_json().encode())
    payment: dict[str, Any] = {"x402Version": VERSION, "accepted": offer, "payload": payload}
    if payment_id is not None:
        payment["extensions"] = {PAYMENT_IDENTIFIER: {"info": {"required": False, "id": payment_id}}}
    return write_header(payment)


def _read_binding(raw: Raw) -> Binding | None:
    text = _to_text(raw)
    return None if text == "null" else Binding.from_json(text)


def _to_text(raw: Raw) -> str:
    try:
        return bytes(raw).decode()
    except UnicodeDecodeError:
        raise InvalidMessage(_NOUN, "it is not UTF-8") from None


def _read_id(extensions: dict[str, Any]) -> str | None:
    """Return the name of a payment. Clients that do not name it send the extension back without an id."""
    extension = extensions.get(PAYMENT_IDENTIFIER)
    info = extension.get("info") if isinstance(extension, dict) else None
    name = info.get("id") if isinstance(info, dict) else None
    if name is None:
        return None
    if not isinstance(name, str) or not _MIN_ID <= len(name) <= _MAX_ID or not _IN_IDS.issuperset(name):
        raise InvalidMessage(_NOUN, f"its id is not {_MIN_ID} to {_MAX_ID} letters, digits, _ and -")
    return name
