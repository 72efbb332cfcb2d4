"""Blocks, events, and filters for events."""

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
    """An event of a contract. ``timestamp`` is the Unix second of its block, or None if the node did not tell it."""

    name: str
    arguments: Mapping[str, Any]
    block_number: Number
    block_hash: str
    transaction_hash: str
    log_index: Number
    timestamp: Time | None = None

    @property
    def place(self) -> tuple[int, int]:
        """The number of the block, and the event's index in the block. Later events have a higher place."""
        return self.block_number, self.log_index


@dataclass(frozen=True, slots=True)
class EventFilter:
    """A filter for events. It accepts the given names and, for each indexed argument, the given values.

    ``indexed`` has a tuple of values for each indexed argument. An empty or missing tuple accepts all values. A value
    is a number, or an address as text.
    """

    names: tuple[str, ...]
    indexed: tuple[tuple[Number | str, ...], ...] = ()

    def topics(self, signatures: Mapping[str, str]) -> list[list[str] | None]:
        """Return the topics for ``eth_getLogs``. ``signatures`` maps the name of each event to its first topic in hex."""
        words = [[_word(value) for value in values] or None for values in self.indexed]
        return [[signatures[name] for name in self.names], *words]


def _word(value: int | str) -> str:
    number = value if isinstance(value, int) else int(value, 16)
    return f"{number:#066x}"
