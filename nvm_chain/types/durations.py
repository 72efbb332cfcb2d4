"""Durations as people write them: `30d`, `12 hours`."""

import re
from typing import Final

from nvm_chain.errors import InvalidAmount
from nvm_chain.errors.fields import Seconds
from nvm_chain.types.amounts import check_duration

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
LETTERS: Final = {"y": "year", "w": "week", "d": "day", "h": "hour", "s": "second"}
"""Units with an unambiguous letter. `m` is missing, because it could mean minutes or months."""
SHORT: Final = {"min": "minute", "mins": "minute", "mo": "month", "mos": "month", "mon": "month"}
DURATION_BITS: Final = 32
HOW: Final = 'write "30d", "12h", "90 minutes", "1 week", "1 month" (30 days) or "1 year" (365 days)'


def parse_duration(text: str, name: str) -> Seconds:
    """Read a duration such as ``30d`` or ``1 week``, in seconds.

    A unit is a whole word, or one of the letters y, w, d, h and s. The letter m could mean minutes or months, and is an error.

    >>> parse_duration("12h", "--expires"), parse_duration("1 week", "--expires")
    (43200, 604800)

    Raises:
        InvalidAmount: The text is not a duration, or has two meanings. The error says how to write a duration.
    """
    match = re.fullmatch(r"\s*([0-9]{1,10})\s*([A-Za-z]*)\s*", text)
    if match is None:
        raise InvalidAmount(f"{name} {text[:90]!r}", "is not a duration", HOW)
    number, word = match[1], match[2].lower()
    unit = LETTERS.get(word, word.removesuffix("s"))
    if unit not in UNITS:
        raise InvalidAmount(f"{name} {text[:90]!r}", *_explain_unit(int(number), word))
    return check_duration(int(number) * UNITS[unit], DURATION_BITS, name, minimum=1)


def _explain_unit(number: int, word: str) -> tuple[str, str]:
    """Return the problem of an invalid unit, and the text to write instead."""
    if not word:
        return "has no unit", HOW
    if word == "m":
        return "can be minutes or months", f'write "{_count(number, "minute")}" or "{_count(number, "month")}"'
    if word in SHORT:
        return "has a shortened unit", f'write "{_count(number, SHORT[word])}"'
    return "is not a duration", HOW


def _count(number: int, unit: str) -> str:
    """Format a duration without separators, so that it can be typed as input."""
    return f"{number} {unit}{'' if number == 1 else 's'}"
