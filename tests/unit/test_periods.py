"""periods: moments as people write them, and the points between blocks that they are."""

from datetime import UTC, date, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any, cast

import pytest

from nvm_chain.chain.client import Chain
from nvm_chain.errors import InvalidAmount, InvalidConfig
from nvm_chain.statements.periods import LAST, Point, Span, parse_moment, resolve_period
from nvm_chain.statements.types import Period
from nvm_chain.types.events import Block

HEAD = Block(10, "0x10", 1000)


def resolve(start: Any = None, end: Any = None, start_block: int | None = None, end_block: int | None = None) -> Span:
    """Resolve a period on a chain whose block n has the second 100 n."""
    chain = SimpleNamespace(read_block=lambda number: Block(number, hex(number), 100 * number))
    return resolve_period(cast(Chain, chain), HEAD, start, end, start_block, end_block)


@pytest.mark.parametrize(
    "moment",
    [
        1_793_491_200,
        "1793491200",
        "2026-11-01",
        " 2026-11-01 ",
        "2026-11-01T00:00:00Z",
        "2026-11-01T02:00:00+02:00",
        date(2026, 11, 1),
        datetime(2026, 11, 1, tzinfo=UTC),
        datetime(2026, 11, 1, 1, tzinfo=timezone(timedelta(hours=1))),
    ],
)
def test_parse_moment__in_each_spelling__is_the_same_second(moment: Any) -> None:
    assert parse_moment(moment) == 1_793_491_200


@pytest.mark.parametrize(
    "moment",
    [
        "",
        "yesterday",
        "2026-13-01",
        "2026-11-01T12:00:00",
        "2026-11-01T12:00:00.5Z",
        "-5",
        1.5,
        True,
        None,
        datetime(2026, 11, 1),  # noqa: DTZ001
    ],
)
def test_parse_moment__of_what_is_no_second__is_refused(moment: Any) -> None:
    with pytest.raises(InvalidConfig):
        parse_moment(moment)


@pytest.mark.parametrize("moment", [-1, 1 << 64, "1950-01-01"])
def test_parse_moment__out_of_range__is_refused(moment: Any) -> None:
    with pytest.raises(InvalidAmount):
        parse_moment(moment)


def test_resolve_period__without_ends__is_all_up_to_the_latest_block() -> None:
    assert resolve() == Span(Period(0, 1001), Point(-1, LAST), Point(1000, 10))


def test_resolve_period__in_seconds__begins_with_the_first_and_ends_before_the_last() -> None:
    assert resolve(300, 500) == Span(Period(300, 500), Point(299, LAST), Point(499, LAST))


def test_resolve_period__in_blocks__begins_behind_the_block_before() -> None:
    assert resolve(start_block=3, end_block=5) == Span(Period(201, 401, 3, 5), Point(200, 2), Point(400, 4))
    assert resolve(start_block=0, end_block=11).end == Point(1000, 10)


@pytest.mark.parametrize("end", [1001, 5000])
def test_resolve_period__with_an_end_ahead__ends_at_the_latest_block(end: int) -> None:
    assert resolve(end=end).period == Period(0, 1001)


@pytest.mark.parametrize(
    "ends",
    [
        {"start": 300, "start_block": 3},
        {"end": 300, "end_block": 3},
        {"start": 500, "end": 500},
        {"start_block": 5, "end_block": 5},
        {"start": 1001},
        {"start_block": 12},
        {"end_block": 12},
        {"end": 0},
    ],
)
def test_resolve_period__that_cannot_be__is_refused(ends: dict[str, int]) -> None:
    with pytest.raises(InvalidConfig):
        resolve(**ends)
