"""How long a request may go on: as long as its answer does, while its hold is prolonged, and never without one (S1)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvm_chain.gateway.settings import ServiceSettings
from nvm_chain.gateway.time_limits import TimeLimit

WAIT, MOST, START = 100, 1_000, 5_000.0
LATE = 10
"""How long it may take until a hold is prolonged."""


def build(*, has_hold: bool = True, **changes: Any) -> TimeLimit:
    """Return the limit of a request that has just begun."""
    parts = {"request_seconds": WAIT, "max_answer_seconds": MOST, **changes}
    return TimeLimit(ServiceSettings("7", "http://127.0.0.1:1", **parts), START, has_hold=has_hold)


@pytest.mark.parametrize("has_hold", [True, False])
def test_end__of_a_request_without_an_answer__comes_after_its_time(has_hold: bool) -> None:
    assert build(has_hold=has_hold).end == START + WAIT


def test_end__of_an_answer_that_stands_still__comes_after_as_long() -> None:
    limit = build(has_hold=False)
    limit.note_piece(START + 250)
    assert limit.end == START + 250 + WAIT
    limit.note_piece(START + MOST - 1)
    assert limit.end == START + MOST


def test_end__without_a_prolonged_hold__is_that_of_the_hold() -> None:
    limit = build()
    limit.note_piece(START + 90)
    assert limit.end == START + WAIT
    limit.note_prolonged(START + 90, 30)
    assert limit.end == START + 120
    limit.note_prolonged(START + 95, 5)
    assert limit.end == START + 120  # a hold never becomes shorter
    limit.note_prolonged(START + 95, WAIT)
    assert limit.end == START + 190


@pytest.mark.parametrize("seconds", [1, WAIT - 1])
def test_end__of_longest_answers_below_the_time_of_a_request__is_that_time(seconds: int) -> None:
    assert build(max_answer_seconds=seconds).end == START + WAIT


@pytest.mark.parametrize(
    ("last_piece", "now", "wanted"),
    [
        (0, 49, False),  # the hold lasts for long enough
        (0, 60, False),  # nothing came since the request began
        (1, 49, False),
        (1, 50, True),
        (95, 95, True),
    ],
)
def test_wants_more__when_half_of_the_time_is_left_and_something_came(last_piece: int, now: int, wanted: bool) -> None:
    limit = build()
    limit.note_piece(START + last_piece)
    assert limit.wants_more(START + now) is wanted


def test_wants_more__after_it_was_asked_for__waits_a_little() -> None:
    limit = build()
    limit.note_piece(START + 40)
    limit.note_asked(START + 60)
    assert not limit.wants_more(START + 61)
    assert limit.wants_more(START + 73)


def test_wants_more__of_an_open_request__never() -> None:
    limit = build(has_hold=False)
    limit.note_piece(START + 99)
    assert not limit.wants_more(START + 99)


def test_wants_more__beyond_the_longest_answer__not() -> None:
    limit = build(max_answer_seconds=WAIT)
    limit.note_piece(START + 90)
    assert not limit.wants_more(START + 90)


@given(st.lists(st.floats(0.01, WAIT - LATE - 0.01), min_size=1, max_size=40), st.floats(0, LATE), st.booleans())
def test_limit__of_an_answer_that_goes_on__is_not_reached_before_the_longest_time(
    gaps: list[float], delay: float, is_held: bool
) -> None:
    """The hold is asked for at looks and at pieces, and given late. Between pieces is so much less than the time of a request."""
    limit, now, piece = build(has_hold=is_held), START, START
    given_at: tuple[float, float] | None = None
    look = now
    for gap in gaps:
        piece += gap
        while now < piece and now < START + MOST:
            now = min(look, piece, *([given_at[0]] if given_at else []))
            if given_at is not None and now >= given_at[0]:
                limit.note_prolonged(given_at[1], WAIT)
                given_at = None
            if now >= piece:
                limit.note_piece(now)
            if now >= look:
                assert now < limit.end or now >= START + MOST
                look = limit.find_next_look(now)
            if given_at is None and limit.wants_more(now):
                limit.note_asked(now)
                given_at = now + delay, now
    assert now <= limit.end or now >= START + MOST
