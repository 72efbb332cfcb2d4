"""Usage: who used what, when, and what it cost. Each entry is a request that was served."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, NamedTuple

from eth_typing import ChecksumAddress

from nvm_chain.errors import InvalidMessage
from nvm_chain.errors.fields import Credits, PlanId, Time
from nvm_chain.types.amounts import check_uint

_PARTS = 3
_HOLD_BYTES = 32
NUMBER_BITS: Final = 63
"""How many bits a number in the books has at most."""
_MOST = 2**NUMBER_BITS - 1


@dataclass(frozen=True, slots=True)
class Usage:
    """A request that was served. ``cost`` is 0 on a time plan. ``session`` is the id of its session, or empty.

    ``total`` is all that was charged to the holder on the plan, up to this request. ``request_id`` is the id of the hold, which the
    upstream and the buyer were told too.
    """

    ended_at: Time
    service: str
    plan_id: PlanId
    holder: ChecksumAddress
    cost: Credits
    total: Credits
    request_id: bytes
    session: bytes
    opened_at: Time


@dataclass(frozen=True, slots=True)
class UsageFilter:
    """Which usage is wanted: from a second on, before another one, and of some services. None for all services."""

    start: Time = 0
    end: Time = _MOST
    services: Collection[str] | None = None

    def __post_init__(self) -> None:
        """Check that the books can have such seconds. Raises InvalidAmount."""
        check_uint(self.start, NUMBER_BITS, "start of the period")
        check_uint(self.end, NUMBER_BITS, "end of the period")


class UsageCursor(NamedTuple):
    """A place in the usage, behind one request. Its text can be given to others, and says nothing of anybody."""

    ended_at: Time
    total: Credits
    request_id: bytes

    def __str__(self) -> str:
        """Return the text of the cursor."""
        return f"{self.ended_at}-{self.total}-{self.request_id.hex()}"


BEGIN = UsageCursor(-1, -1, b"")
"""The place before all usage."""


def parse_cursor(text: str) -> UsageCursor:
    """Return a cursor from its text. Raises InvalidMessage for any other text.

    >>> parse_cursor("1800000000-7-00ff").request_id.hex()
    '00ff'
    """
    parts = text.split("-")
    digits = parts[:-1]
    try:
        numbers = [int(part) for part in digits if part.isascii() and part.isdecimal() and len(part) <= 19]
        request_id = bytes.fromhex(parts[-1])
    except ValueError:
        numbers, request_id = [], b""
    is_whole = len(parts) == _PARTS and len(numbers) == _PARTS - 1 and 1 <= len(request_id) <= _HOLD_BYTES
    if not is_whole or max(numbers) > _MOST:
        raise InvalidMessage("cursor", "it is not one that was given with a page of usage")
    return UsageCursor(numbers[0], numbers[1], request_id)


@dataclass(frozen=True, slots=True)
class UsagePage:
    """Some usage, in the order of time, and the place behind what was looked at. None at the end."""

    entries: tuple[Usage, ...]
    next: UsageCursor | None
