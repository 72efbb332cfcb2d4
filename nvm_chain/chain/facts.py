"""A memory of facts that never change on the chain, such as the terms of plans, and of what a node accepts."""

from typing import Any, Final, TypeVar

Fact = TypeVar("Fact")
MOST_FACTS: Final = 10_000
"""The largest number of facts in memory. Beyond it, the oldest fact is dropped."""


class Facts:
    """The facts about one chain or one node, each under a key of any number of parts.

    Threads share the facts, so the code iterates over a copy of the keys.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], Any] = {}

    def find(self, *about: object) -> Any:
        """Return the fact under a key, or None if there is none."""
        return self._known.get(about)

    def keep(self, fact: Fact, *about: object) -> Fact:
        """Keep a fact under a key, and return the fact."""
        self._known[about] = fact
        if len(self._known) > MOST_FACTS:
            oldest = next(iter(list(self._known)))
            self._known.pop(oldest, None)
        return fact

    def forget(self, *about: object) -> None:
        """Drop all facts whose keys begin with the given parts. Without parts, drop all facts."""
        for key in [key for key in list(self._known) if key[: len(about)] == about]:
            self._known.pop(key, None)
