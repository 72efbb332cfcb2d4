"""What a chain was asked once and never says otherwise: the terms of plans, what tokens say of themselves."""

from typing import Any, Final, TypeVar

Fact = TypeVar("Fact")
MOST_FACTS: Final = 10_000
"""Facts that are kept; the oldest are dropped."""


class Facts:
    """Facts of one chain, by what they are about. Threads share them: who goes through them goes through a copy."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], Any] = {}

    def find(self, *about: object) -> Any:
        """Return a fact, or None where it was not asked yet."""
        return self._known.get(about)

    def keep(self, fact: Fact, *about: object) -> Fact:
        """Keep a fact, and return it."""
        self._known[about] = fact
        if len(self._known) > MOST_FACTS:
            oldest = next(iter(list(self._known)))
            self._known.pop(oldest, None)
        return fact

    def forget(self, *about: object) -> None:
        """Drop what is known about something and all that belongs to it."""
        for key in [key for key in list(self._known) if key[: len(about)] == about]:
            self._known.pop(key, None)
