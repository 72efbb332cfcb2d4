"""Answers of nodes as JSON. Large ones are read several times as fast if msgspec is installed, with equal results."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, Final, TypeAlias

from nvm_chain.types.json_text import MOST_LEVELS, parse_json

Parse: TypeAlias = Callable[[bytes], Any]
"""A function that reads the body of an answer. Raises ValueError or RecursionError if it cannot be read."""
LARGE: Final = 1 << 15
"""The size in bytes from which an answer is read by msgspec."""
ROUNDS: Final = 4
_NO_MARKS: Final = bytes(set(range(256)) - set(b'"[]{}'))


def parse_answer(body: bytes) -> Any:
    """Read JSON, as `parse_json` does. Raises as `parse_json` does."""
    decode = _find_decoder() if len(body) >= LARGE and is_shallow(body) else None
    if decode is not None:
        try:
            return decode(body)
        except ValueError:  # msgspec refuses some text that json reads, such as NaN
            pass
    return parse_json(body)


@cache
def _find_decoder() -> Parse | None:
    # Imported here, because msgspec is optional, and small answers do not need it.
    try:
        from msgspec import json
    except ImportError:
        return None
    return json.decode


def is_shallow(body: bytes) -> bool:
    """Return whether lists and objects certainly nest less deep than 500 levels. Much faster than to read them.

    Each round removes the innermost pairs of brackets, and so two levels at most. If few brackets are left, there were
    few levels.
    """
    if b"\\" in body:
        return False
    marks = body.translate(None, _NO_MARKS).replace(b'""', b"")
    for _ in range(ROUNDS):
        marks = marks.replace(b"[]", b"").replace(b"{}", b"")
    return len(marks) <= MOST_LEVELS - 2 * ROUNDS


PARSE: Final[ContextVar[Parse]] = ContextVar("nvm_chain_parse", default=parse_answer)
"""The function that reads the answers of nodes."""


@contextmanager
def parsing_with(parse: Parse) -> Iterator[None]:
    """Read the answers of nodes with another function inside the ``with`` block, in this thread."""
    token = PARSE.set(parse)
    try:
        yield
    finally:
        PARSE.reset(token)
