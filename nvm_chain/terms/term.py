"""One term of a plan as people read it."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Term:
    """One term of a plan: a heading, and what the term means in whole sentences.

    ``name`` is a fixed word, such as ``price``, by which programs tell terms apart. All three are plain text without markup.
    """

    name: str
    title: str
    text: str


def join_parts(parts: Sequence[str]) -> str:
    """Join parts of a sentence. No part is shortened.

    >>> join_parts(["a"]), join_parts(["a", "b", "c"])
    ('a', 'a, b, and c')
    """
    *first, last = parts
    if len(first) < 2:
        return " and ".join(parts)
    return f"{', '.join(first)}, and {last}"
