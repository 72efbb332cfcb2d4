"""Durations and moments as people read and write them: `30d`, `12 hours`, `2026-11-22 02:50:54 UTC`."""

import re
from datetime import UTC, datetime
from typing import Any, Final

import click

from nvm_chain.cli.output import count
from nvm_chain.cli.parameters import name_of
from nvm_chain.errors import InvalidAmount
from nvm_chain.units import check_uint

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
UNITS: Final = {
    "year": 365 * DAY,
    "month": 30 * DAY,
    "week": 7 * DAY,
    "day": DAY,
    "hour": HOUR,
    "minute": MINUTE,
    "second": 1,
}
LETTERS: Final = {"y": "year", "w": "week", "d": "day", "h": "hour", "m": "minute", "s": "second"}
DURATION_BITS: Final = 32
HOW: Final = 'write "30d", "12h", "90 minutes", "1 week", "1 month" (30 days) or "1 year" (365 days)'


def parse_duration(text: str, name: str) -> int:
    """Read a duration such as ``30d`` or ``1 week``, in seconds. Raises InvalidAmount, which says how to write it.

    >>> parse_duration("12h", "--expires"), parse_duration("1 week", "--expires")
    (43200, 604800)
    """
    match = re.fullmatch(r"\s*([0-9]{1,10})\s*([A-Za-z]*)\s*", text)
    if match is None:
        raise InvalidAmount(f"{name} {text[:90]!r}", f"is not a duration; {HOW}")
    number, word = match[1], match[2].lower()
    if not word:
        raise InvalidAmount(f"{name} {text[:90]!r}", f"has no unit; {HOW}")
    seconds = UNITS.get(LETTERS.get(word, word.removesuffix("s")))
    if seconds is None:
        raise InvalidAmount(f"{name} {text[:90]!r}", f"is not a duration; {HOW}")
    return check_uint(int(number) * seconds, DURATION_BITS, f"{name} in seconds", minimum=1)


def format_duration(seconds: int) -> str:
    """Write seconds as a whole number of the largest unit up to days that divides them.

    >>> format_duration(30 * 86_400), format_duration(5400), format_duration(1)
    ('30 days', '90 minutes', '1 second')
    """
    unit = next(unit for unit in ("day", "hour", "minute", "second") if seconds % UNITS[unit] == 0)
    return count(seconds // UNITS[unit], unit)


def format_time(timestamp: int) -> str:
    """Write a Unix timestamp as a date and time, or as it is where no calendar goes.

    >>> format_time(1_800_000_000)
    '2027-01-15 08:00:00 UTC'
    """
    try:
        return f"{datetime.fromtimestamp(timestamp, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, ValueError, OSError):
        return f"Unix second {timestamp}"


class Duration(click.ParamType):
    """A duration with its unit."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the seconds. Raises InvalidAmount."""
        return parse_duration(value, name_of(param)) if isinstance(value, str) else value
