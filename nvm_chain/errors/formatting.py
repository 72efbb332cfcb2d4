"""Writes numbers, money, times, ids and texts from others for messages. Imports no other module of the package."""

import time
from collections.abc import Iterable
from typing import Any, Final
from unicodedata import category

MOST_SHOWN: Final = 90
"""The largest number of characters of a quoted text."""
MOST_TEXT: Final = 300
"""The largest number of characters of a text from a node, a token or a server."""
MOST_MARKS: Final = 3
"""The largest number of marks on one letter. No language needs more."""
_MARKS: Final = frozenset(("Mn", "Me"))
EXACT_LIMIT: Final = 2**53
"""Many JSON parsers round ints above this number."""
_LAST_SECOND: Final = 253_402_300_799
"""The last second of the year 9999. A later time is written as a number."""
_UNITS: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def clean(value: object) -> str:
    r"""Write text from outside the package on one line, without control characters and without towers of marks.

    Many marks on one letter would be painted over the lines above and below.

    >>> clean("no\nluck"), clean("e" + 9 * "\u0301") == "e" + MOST_MARKS * "\u0301"
    ('no luck', True)
    """
    text = "".join(character if character.isprintable() else " " for character in str(value))
    return text if text.isascii() else _limit_marks(text)


def _limit_marks(text: str) -> str:
    kept, marks = [], 0
    for character in text:
        marks = marks + 1 if category(character) in _MARKS else 0
        if marks <= MOST_MARKS:
            kept.append(character)
    return "".join(kept)


def clip(value: object, most: int = MOST_TEXT) -> str:
    r"""Shorten a text from outside the package to one line without control characters.

    >>> clip("no\nluck", 4)
    'no l'
    """
    return clean(str(value)[:most])


def quote(value: object) -> str:
    """Quote the beginning of a value. An int is written in hexadecimal, because Python refuses very long decimals.

    >>> quote("0x1"), quote(255)
    ("'0x1'", "'0xff'")
    """
    return repr((hex(value) if isinstance(value, int) else str(value))[:MOST_SHOWN])


def count(number: int, noun: str) -> str:
    """Write how many there are of something.

    >>> count(1, "credit"), count(1_000, "credit")
    ('1 credit', '1,000 credits')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def format_plan_id(plan_id: int) -> str:
    """Write the id of a plan as 0x and 64 hexadecimal digits, as all messages do.

    >>> format_plan_id(255) == "0x" + "0" * 62 + "ff"
    True
    """
    return f"{plan_id:#066x}"


def format_decimal(base_units: int, decimals: int) -> str:
    """Write base units in whole units, exactly and without zeros at the end. Negative numbers keep their sign.

    >>> format_decimal(20_500_000, 6), format_decimal(1, 6), format_decimal(5, 0)
    ('20.5', '0.000001', '5')
    """
    sign, digits = "-" * (base_units < 0), str(abs(base_units)).rjust(decimals + 1, "0")
    whole, fraction = digits[: len(digits) - decimals], digits[len(digits) - decimals :].rstrip("0")
    return f"{sign}{whole}.{fraction}" if fraction else sign + whole


def format_money(base_units: int, symbol: str, decimals: int) -> str:
    """Write an amount of money for people.

    >>> format_money(20_000_000, "USDC", 6)
    '20 USDC'
    """
    return f"{format_decimal(base_units, decimals)} {symbol}"


def format_utc(second: int) -> str:
    """Write a Unix second as a date and time, or as a number if it is before 1970 or after 9999.

    >>> format_utc(1_795_867_200), format_utc(2**64)
    ('2026-11-28 12:00:00 UTC', 'second 18446744073709551616')
    """
    if not 0 <= second <= _LAST_SECOND:
        return f"second {second}"
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(second))} UTC"


def format_time(second: int) -> str:
    """Write a Unix second as `format_utc` does, and add the number.

    >>> format_time(1_795_867_200)
    '2026-11-28 12:00:00 UTC (1795867200)'
    """
    return f"{format_utc(second)} ({second})" if 0 <= second <= _LAST_SECOND else format_utc(second)


def format_duration(seconds: int) -> str:
    """Write a duration in words.

    >>> format_duration(86_400), format_duration(5_400), format_duration(-86_400)
    ('1 day', '1 hour 30 minutes', '-1 day')
    """
    parts, rest = [], abs(seconds)
    for noun, size in _UNITS:
        number, rest = divmod(rest, size)
        if number:
            parts.append(count(number, noun))
    return ("-" if seconds < 0 else "") + (" ".join(parts) or "0 seconds")


def format_bps(basis_points: int) -> str:
    """Write basis points, and add the percentage.

    >>> format_bps(250)
    '250 basis points (2.5 %)'
    """
    return f"{count(basis_points, 'basis point')} ({format_decimal(basis_points, 2)} %)"


def list_choices(choices: Iterable[object], last: str = "or") -> str:
    """Write choices as one text.

    >>> list_choices(["a", "b", "c"]), list_choices(["a", "b"], "and"), list_choices([])
    ('a, b or c', 'a and b', 'none')
    """
    *first, final = [clip(choice, MOST_SHOWN) for choice in choices] or ["none"]
    return f"{', '.join(first)} {last} {final}" if first else final


def format_range(least: int, most: int, noun: str) -> str:
    """Write a range, which may be a single number.

    >>> format_range(1, 1, "credit"), format_range(1, 5, "credit")
    ('exactly 1 credit', '1 to 5 credits')
    """
    return f"exactly {count(most, noun)}" if least == most else f"{least:,} to {count(most, noun)}"


def keep_exact(value: Any) -> Any:
    """Return a JSON value unchanged, but a large int as text, because some parsers round large numbers.

    >>> keep_exact(2**53 - 1), keep_exact(2**53)
    (9007199254740991, '9007199254740992')
    """
    return str(value) if isinstance(value, int) and abs(value) >= EXACT_LIMIT else value


def begin_sentence(text: str) -> str:
    """Capitalize the first word, unless it is a name in code, and drop the full stop, which the template adds.

    >>> begin_sentence("the plan is free."), begin_sentence("max_cost is missing")
    ('The plan is free', 'max_cost is missing')
    """
    text = text.strip().rstrip(".").rstrip()
    first = text.partition(" ")[0].rstrip(",;:")
    return text[:1].upper() + text[1:] if first.replace("'s", "").replace("-", "").isalpha() else text
