"""How the websockets of a service are sold: what is counted, and how large and how quiet a connection may be."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from nvm_chain.errors.fields import Quantity, Seconds
from nvm_chain.types.amounts import check_uint

MAX_BYTES: Final = 2**20
"""The largest message, either way, if a service says nothing else."""
IDLE_SECONDS: Final = 600


class Unit(Enum):
    """What is counted. The values are those of the configuration file."""

    MESSAGE = "message"
    """Each message of the buyer. Those of the service are not counted."""
    MINUTE = "minute"
    """Each minute that has begun."""


@dataclass(frozen=True, slots=True)
class SocketTerms:
    """How websockets are sold. Each unit costs what a request to the endpoint costs.

    ``max_bytes`` is the largest message, either way. A connection without a message for ``idle_seconds`` is closed.
    """

    per: Unit
    max_bytes: Quantity = MAX_BYTES
    idle_seconds: Seconds = IDLE_SECONDS

    def __post_init__(self) -> None:
        """Check the numbers. Raises InvalidAmount."""
        check_uint(self.max_bytes, 31, "bytes of a message", minimum=1)
        check_uint(self.idle_seconds, 32, "seconds without a message", minimum=1)
