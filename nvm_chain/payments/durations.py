"""Durations of the first documented generation: whole hours, days, weeks, months or years."""

import re
from collections.abc import Mapping
from typing import Final

from nvm_chain.errors import InvalidAmount, InvalidConfig
from nvm_chain.errors.formatting import count, list_choices
from nvm_chain.types.credits import (
    FOREVER,
    ONE_DAY_DURATION,
    ONE_HOUR_DURATION,
    ONE_MONTH_DURATION,
    ONE_WEEK_DURATION,
    ONE_YEAR_DURATION,
)

UNITS: Final[Mapping[str, int]] = {
    "hours": ONE_HOUR_DURATION,
    "days": ONE_DAY_DURATION,
    "weeks": ONE_WEEK_DURATION,
    "months": ONE_MONTH_DURATION,
    "years": ONE_YEAR_DURATION,
}
"""Seconds of each unit that the documents list."""
_WITH_UNIT: Final = re.compile(r"([0-9]+) *([A-Za-z]+)")
_NOT_WHOLE: Final = "for a part of a day give hours, such as `duration=1, duration_unit='hours'`"


def read_duration(duration: int | str | None, unit: str = "days") -> int:
    """Return a duration in seconds. None and 0 are for ever, which is 136 years, the maximum of the contract.

    Args:
        duration: A whole number of units, as an int or as decimal digits.
        unit: A unit in `UNITS`, in singular or plural, in any letter case.

    Raises:
        InvalidConfig: The unit is unknown.
        InvalidAmount: The number is not whole, or is too large.

    >>> read_duration(1, "hours"), read_duration("365"), read_duration(0) == FOREVER
    (3600, 31536000, True)
    """
    name = _read_unit(unit)
    number = _read_number(duration, name)
    if number == 0:
        return FOREVER
    most = FOREVER // UNITS[name]
    if not 0 < number <= most:
        shown = str(number) if abs(number) <= FOREVER else "of more than 32 bits"
        raise InvalidAmount(
            f"duration {shown} {name}", f"must be from 1 to {count(most, name[:-1])}", "give 0 for ever"
        )
    return number * UNITS[name]


def _read_unit(unit: object) -> str:
    name = unit.lower().removesuffix("s") + "s" if isinstance(unit, str) else ""
    if name not in UNITS:
        raise InvalidConfig(f"duration_unit is {unit!r}", f"give {list_choices(UNITS)}")
    return name


def _read_number(duration: object, unit: str) -> int:
    if duration is None:
        return 0
    if isinstance(duration, int) and not isinstance(duration, bool):
        return duration
    if isinstance(duration, str) and duration.isascii() and duration.isdigit() and len(duration) <= 78:
        return int(duration)
    raise InvalidAmount(f"duration {duration!r}", f"is not a whole number of {unit}", _advise(duration))


def _advise(duration: object) -> str:
    """Return the next step for an invalid duration."""
    found = _WITH_UNIT.fullmatch(duration.strip()) if isinstance(duration, str) else None
    if found and found[2].lower().removesuffix("s") + "s" in UNITS:
        return f"give `duration={int(found[1][:9])}, duration_unit='{found[2].lower().removesuffix('s')}s'`"
    return _NOT_WHOLE
