"""Targets: the raw path and the raw query of a request, byte for byte as they are forwarded.

Servers disagree about some spellings of a path. A request that one server reads as ``/free`` and another as ``/paid`` could
be signed for one and served by the other. So such paths are refused on every request, whether they are signed or not.
"""

import re
from functools import lru_cache
from typing import Final

from nvm_chain.errors import InvalidTarget

MAX_TARGET: Final = 8_192
"""The largest number of characters in a target. Most servers accept as many in the first line of a request."""

_VISIBLE: Final = re.compile(r"[!-~]*")
_AMBIGUOUS: Final = (
    ("//", "has an empty segment in its path"),
    ("\\", "has a backslash in its path"),
    ("%2f", "has an encoded slash in its path"),
    ("%5c", "has an encoded backslash in its path"),
)


def build_target(path: bytes, query: bytes = b"") -> str:
    r"""Return the target of a request, as a binding has it.

    A query is whatever follows the first ``?``. An empty query counts as no query, because servers do not tell the two
    apart. In a query, slashes and backslashes are allowed, with percent signs or without.

    Args:
        path: The raw path of the request after the prefix of the service, with its percent signs. It begins with a slash.
        query: The raw query, without the question mark.

    Raises:
        InvalidTarget: The path has dot segments, ``//``, a backslash, ``%2f`` or ``%5c``. Or the target has ``%00``, a
            fragment, a character outside of visible ASCII, or more than 8,192 characters.

    >>> build_target(b"/ask", b"topic=tea%2Fgreen")
    '/ask?topic=tea%2Fgreen'
    """
    return check_target((path + b"?" + query if query else path).decode("latin-1"))


def check_target(target: str) -> str:
    """Return a target as it is. Raises InvalidTarget, as `build_target` does."""
    problem = _find_problem(target)
    if problem is not None:
        raise InvalidTarget(target, problem)
    return target


@lru_cache(maxsize=1_024)
def _find_problem(target: str) -> str | None:
    if len(target) > MAX_TARGET:
        return f"has more than {MAX_TARGET:,} characters"
    if not _VISIBLE.fullmatch(target) or "#" in target:
        return "has a character that is not visible ASCII, or a #"
    if "%00" in target:
        return "has an encoded NUL"
    return _find_ambiguity(target.partition("?")[0].lower())


def _find_ambiguity(path: str) -> str | None:
    if not path.startswith("/"):
        return "does not begin with a slash"
    for mark, problem in _AMBIGUOUS:
        if mark in path:
            return problem
    return "has a dot segment in its path" if any(map(_is_dots, path.split("/"))) else None


def _is_dots(segment: str) -> bool:
    """Return whether a server may read a segment as ``.`` or ``..``. Some servers drop what follows a semicolon."""
    return segment.partition(";")[0].replace("%2e", ".") in (".", "..")
