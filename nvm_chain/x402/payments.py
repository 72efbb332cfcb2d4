"""Payments: what a request brings in PAYMENT-SIGNATURE. One decoding finds the scheme, and the scheme reads its payload."""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

from msgspec import DecodeError, Raw, Struct, ValidationError, json

from nvm_chain.errors import InvalidMessage
from nvm_chain.errors.formatting import clip
from nvm_chain.meter.bindings import Binding
from nvm_chain.signing.signed_orders import SignedOrder
from nvm_chain.signing.vouchers import SignedVoucher
from nvm_chain.x402.accepted import NOUN, Accepted, is_integral, read_accepted, refuse
from nvm_chain.x402.exact import EXACT_SCHEME, ExactPayment, read_transfer
from nvm_chain.x402.extensions import PAYMENT_IDENTIFIER as PAYMENT_IDENTIFIER
from nvm_chain.x402.headers import VERSION, read_bytes, write_header
from nvm_chain.x402.offers import CREDITS_SCHEME
from nvm_chain.x402.orders import ORDER_SCHEME, OrderPayment, build_order_payload, read_order
from nvm_chain.x402.vouchers import read_payload, write_voucher

_MIN_ID: Final = 16
_MAX_ID: Final = 128
_IN_IDS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")


class _Payment(Struct, rename="camel"):
    x402_version: Any = None
    accepted: Raw = Raw(b"null")
    payload: Raw = Raw(b"null")
    extensions: dict[str, Any] | None = None


_decode: Final = json.Decoder(_Payment).decode


@dataclass(frozen=True, slots=True)
class CreditsPayment:
    """A payment with credits: the voucher, the binding whose hash is its context, and the name of the payment if it has one.

    ``accepted`` is the offer that the payment accepts.
    """

    accepted: Accepted
    signed: SignedVoucher
    binding: Binding | None = None
    payment_id: str | None = None


Payment: TypeAlias = CreditsPayment | OrderPayment | ExactPayment
"""What a request can bring in PAYMENT-SIGNATURE."""


class DecodedPayment(NamedTuple):
    """A payment whose payload is JSON still: the offer that it accepts, the payload, and the name of the payment if it has one."""

    accepted: Accepted
    payload: bytes
    payment_id: str | None


def decode_payment(header: str) -> DecodedPayment:
    """Decode the header PAYMENT-SIGNATURE, whatever its scheme is.

    Raises:
        PaymentMalformed: The header is not a payment of version 2.
    """
    try:
        payment = _decode(read_bytes(header, NOUN))
    except ValidationError as error:
        raise refuse(f"it is malformed ({clip(error)})") from None
    except (DecodeError, RecursionError, UnicodeDecodeError):
        raise refuse("it is not JSON") from None
    except InvalidMessage as error:
        raise refuse(error.reason) from None
    if not is_integral(payment.x402_version, VERSION):  # some protocols write 2.0
        reason = f"its version is {ascii(payment.x402_version)[:40]}, and not {VERSION}"
        raise refuse(reason, "invalid_x402_version")
    name = None if payment.extensions is None else _read_id(payment.extensions)
    return DecodedPayment(read_accepted(bytes(payment.accepted)), bytes(payment.payload), name)


def read_payment(header: str) -> Payment:
    """Read the header PAYMENT-SIGNATURE. What the payment allows is not checked, and neither is its signature.

    Raises:
        PaymentMalformed: The header is not a payment of version 2 by a scheme that this server takes.
    """
    accepted, payload, name = decode_payment(header)
    if accepted.scheme == CREDITS_SCHEME:
        return CreditsPayment(accepted, *read_payload(payload), name)
    if accepted.is_short and accepted.scheme in (EXACT_SCHEME, ORDER_SCHEME):
        raise refuse("the offer that it accepts has no amount")
    if accepted.scheme == EXACT_SCHEME:
        return ExactPayment(accepted, *read_transfer(payload), name)
    if accepted.scheme == ORDER_SCHEME:
        return OrderPayment(accepted, *read_order(payload), name)
    raise refuse(f"its scheme is {ascii(accepted.scheme)[:40]}", "unsupported_scheme")


def write_payment(offer: Any, signed: SignedVoucher, binding: Binding | None, payment_id: str | None = None) -> str:
    """Write the header PAYMENT-SIGNATURE of a payment with credits.

    Args:
        offer: The element of ``accepts`` that the payment is for, as it came.
        signed: The voucher.
        binding: The binding whose hash is the voucher's context. None for a voucher without one.
        payment_id: A name for the payment, of 16 to 128 letters, digits, ``_`` and ``-``.
    """
    return _write(offer, write_voucher(signed, binding), payment_id)


def write_order_payment(
    offer: Any,
    order: SignedOrder,
    signed: SignedVoucher | None = None,
    binding: Binding | None = None,
    payment_id: str | None = None,
) -> str:
    """Write the header PAYMENT-SIGNATURE of a payment that buys a plan.

    Args:
        offer: The element of ``accepts`` that the payment is for, as it came.
        order: The signed order.
        signed: The voucher for the request. None where the plan alone is bought.
        binding: The binding whose hash is the voucher's context. None for a voucher without one.
        payment_id: A name for the payment, of 16 to 128 letters, digits, ``_`` and ``-``.
    """
    return _write(offer, build_order_payload(order, signed, binding), payment_id)


def _write(offer: Any, payload: dict[str, Any], payment_id: str | None) -> str:
    payment: dict[str, Any] = {"x402Version": VERSION, "accepted": offer, "payload": payload}
    if payment_id is not None:
        payment["extensions"] = {PAYMENT_IDENTIFIER: {"info": {"required": False, "id": payment_id}}}
    return write_header(payment)


def _read_id(extensions: dict[str, Any]) -> str | None:
    """Return the name of a payment. Clients that do not name it send the extension back without an id."""
    extension = extensions.get(PAYMENT_IDENTIFIER)
    info = extension.get("info") if isinstance(extension, dict) else None
    name = info.get("id") if isinstance(info, dict) else None
    if name is None:
        return None
    if not isinstance(name, str) or not _MIN_ID <= len(name) <= _MAX_ID or not _IN_IDS.issuperset(name):
        raise refuse(f"its id is not {_MIN_ID} to {_MAX_ID} letters, digits, _ and -")
    return name
