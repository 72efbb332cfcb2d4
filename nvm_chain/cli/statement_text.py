"""Text form of a statement: tables of at most 80 columns. Each address is written in full once."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from textwrap import wrap
from typing import TYPE_CHECKING, Final, TypeAlias

from nvm_chain.cli.lazy import formatting, statements

if TYPE_CHECKING:
    from nvm_chain.statements.types import Movement, PlanBalance, Statement
    from nvm_chain.types.revenue import Revenue

WIDTH: Final = 80
INDENT: Final = "  "
LEAST_DIGITS: Final = 4
"""Smallest number of hexadecimal digits at each end of a shortened address."""


class ShortNames:
    """Short names of addresses, such as 0x3C44…93BC. Different addresses have different short names."""

    def __init__(self) -> None:
        """Start without addresses."""
        self.full: dict[str, str] = {}

    def shorten(self, address: str) -> str:
        """Return the unique short name of an address."""
        for digits in range(LEAST_DIGITS, len(address) // 2):
            name = f"{address[: digits + 2]}…{address[-digits:]}"
            if self.full.setdefault(name, address) == address:
                return name
        return address


FormatMoney: TypeAlias = Callable[[str, int], str]
"""Formats an amount of a token, given in base units."""


def write_statement(money: FormatMoney, statement: "Statement", *, is_compared: bool) -> Iterator[str]:
    """Yield a statement line by line. ``is_compared`` says whether it was compared with the chain."""
    money = _clean_money(money)
    names = ShortNames()
    period, with_holder = statement.period, statement.scope.name != "HOLDER"
    yield f"from    {formatting.format_utc(period.first_second) if period.first_second else 'the beginning'}"
    yield f"before  {formatting.format_utc(period.end_second)}"
    for plan in statement.plans:
        movements = [item for item in statement.movements if item.plan_id == plan.plan_id]
        yield ""
        yield f"plan id {formatting.format_plan_id(plan.plan_id)}"
        yield from _PlanTable(money, plan, movements, names, with_holder=with_holder).lines()
    yield from _write_revenue(money, statement.revenue, names)
    if names.full:
        yield ""
        yield "addresses"
        width = max(map(len, names.full))
        yield from (f"{INDENT}{name.ljust(width)}  {address}" for name, address in names.full.items())
    yield ""
    words = "agrees with the chain" if is_compared else "from the index, and not compared with the chain,"
    yield f"{words} at block {statement.head.number:,}"
    yield f"{INDENT}{statement.head.hash}"


class _PlanTable:
    """Table of one plan: the movements between the opening and the closing balance."""

    def __init__(
        self,
        money: FormatMoney,
        plan: "PlanBalance",
        movements: "Sequence[Movement]",
        names: ShortNames,
        *,
        with_holder: bool,
    ) -> None:
        self._money, self._plan, self._movements, self._names = money, plan, movements, names
        self._with_holder = with_holder

    def lines(self) -> Iterator[str]:
        """Yield the heading, the opening balance, the lines of each movement, and the closing balance."""
        unit = "periods" if self._plan.kind.name == "TIME" else "credits"
        rows = [("time (UTC)", "what", unit, "balance", "holder" if self._with_holder else "")]
        rows.append(("", "opening", "", f"{self._plan.opening:,}", ""))
        rows += [self._row(movement) for movement in self._movements]
        rows.append(("", "closing", "", f"{self._plan.closing:,}", ""))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        below = ["", "", *(self._describe(movement) for movement in self._movements), ""]
        for row, more in zip(rows, below, strict=True):
            yield _join(row, widths)
            margin = " " * (len(INDENT) + widths[0] + 2)
            yield from wrap(more, WIDTH, initial_indent=margin, subsequent_indent=margin, break_long_words=False)

    def _row(self, movement: "Movement") -> tuple[str, str, str, str, str]:
        time, holder = formatting.format_utc(movement.timestamp).removesuffix(" UTC"), ""
        if self._with_holder:
            holder = self._names.shorten(movement.holder)
        what = movement.kind.value.replace("_", " ")
        return time, what, f"{movement.amount:+,}" if movement.amount else "", f"{movement.balance:,}", holder

    def _describe(self, movement: "Movement") -> str:
        """Return the second line of a movement: its cost and other details."""
        parts = []
        if movement.token is not None:
            parts.append(f"for {self._money(movement.token, movement.cost)}")
        if movement.party is not None and movement.party != movement.holder:
            parts.append(f"by {self._names.shorten(movement.party)}")
        if text := statements.format_context(movement.context):
            parts.append(f"({formatting.clean(text)})")
        if movement.access_until is not None:
            parts.append(f"access until {formatting.format_utc(movement.access_until)}")
        return ", ".join(parts)


def _join(row: Sequence[str], widths: Sequence[int]) -> str:
    time, what, amount, balance, holder = row
    cells = (time.ljust(widths[0]), what.ljust(widths[1]), amount.rjust(widths[2]), balance.rjust(widths[3]), holder)
    return (INDENT + "  ".join(cells)).rstrip()


def _write_revenue(money: FormatMoney, revenue: "Sequence[Revenue]", names: ShortNames) -> Iterator[str]:
    totals: dict[tuple[str, str], int] = {}
    for item in revenue:
        key = item.receiver, item.token
        totals[key] = totals.get(key, 0) + item.total
    if totals:
        yield ""
        yield "paid to"
    for (receiver, token), total in totals.items():
        yield f"{INDENT}{names.shorten(receiver)}  {money(token, total)}"


def _clean_money(money: FormatMoney) -> FormatMoney:
    """Return a function that formats each amount once. The name of a token may hold any characters."""
    return cache(lambda token, base_units: formatting.clean(money(token, base_units)))
