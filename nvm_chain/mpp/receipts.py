"""Receipts: the header ``Payment-Receipt`` of an answer that was paid for."""

from datetime import UTC, datetime
from typing import Any, Final

from msgspec import DecodeError, json

from nvm_chain.errors import InvalidMessage
from nvm_chain.errors.fields import Time
from nvm_chain.mpp.encoding import read_bytes, write_value

PAYMENT_RECEIPT: Final = "payment-receipt"


def write_receipt(receipt: dict[str, Any]) -> str:
    """Return the value of the header. Methods have fields of their own in it."""
    return write_value(receipt)


def read_receipt(text: str) -> dict[str, Any]:
    """Return what a receipt says. Raises InvalidMessage.

    >>> read_receipt("eyJzdGF0dXMiOiJzdWNjZXNzIn0")
    {'status': 'success'}
    """
    try:
        told = json.decode(read_bytes(text, "receipt"))
    except (DecodeError, RecursionError, UnicodeDecodeError):
        raise InvalidMessage("receipt", "it is not JSON") from None
    if not isinstance(told, dict):
        raise InvalidMessage("receipt", "it is not a JSON object")
    return told


def format_time(seconds: Time) -> str:
    """Return a Unix second as RFC 3339 writes it.

    >>> format_time(60)
    '1970-01-01T00:01:00Z'
    """
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
