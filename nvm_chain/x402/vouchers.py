"""A voucher and its binding, as the payloads of payments have them."""

from typing import Any, Final

from msgspec import DecodeError, Raw, Struct, ValidationError, json

from nvm_chain.errors import InputError, InvalidMessage
from nvm_chain.errors.formatting import clip
from nvm_chain.meter.bindings import NAMES, Binding, Level
from nvm_chain.meter.bindings import VERSION as BINDING_VERSION
from nvm_chain.signing.vouchers import MESSAGE_TYPE, VOUCHER, SignedVoucher, Voucher
from nvm_chain.x402.accepted import is_integral, refuse


class _Voucher(Struct, rename="camel", forbid_unknown_fields=True):
    type: str
    plan_id: str
    holder: str
    redeemer: str
    ceiling: str
    context: str
    deadline: str
    signature: str


class _Binding(Struct, forbid_unknown_fields=True):
    v: Any
    level: str
    method: str
    service: str
    target: str
    body: str
    id: str


class PlainPayload(Struct):
    """A payload without anything unusual, in which all values are texts still."""

    voucher: _Voucher
    binding: _Binding | None = None


class _Payload(Struct):
    voucher: Raw
    binding: Raw = Raw(b"null")


_decode_plain: Final = json.Decoder(PlainPayload).decode
_decode: Final = json.Decoder(_Payload).decode
_LEVELS: Final = {level.value: level for level in Level}
_VOUCHER_MARKS: Final = 2 + 4 * (2 + len(VOUCHER.members))
_MARKS: Final = frozenset((_VOUCHER_MARKS, _VOUCHER_MARKS + 2, _VOUCHER_MARKS + 4 * len(NAMES)))
"""How many quotation marks a payload has that is a voucher, one with the binding null, or one with a binding.

A text without escapes has two, so no field came twice if there are no more. The version of a binding is a number.
"""


def read_payload(payload: bytes) -> tuple[SignedVoucher, Binding | None]:
    """Return the voucher and the binding in the payload of a payment with credits. Raises PaymentMalformed."""
    plain = _read_plain(payload)
    if plain is not None:
        return plain
    try:
        read = _decode(payload)
    except ValidationError as error:
        raise refuse(f"its payload is malformed ({clip(error)})") from None
    except (DecodeError, RecursionError, UnicodeDecodeError):
        raise refuse("its payload is not JSON") from None
    return read_voucher(read.voucher), read_binding(read.binding)


def _read_plain(payload: bytes) -> tuple[SignedVoucher, Binding | None] | None:
    """Read a payload without a mistake, in a third of the time. None if anything about it is unusual: then another way tells what."""
    read = decode_payload(payload)
    if read is None:
        return None
    try:
        voucher, binding = _build_voucher(read.voucher), read.binding
        return voucher, None if binding is None else _build_binding(binding)
    except (ValueError, LookupError, InputError):
        return None


def decode_payload(payload: bytes) -> PlainPayload | None:
    """Decode a payload that is a voucher, with its binding or without. None if anything about it is unusual."""
    if payload.count(b'"') not in _MARKS or b"\\" in payload:
        return None
    try:
        return _decode_plain(payload)
    except (ValueError, DecodeError, RecursionError):
        return None


def _build_voucher(given: _Voucher) -> SignedVoucher:
    """Return a voucher. Raises ValueError or an InputError if one of its values has another spelling than vouchers have."""
    plan_id, ceiling, deadline = int(given.plan_id), int(given.ceiling), int(given.deadline)
    context, signature = bytes.fromhex(given.context[2:]), bytes.fromhex(given.signature[2:])
    if (
        given.type != MESSAGE_TYPE
        or f"{plan_id} {ceiling} {deadline}" != f"{given.plan_id} {given.ceiling} {given.deadline}"
        or f"0x{context.hex()} 0x{signature.hex()}" != f"{given.context} {given.signature}"
    ):
        raise ValueError
    return SignedVoucher(
        Voucher(plan_id, given.holder, given.redeemer, ceiling, context, deadline),  # type: ignore[arg-type]
        signature,
    )


def _build_binding(given: _Binding) -> Binding:
    """Return a binding. Raises LookupError, ValueError or an InputError for one that is not valid."""
    if not is_integral(given.v, BINDING_VERSION):
        raise ValueError
    return Binding(_LEVELS[given.level], given.method, given.service, given.target, given.body, given.id)


def read_voucher(raw: Raw) -> SignedVoucher:
    """Return a signed voucher. Raises PaymentMalformed."""
    try:
        return SignedVoucher.from_json(read_text(raw))
    except InvalidMessage as error:
        raise refuse(f"its voucher is malformed: {error.reason}") from None


def read_binding(raw: Raw) -> Binding | None:
    """Return a binding. None if there is none. Raises PaymentMalformed."""
    text = read_text(raw)
    if text == "null":
        return None
    try:
        return Binding.from_json(text)
    except InvalidMessage as error:
        raise refuse(f"its binding is malformed: {error.reason}") from None


def read_text(raw: Raw) -> str:
    """Return JSON as text. Raises PaymentMalformed."""
    try:
        return bytes(raw).decode()
    except UnicodeDecodeError:
        raise refuse("it is not UTF-8") from None


def write_voucher(signed: SignedVoucher, binding: Binding | None) -> dict[str, Any]:
    """Return a voucher and its binding as fields of a payload."""
    bound = {} if binding is None else {"binding": Raw(binding.to_json().encode())}
    return {"voucher": Raw(signed.to_json().encode()), **bound}
