"""Numbers, money, dates and names of a report as text for people."""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.enums import PlanKind
from nvm_chain.errors.formatting import clip, format_decimal, format_plan_id
from nvm_chain.index.report.markup import Markup, element
from nvm_chain.index.report.types import PlanSummary, Report, TokenLabel

MOST_NAME: Final = 60
"""Number of characters of a name that the page shows."""
LEAST_DIGITS: Final = 4
"""Number of hexadecimal digits at each end of a shortened id or address."""
LAST_SECOND: Final = 253_402_300_799
"""Last second of the year 9999."""
CENT_PLACES: Final = 2
"""Least number of decimals of an amount with decimals."""
PLAIN_PLACES: Final = 6
"""Number of decimals that are written as the rest of an amount is. Further decimals are written smaller."""
LONG: Final = 28
"""Number of characters of an amount that may be broken into lines."""
MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
KINDS: Final = {PlanKind.CREDITS: "credits", PlanKind.TIME: "periods", PlanKind.USAGE: "requests"}


def count_text(number: int) -> str:
    """Write a count with separators of thousands."""
    return f"{number:,}"


def format_day(second: int) -> str:
    """Write the day of a Unix second, such as 28 Nov 2026, in UTC.

    >>> format_day(1_795_867_200), format_day(2**64)
    ('28 Nov 2026', 'after 9999')
    """
    if second > LAST_SECOND:
        return "after 9999"
    moment = time.gmtime(second)
    return f"{moment.tm_mday} {MONTHS[moment.tm_mon - 1]} {moment.tm_year}"


def format_moment(second: int) -> str:
    """Write a Unix second as a day and a time in UTC.

    >>> format_moment(1_795_867_200)
    '28 Nov 2026, 12:00 UTC'
    """
    return (
        f"{format_day(second)}, {time.strftime('%H:%M', time.gmtime(second))} UTC"
        if second <= LAST_SECOND
        else format_day(second)
    )


def name_text(text: str) -> str:
    r"""Shorten a name from outside to one line. Characters that are not printable become spaces.

    >>> name_text("  Basic\u202e plan\n")
    'Basic plan'
    """
    return " ".join(clip(text, 10 * MOST_NAME).split())[:MOST_NAME]


class ShortNames:
    """Short forms of ids and addresses, such as 0x3C44…93BC. Different ones have different short forms."""

    def __init__(self) -> None:
        """Start without names."""
        self._full: dict[str, str] = {}

    def shorten(self, text: str) -> str:
        """Return the short form of a text of hexadecimal digits."""
        for digits in range(LEAST_DIGITS, len(text) // 2):
            short = f"{text[: digits + 2]}…{text[-digits:]}"
            if self._full.setdefault(short, text) == text:
                return short
        return text


@dataclass(frozen=True, slots=True)
class Wording:
    """Words for the tokens and plans of one report."""

    tokens: Mapping[ChecksumAddress, TokenLabel]
    shared: frozenset[str] = frozenset()
    """Names that several plans have."""
    names: ShortNames = field(default_factory=ShortNames)

    @classmethod
    def of(cls, report: Report) -> "Wording":
        """Return the words for a report."""
        counts = Counter(name_text(plan.name) for plan in report.plans)
        return cls(report.tokens, frozenset(name for name, count in counts.items() if count > 1 and name))

    def symbol(self, token: ChecksumAddress) -> str:
        """Return the symbol of a token. Another token that claims the same symbol gets its address as well."""
        label = self.tokens.get(token)
        if label is None:
            return f"units of {self.names.shorten(token)}"
        symbol = name_text(label.symbol)
        same = sum(name_text(other.symbol) == symbol for other in self.tokens.values())
        return (
            symbol
            if label.is_known or (same == 1 and symbol not in RESERVED)
            else f"{symbol} {self.names.shorten(token)}"
        )

    def number(self, token: ChecksumAddress, base_units: int) -> str:
        """Write an amount of a token, exactly and without its symbol.

        >>> Wording({"0x…": TokenLabel("ETH", 18)}).number("0x…", 1_234_500_000_000_000_000_000)
        '1,234.50'
        """
        label = self.tokens.get(token)
        decimals = 0 if label is None else label.decimals
        whole, _, fraction = format_decimal(base_units, decimals).partition(".")
        places = fraction.ljust(min(CENT_PLACES, decimals), "0")
        return f"{int(whole):,}" + (f".{places}" if places else "")

    def money(self, token: ChecksumAddress, base_units: int) -> Markup:
        """Write an amount of a token with its symbol. Decimals beyond the sixth are smaller."""
        number = self.number(token, base_units)
        point = number.find(".")
        split = len(number) if point < 0 else point + 1 + PLAIN_PLACES
        is_long = len(number) > LONG
        groups = number[:split].replace(",", ",\n").split("\n") if is_long else [number[:split]]
        parts = [part for group in groups for part in (group, element("wbr"))][:-1]
        parts += [element("small", number[split:])] if number[split:] else []
        kind = "money long" if is_long else "money"
        return element("span", *parts, " ", element("span", self.symbol(token), class_="unit"), class_=kind)

    def plan_id(self, plan_id: int) -> Markup:
        """Write the short form of a plan's id, with the whole id as its title."""
        return self.identifier(format_plan_id(plan_id))

    def identifier(self, text: str) -> Markup:
        """Write the short form of an id or address, with the whole as its title."""
        return element("code", self.names.shorten(text), title=text)

    def plan_text(self, plan: PlanSummary) -> str:
        """Return a plan's name. Without a name, or where another plan has the same, its id is in it."""
        name, short = name_text(plan.name), self.names.shorten(format_plan_id(plan.plan_id))
        return f"{name} ({short})" if name in self.shared else name or short

    def plan(self, plan: PlanSummary) -> Markup:
        """Write a plan as `plan_text` does."""
        return element("bdi", self.plan_text(plan)) if name_text(plan.name) else self.plan_id(plan.plan_id)


RESERVED: Final = frozenset({"ETH", "USDC"})
"""Symbols of the native coin and of USDC. Another token that claims one of them is written with its address."""


def named(name: str) -> Markup:
    """Write a name from outside, apart from the direction of the text around it."""
    return element("bdi", name_text(name))


def plural(number: int, noun: str) -> str:
    """Write a count with its noun.

    >>> plural(1, "plan"), plural(2_000, "plan")
    ('1 plan', '2,000 plans')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
