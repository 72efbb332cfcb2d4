"""Periods of the page of sellers: whole days in UTC, up to the block of the index."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Final, NamedTuple

from nvm_chain.errors.fields import Time
from nvm_chain.errors.formatting import list_choices
from nvm_chain.gateway.refusals import tell_refusal
from nvm_chain.gateway.serving import Refused

DAY: Final = 86_400
CHOICES: Final = (7, 30, 90)
"""How many days a period has, if its dates are not given."""
USUAL: Final = 30
MOST_DAYS: Final = 366
_DATE: Final = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Period(NamedTuple):
    """A period from ``start`` to ``end``, exclusive, in Unix seconds. ``days`` is None if the dates were given."""

    start: Time
    end: Time
    days: int | None = None

    @property
    def first_day(self) -> str:
        """The first day."""
        return format_day(self.start)

    @property
    def last_day(self) -> str:
        """The last day."""
        return format_day(self.end - 1)


def read_period(query: Mapping[str, str], now: Time) -> Period:
    """Return the period that a page asks for: ``days``, or the dates ``from`` and ``to``, of which both belong to it.

    Raises Refused if the query has no such period, or if the period is too long or begins later.

    Args:
        query: The values of the query.
        now: The time of the index's block. The period ends there at the latest.
    """
    if "from" in query or "to" in query:
        start, end = _read_date("first", query.get("from", "")), _read_date("last", query.get("to", "")) + DAY
        if end <= start:
            raise refuse_period("The last day of the period is before its first one.")
        if end - start > MOST_DAYS * DAY:
            raise refuse_period(f"The period has more than {MOST_DAYS} days. Choose a shorter one.")
        if start > now:
            raise refuse_period(
                f"The period begins after {format_day(now)}. The gateway has read the chain up to that day."
            )
        return Period(start, min(end, now + 1))
    text = query.get("days", str(USUAL))
    if text not in map(str, CHOICES):
        raise refuse_period(f"A period has {list_choices(CHOICES)} days, or a first and a last day.")
    return Period(max(0, (now // DAY - int(text) + 1) * DAY), now + 1, int(text))


def _read_date(name: str, text: str) -> Time:
    try:
        day = date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None or day.year < 1970:
        raise refuse_period(f"The {name} day of the period is not a date such as 2026-11-30.")
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def refuse_period(message: str) -> Refused:
    """Return the refusal of a period."""
    return Refused(tell_refusal(400, "InvalidPeriod", message))


def format_day(second: Time) -> str:
    """Write the day of a Unix second in UTC.

    >>> format_day(1_795_867_200)
    '2026-11-28'
    """
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%d")
