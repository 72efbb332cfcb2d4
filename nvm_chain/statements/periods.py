"""Conversion of a period to two points between the events of a chain."""

import re
from datetime import UTC, date, datetime, time
from typing import Final, NamedTuple, Protocol

from nvm_chain.errors import InvalidConfig
from nvm_chain.statements.types import Period
from nvm_chain.types.amounts import check_uint
from nvm_chain.types.events import Block

Moment = int | str | date
"""Unix second, date, or time with a zone, as ISO 8601 text or Python object. A date means its first second in UTC."""

LAST: Final = 1 << 256
"""Second that is later than every block."""


class Point(NamedTuple):
    """Point in a chain's history: after all blocks up to a block, and after all expiries up to a second."""

    second: int
    block: int


class Span(NamedTuple):
    """Period with its two points in the chain's history."""

    period: Period
    start: Point
    end: Point


class BlockReader(Protocol):
    """Something that knows the times of blocks: a chain, or a source of a statement."""

    def read_block(self, number: int) -> Block:
        """Return a block by its number."""


def parse_moment(moment: Moment, name: str = "time") -> int:
    """Return the Unix second of a moment. Raises InvalidConfig, which shows valid forms.

    >>> parse_moment("2026-11-01"), parse_moment("2026-11-01T12:00:00+01:00"), parse_moment("1793491200")
    (1793491200, 1793530800, 1793491200)
    """
    if isinstance(moment, str):
        moment = _parse_text(moment.strip(), name)
    if isinstance(moment, bool) or not isinstance(moment, int | date):
        raise InvalidConfig(f"{name} is a Unix second or a date, not {type(moment).__name__}")
    if isinstance(moment, int):
        return check_uint(moment, 64, name)
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time(), UTC)
    if moment.tzinfo is None or moment.microsecond:
        raise InvalidConfig(f"{name} {moment.isoformat()} needs a zone and whole seconds, such as 2026-11-01T12:00:00Z")
    return check_uint(_count_seconds(moment), 64, name)


def _count_seconds(moment: datetime) -> int:
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return since.days * 86_400 + since.seconds


def _parse_text(text: str, name: str) -> int | date:
    if re.fullmatch(r"[0-9]{1,20}", text):
        return int(text)
    try:
        return date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else datetime.fromisoformat(text)
    except ValueError:
        problem = "is not a date: write 2026-11-01, 2026-11-01T12:00:00Z, or a Unix second"
        raise InvalidConfig(f"{name} {text[:40]!r} {problem}") from None


def resolve_period(
    blocks: BlockReader,
    head: Block,
    start: Moment | None,
    end: Moment | None,
    start_block: int | None,
    end_block: int | None,
) -> Span:
    """Return both ends of a period as points. At most two requests, or none for seconds. Raises InvalidConfig."""
    if (start is not None and start_block is not None) or (end is not None and end_block is not None):
        raise InvalidConfig("one end of the period has both a time and a block", "give one of the two")
    first = _find_point(blocks, head, start, start_block, "start") or Point(-1, LAST)
    last = _find_point(blocks, head, end, end_block, "end") or Point(head.timestamp, head.number)
    last = min(last, Point(head.timestamp, LAST))
    if first > Point(head.timestamp, head.number):
        raise InvalidConfig(f"the period begins after the latest block, {head.number}, of second {head.timestamp}")
    if first >= last:
        raise InvalidConfig(
            "the end of the period is not after its start",
            "give a later end; the end is the first second or block after the period",
        )
    return Span(Period(first.second + 1, last.second + 1, start_block, end_block), first, last)


def _find_point(blocks: BlockReader, head: Block, moment: Moment | None, block: int | None, name: str) -> Point | None:
    """Return the point directly before a moment or a block."""
    if moment is not None:
        return Point(parse_moment(moment, name) - 1, LAST)
    if block is None:
        return None
    check_uint(block, 64, f"{name}_block")
    if block > head.number + 1:
        raise InvalidConfig(
            f"{name}_block {block} has not been mined", f"give at most {head.number + 1}, the one after the latest"
        )
    if block == 0:
        return Point(-1, -1)
    before = head if block == head.number + 1 else blocks.read_block(block - 1)
    return Point(before.timestamp, before.number)
