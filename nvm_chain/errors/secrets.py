"""Hides secrets in the texts of errors, because errors are written into logs and shown to others."""

import re
from typing import Final

HIDDEN: Final = "…"

_TOKENS: Final = re.compile(
    r"(?:\bnvm:)?\beyJ[\w-]{8,}(?:\.[\w-]*)*"  # a token in three parts, and an API key of the hosted service
    r"|(?<=://)[^/\s@'\"]+(?=@)"  # user and password of a URL
    r"|(?<=[?&])(?:\w+[_-])?(?:api)?(?:key|token|secret|password|signature)=[^&#\s'\"]+",
    re.ASCII | re.IGNORECASE,
)
_KEYS: Final = re.compile("(?:0x)?[0-9a-f]{64,}", re.ASCII | re.IGNORECASE)


def hide_tokens(text: str) -> str:
    """Replace three kinds of secrets in a text by "…".

    The kinds are the user and password of a URL, secret parameters of its query, and tokens that begin with ``eyJ``:
    JSON web tokens, and API keys of the hosted service.

    >>> hide_tokens("https://me:password@host/?api_key=abc&page=2")
    'https://…@host/?…&page=2'
    """
    return _TOKENS.sub(HIDDEN, text)


def hide_keys(text: str) -> str:
    """Replace what `hide_tokens` replaces, and 64 or more hexadecimal digits, which may be a private key.

    >>> hide_keys("0x" + "ab" * 32 + " x")
    '… x'
    """
    return _KEYS.sub(_hide_key, hide_tokens(text))


def _hide_key(found: re.Match[str]) -> str:
    """Return the text that replaces a key. Decimal digits are a number, not a key, and stay as they are."""
    return found[0] if found[0].isdecimal() else HIDDEN
