"""Durations as people type them: always with a unit, never zero, and read back as they were meant."""

import pytest

from nvm_chain.errors import InvalidAmount
from nvm_chain.types.durations import HOW, UNITS, parse_duration

DAY = 86_400


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30d", 30 * DAY),
        ("12h", DAY // 2),
        ("3600s", 3600),
        ("1 week", 7 * DAY),
        ("2 WEEKS", 14 * DAY),
        ("1w", 7 * DAY),
        (" 90 minutes ", 5400),
        ("5 minutes", 300),
        ("1 month", 30 * DAY),
        ("1 year", 365 * DAY),
        ("1y", 365 * DAY),
        (f"{2**32 - 1}s", 2**32 - 1),
    ],
)
def test_parse_duration__of_each_spelling__is_in_seconds(text: str, seconds: int) -> None:
    assert parse_duration(text, "--period") == seconds


@pytest.mark.parametrize("text", ["", "d", "1.5h", "-1d", "1 fortnight", "1d 2h", "1e3s", "1ss", "٣d", "9" * 99 + "d"])
def test_parse_duration__of_anything_else__says_how_to_write_it(text: str) -> None:
    with pytest.raises(InvalidAmount) as caught:
        parse_duration(text, "--period")
    assert (caught.value.reason, caught.value.advice) == ("is not a duration", HOW)


@pytest.mark.parametrize(
    ("text", "reason", "advice"),
    [
        ("1m", "can be minutes or months", 'write "1 minute" or "1 month"'),
        ("1M", "can be minutes or months", 'write "1 minute" or "1 month"'),
        ("12 m", "can be minutes or months", 'write "12 minutes" or "12 months"'),
        ("1ms", "is not a duration", HOW),
        ("1min", "has a shortened unit", 'write "1 minute"'),
        ("5 mins", "has a shortened unit", 'write "5 minutes"'),
        ("1mo", "has a shortened unit", 'write "1 month"'),
        ("2 MOS", "has a shortened unit", 'write "2 months"'),
        ("1mon", "has a shortened unit", 'write "1 month"'),
        ("P1M", "is not a duration", HOW),
        ("PT1M", "is not a duration", HOW),
        ("1q", "is not a duration", HOW),
    ],
)
def test_parse_duration__of_a_unit_that_can_be_two__is_refused_and_says_what_to_write(
    text: str, reason: str, advice: str
) -> None:
    with pytest.raises(InvalidAmount) as caught:
        parse_duration(text, "--period")
    assert (caught.value.value, caught.value.reason, caught.value.advice) == (f"--period {text!r}", reason, advice)


@pytest.mark.parametrize(
    ("letter", "word"), [("y", "year"), ("w", "week"), ("d", "day"), ("h", "hour"), ("s", "second")]
)
def test_parse_duration__of_a_letter__is_the_only_unit_that_begins_with_it(letter: str, word: str) -> None:
    assert parse_duration(f"2{letter}", "--period") == parse_duration(f"2{letter.upper()}", "--period")
    assert parse_duration(f"2{letter}", "--period") == parse_duration(f"2 {word}s", "--period")
    assert [unit for unit in UNITS if unit.startswith(letter)] == [word]


def test_parse_duration__without_a_unit__is_refused() -> None:
    with pytest.raises(InvalidAmount) as caught:
        parse_duration("30", "--period")
    assert (caught.value.value, caught.value.reason, caught.value.advice) == ("--period '30'", "has no unit", HOW)


@pytest.mark.parametrize("text", ["0d", f"{2**32}s", "137 years"])
def test_parse_duration__out_of_range__is_refused(text: str) -> None:
    with pytest.raises(InvalidAmount, match=r"--period .* must be from 1 to 4294967295 seconds, which are 136 years"):
        parse_duration(text, "--period")
