"""Texts of others, such as names in metadata: on one line, escaped, isolated in their direction of writing, and never unseen."""

from html import escape
from typing import Final
from unicodedata import category

from nvm_chain.errors.formatting import clean

MAX_NAME: Final = 120
MAX_TEXT: Final = 2_000
UNNAMED: Final = "without a name"
_BLANKS: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and signs that look like nothing."""


def write_foreign(text: str, most: int = MAX_NAME) -> str:
    """Return a text of others as HTML that only shows it, or words if there is nothing to see. Its direction of writing does not reach beyond it.

    >>> write_foreign("<b>tea</b>")
    '<bdi>&lt;b&gt;tea&lt;/b&gt;</bdi>'
    """
    line = shorten(text, most)
    return f"<bdi>{escape(line if is_seen(line) else UNNAMED)}</bdi>"


def is_seen(text: str) -> bool:
    """Tell whether anything of a text can be seen. Some letters are blanks.

    >>> is_seen("tea"), is_seen("\u3164 "), is_seen("")
    (True, False, False)
    """
    return any(category(character)[0] in "LNPS" and character not in _BLANKS for character in text)


def shorten(text: str, most: int = MAX_NAME) -> str:
    """Return a text of others on one line, without control characters, and with a sign where it was cut."""
    line = " ".join(clean(text[: 4 * most]).split())
    return line if len(line) <= most else f"{line[:most].rstrip()}…"
