"""A voucher and its binding, as the payloads of payments have them."""

from typing import Any

from msgspec import Raw

from nvm_chain.errors import InvalidMessage
from nvm_chain.meter.bindings import Binding
from nvm_chain.signing.vouchers import SignedVoucher
from nvm_chain.x402.accepted import refuse


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
