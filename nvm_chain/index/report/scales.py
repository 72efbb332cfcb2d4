"""Scales of a chart: round steps of an axis in whole numbers, their short labels, and days gathered into bars."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from nvm_chain.errors.formatting import format_decimal
from nvm_chain.index.report.wording import format_day

DAY: Final = 86_400
MOST_BARS: Final = 62
MOST_STEPS: Final = 4
NAMES: Final = ((12, "T"), (9, "B"), (6, "M"))
"""Powers of ten with a short name. Thousands are written out."""
RAISED: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class Bars(NamedTuple):
    """Bars of a chart: the first second of each, how many days one has, and what that is called."""

    starts: tuple[int, ...]
    days: int
    word: str


def find_bars(first_second: int, end_second: int) -> Bars:
    """Divide a period into bars of a day, of a week, or of as many weeks as it takes for at most 62 bars."""
    first, last = first_second // DAY, (end_second - 1) // DAY
    count = last - first + 1
    weeks = -(-count // (7 * MOST_BARS))
    days, word = (1, "day") if count <= MOST_BARS else (7 * weeks, "week" if weeks == 1 else f"{weeks} weeks")
    return Bars(tuple(day * DAY for day in range(first, last + 1, days)), days, word)


def gather(bars: Bars, amounts: Sequence[tuple[int, int]]) -> list[int]:
    """Sum amounts, each with its second, by bar."""
    sums = [0] * len(bars.starts)
    for second, amount in amounts:
        sums[(second - bars.starts[0]) // (DAY * bars.days)] += amount
    return sums


def find_steps(most: int) -> list[int]:
    """Return the marks of an axis from 0 to at least ``most``: a round step, at most four times.

    >>> find_steps(7), find_steps(120_000), find_steps(0)
    ([0, 2, 4, 6, 8], [0, 50000, 100000, 150000], [0, 1])
    """
    power = 10 ** max(0, len(str(most)) - 2)
    while True:
        for step in (power, 2 * power, 5 * power):
            if step * MOST_STEPS >= most:
                return (
                    list(range(0, max(most, 1) + step, step)) if most % step else list(range(0, max(most, 1) + 1, step))
                )
        power *= 10


def format_mark(base_units: int, decimals: int) -> str:
    """Write a mark of an axis shortly.

    >>> format_mark(1_500_000, 0), format_mark(20_000_000, 6), format_mark(2, 18), format_mark(10**33, 18)
    ('1.5M', '20', '2×10⁻¹⁸', '10¹⁵')
    """
    exponent = len(str(base_units)) - 1 - decimals
    if base_units and not -5 < exponent < 15:
        factor = str(base_units).rstrip("0")
        mantissa = f"{factor[0]}.{factor[1:]}".rstrip(".")
        return (f"{mantissa}×" if mantissa != "1" else "") + f"10{str(exponent).translate(RAISED)}"
    for power, name in NAMES:
        if exponent >= power:
            return f"{format_decimal(base_units, decimals + power)}{name}"
    whole, _, fraction = format_decimal(base_units, decimals).partition(".")
    return f"{int(whole):,}" + (f".{fraction}" if fraction else "")


def label_bars(bars: Bars, most: int) -> list[tuple[int, str]]:
    """Return the positions of at most so many bars, evenly spaced, and their days: ``28 Nov``, or with the year."""
    every = -(-len(bars.starts) // most)
    is_long = bars.starts[-1] - bars.starts[0] > 300 * DAY
    marked = [(position, format_day(bars.starts[position])) for position in range(0, len(bars.starts), every)]
    return [(position, _without_day(day) if is_long else day.rpartition(" ")[0]) for position, day in marked]


def _without_day(day: str) -> str:
    return day.partition(" ")[2]
