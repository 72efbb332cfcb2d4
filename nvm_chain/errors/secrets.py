"""What may be a secret in text that somebody gave: an error is written into logs and shown to others."""

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
    """Replace passwords of URLs, tokens and API keys in a text by "…".

    >>> hide_tokens("https://me:password@host/?api_key=abc&page=2")
    'https://…@host/?…&page=2'
    """
    return _TOKENS.sub(HIDDEN, text)


def hide_keys(text: str) -> str:
    """Replace what `hide_tokens` does, and 64 hexadecimal digits or more, which may be a private key.

    >>> hide_keys("0x" + "ab" * 32 + " x")
    '… x'
    """
    return _KEYS.sub(_hide_key, hide_tokens(text))


def _hide_key(found: re.Match[str]) -> str:
    """Return the mark that replaces a key in a text. Decimal digits alone are a number, and stay as they are."""
    return found[0] if found[0].isdecimal() else HIDDEN
