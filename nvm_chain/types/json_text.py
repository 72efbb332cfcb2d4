"""JSON from untrusted sources. Text with very deep nesting could crash the process, so it is refused."""

import json
import re
from collections.abc import Callable
from typing import Any, Final

MOST_LEVELS: Final = 500
"""The largest number of levels of nested lists and objects.

Python 3.11 allows as many levels as its limit on recursion. The package py-ecc, which eth-account 0.14 and py-evm
import, raises that limit to 100,000. The process would crash before that limit is reached.
"""

_ESCAPE: Final = re.compile(r"\\.", re.DOTALL)
_STRING: Final = re.compile(r'"[^"]*+"?')
_MARKS: Final = '"[]{}'


def parse_json(text: str | bytes, take_pairs: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    """Read JSON, as `json.loads` does.

    Args:
        text: The JSON, as text or as bytes in UTF-8, UTF-16 or UTF-32.
        take_pairs: A function that turns the pairs of an object into a value. If not given, they become a dictionary.

    Raises:
        ValueError: The text is not JSON, or lists and objects nest deeper than 500 levels.

    >>> parse_json('{"name": ["Basic"]}')
    {'name': ['Basic']}
    >>> parse_json("[" * 100_000)
    Traceback (most recent call last):
    ...
    ValueError: lists and objects nest deeper than 500 levels
    """
    if isinstance(text, bytes):
        text = text.decode(json.detect_encoding(text), "surrogatepass")
    if _nests_too_deep(text):
        raise ValueError(f"lists and objects nest deeper than {MOST_LEVELS} levels")
    return json.loads(text, object_pairs_hook=take_pairs)


class _Marks(dict[int, int | None]):
    """A table for `str.translate` that keeps quotes and brackets, and removes all other characters."""

    def __missing__(self, character: int) -> int | None:
        self[character] = character if chr(character) in _MARKS else None
        return self[character]


def _nests_too_deep(text: str) -> bool:
    if text.count("[") + text.count("{") <= MOST_LEVELS:
        return False
    marks = (_ESCAPE.sub("", text) if "\\" in text else text).translate(_Marks())
    level = 0
    for bracket in _STRING.sub("", marks):
        level += 1 if bracket in "[{" else -1
        if level > MOST_LEVELS:
            return True
    return False
