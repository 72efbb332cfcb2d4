"""What a chain says about its past: blocks, events, and filters that ask for events."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nvm_chain.errors.fields import Number, Time


@dataclass(frozen=True, slots=True)
class Block:
    """A block. ``timestamp`` is a Unix second."""

    number: Number
    hash: str
    timestamp: Time


@dataclass(frozen=True, slots=True)
class Event:
    """An event that a contract emitted. ``timestamp`` is the Unix second of its block, None if the node did not say it."""

    name: str
    arguments: Mapping[str, Any]
    block_number: Number
    block_hash: str
    transaction_hash: str
    log_index: Number
    timestamp: Time | None = None

    @property
    def place(self) -> tuple[int, int]:
        """Block and position in it: no two events share it, and it grows with time."""
        return self.block_number, self.log_index


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events to read: those with one of some names, and one of some values at each indexed argument.

    An empty position, or one that is left out, takes all values. Values are addresses as text, and numbers.
    """

    names: tuple[str, ...]
    indexed: tuple[tuple[Number | str, ...], ...] = ()

    def topics(self, signatures: Mapping[str, str]) -> list[list[str] | None]:
        """Return the filter as nodes take it, with the first topic of each name in hexadecimal."""
        words = [[_word(value) for value in values] or None for values in self.indexed]
        return [[signatures[name] for name in self.names], *words]


def _word(value: int | str) -> str:
    number = value if isinstance(value, int) else int(value, 16)
    return f"{number:#066x}"
