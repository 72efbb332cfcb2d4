"""How MPP writes values into headers: canonical JSON in base64url without padding, and parameters in quotes."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, Final

from nvm_chain.errors import InvalidMessage
from nvm_chain.metadata.canonical_json import format_canonical_json

MAX_TEXT: Final = 16_384
"""The largest number of characters that are read."""
_IN_TEXT: Final = re.compile(r"[A-Za-z0-9_-]+")
_IN_QUOTES: Final = re.compile(r"[\x20-\x7e]*")


def write_value(value: Mapping[str, Any]) -> str:
    """Write an object: canonical JSON, in base64url without padding.

    >>> write_value({"amount": "10"})
    'eyJhbW91bnQiOiIxMCJ9'
    """
    return write_bytes(format_canonical_json(value).encode())


def write_bytes(data: bytes) -> str:
    """Write bytes in base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def read_bytes(text: str, noun: str) -> bytes:
    """Return the bytes of a text in base64url, whose padding may be there.

    Args:
        text: The text.
        noun: What errors call it.

    Raises:
        InvalidMessage: The text is too long, or not base64url.
    """
    if len(text) > MAX_TEXT:
        raise InvalidMessage(noun, f"it has more than {MAX_TEXT:,} characters")
    bare = text.rstrip("=")
    try:
        if not _IN_TEXT.fullmatch(bare):
            raise ValueError
        return base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    except (binascii.Error, ValueError):
        raise InvalidMessage(noun, "it is not base64url") from None


def is_quotable(text: str) -> bool:
    """Return whether a text can stand in quotes as every client reads it: printable ASCII."""
    return _IN_QUOTES.fullmatch(text) is not None


def write_parameters(scheme: str, parameters: Mapping[str, str]) -> str:
    """Write a header of HTTP authentication.

    >>> write_parameters("Payment", {"id": "a", "realm": "b"})
    'Payment id="a", realm="b"'
    """
    quoted = (f'{name}="{_escape(value)}"' for name, value in parameters.items())
    return f"{scheme} {', '.join(quoted)}"


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
