"""Suggestions for an unknown name."""

from collections.abc import Iterable
from difflib import get_close_matches


def suggest(typed: str, known: Iterable[str]) -> str:
    """Return a question with the nearest known name, after a blank. An empty text if no name is near.

    >>> suggest("ordr", ["order", "orders", "redeem"]), suggest("nonsense", ["order"])
    (" Did you mean 'order'?", '')
    """
    names = {name.lower(): name for name in known}
    found = get_close_matches(typed.lower(), names, n=1, cutoff=0.7)
    return f" Did you mean {names[found[0]]!r}?" if found else ""
