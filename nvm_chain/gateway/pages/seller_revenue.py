"""Revenue on the page of sellers: by day as a chart and a table, and by receiver. Amounts of two tokens are never added up."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.errors.fields import PlanId
from nvm_chain.errors.formatting import count
from nvm_chain.gateway.checkout.cards import PlanCard
from nvm_chain.gateway.pages.seller_tables import Column, Fact, write_hint, write_section, write_table
from nvm_chain.gateway.sellers.figures import Figures
from nvm_chain.gateway.sellers.periods import DAY, Period, format_day
from nvm_chain.index.results import RevenueLine
from nvm_chain.terms.money import write_money, write_token
from nvm_chain.types.token_labels import TokenLabel

HEIGHT: Final = 100
"""The height of the chart in its own units. A bar of the best day is as high."""
WIDTH: Final = 10
"""The width of a day in the chart, with the space between two bars."""
Labels = Mapping[ChecksumAddress, TokenLabel | None]


def find_labels(cards: Mapping[PlanId, PlanCard]) -> dict[ChecksumAddress, TokenLabel | None]:
    """Return how the tokens of plans are called. If one card of a token came too late, another one may name it."""
    labels: dict[ChecksumAddress, TokenLabel | None] = {}
    for card in cards.values():
        labels[card.plan.terms.token] = labels.get(card.plan.terms.token) or card.label
    return labels


def list_revenue_facts(figures: Figures, labels: Labels) -> list[Fact]:
    """Return the revenue of the period in each token."""
    facts = []
    for token, lines in _group(figures.revenue).items():
        fees = sum(line.fees for line in lines)
        note = f"after a protocol fee of {write_money(fees, token, labels.get(token))}" if fees else ""
        own = sum(line.shares + line.forgone for line in lines)
        facts.append(Fact("Revenue", escape(write_money(own, token, labels.get(token))), escape(note)))
    return facts or [Fact("Revenue", "None", "Nobody paid in this period.")]


def write_revenue(figures: Figures, labels: Labels) -> str:
    """Return the section about revenue."""
    groups = _group(figures.revenue)
    if not groups:
        return write_section("revenue", "Revenue", write_hint("Nobody paid for these plans in this period."))
    parts = [
        _write_token(number, token, lines, figures.period, labels)
        for number, (token, lines) in enumerate(groups.items())
    ]
    return write_section("revenue", "Revenue", *parts)


def _group(lines: Iterable[RevenueLine]) -> dict[ChecksumAddress, list[RevenueLine]]:
    groups: dict[ChecksumAddress, list[RevenueLine]] = defaultdict(list)
    for line in lines:
        groups[line.token].append(line)
    return dict(sorted(groups.items()))


def _write_token(
    number: int, token: ChecksumAddress, lines: Sequence[RevenueLine], period: Period, labels: Labels
) -> str:
    label = labels.get(token)
    days: dict[int, int] = defaultdict(int)
    for line in lines:
        days[line.day] += line.shares + line.forgone
    rows = [(format_day(day), escape(write_money(amount, token, label))) for day, amount in sorted(days.items())]
    name = write_token(token, label)
    return (
        f"<h3>In {escape(name)}</h3>"
        + _draw(f"chart{number}", days, period, lambda amount: write_money(amount, token, label))
        + "<details><summary>Each day with revenue</summary>"
        + write_table(f"Revenue in {name} by day, in UTC", (Column("Day"), Column("Revenue", is_number=True)), rows)
        + "</details>"
        + _write_receivers(token, lines, label)
    )


def _write_receivers(token: ChecksumAddress, lines: Sequence[RevenueLine], label: TokenLabel | None) -> str:
    sums: dict[tuple[str, bool], list[int]] = defaultdict(lambda: [0, 0])
    for line in lines:
        for amount, is_fee in ((line.shares + line.forgone, False), (line.fees, True)):
            if amount:
                sums[line.receiver, is_fee][0] += amount
                sums[line.receiver, is_fee][1] += line.sales
    rows = [
        (
            f"<code>{escape(receiver)}</code>",
            "protocol fee" if is_fee else "share of the price",
            f"{sales:,}",
            escape(write_money(amount, token, label)),
        )
        for (receiver, is_fee), (amount, sales) in sorted(sums.items(), key=lambda pair: (pair[0][1], -pair[1][0]))
    ]
    columns = (Column("Paid to"), Column("What for"), Column("Sales", is_number=True), Column("Amount", is_number=True))
    return write_table(f"Who was paid, in {write_token(token, label)}", columns, rows)


def _draw(name: str, days: Mapping[int, int], period: Period, write: Callable[[int], str]) -> str:
    """Return a chart of a bar for each day. Its numbers are in its text, and in the table after it."""
    first, last = period.start // DAY, (period.end - 1) // DAY
    best = max(days, key=lambda day: (days[day], -day))
    if last == first or not days[best]:
        return ""
    bars = [
        f'<rect x="{(day // DAY - first) * WIDTH + 1}" y="{HEIGHT - height}" width="{WIDTH - 2}" height="{height}"/>'
        for day, amount in sorted(days.items())
        if amount
        for height in [max(1, amount * HEIGHT // days[best])]
    ]
    text = (
        f"From {period.first_day} to {period.last_day}. The best day was {format_day(best)} with {write(days[best])}."
    )
    return (
        f'<figure><svg viewBox="0 0 {(last - first + 1) * WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-labelledby="{name}"><g class="bars">{"".join(bars)}</g></svg>'
        f'<figcaption id="{name}">Revenue by day. {escape(text)} {count(len(bars), "day")} with revenue.</figcaption></figure>'
    )
