"""Section of a report about revenue: a chart of each token by day, and tables by token, receiver and day."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.index.report.charts import Chart, Series, draw_chart
from nvm_chain.index.report.markup import Markup, element, join
from nvm_chain.index.report.scales import Bars, find_bars, gather
from nvm_chain.index.report.tables import Column, build_table, fold
from nvm_chain.index.report.types import DailySales, PlanSummary, Report
from nvm_chain.index.report.wording import Wording, count_text, format_day, plural
from nvm_chain.types.addresses import ZERO_ADDRESS

MOST_TOKENS: Final = 4
"""Number of tokens with a chart. All others are in the tables."""
MOST_SERIES: Final = 5
"""Number of series in a chart: the plans with the most revenue, and the others together."""


def build_revenue(report: Report, words: Wording) -> Iterator[Markup]:
    """Yield the section about revenue."""
    yield element("h2", "Revenue")
    paid = report.paid_by_token
    if not paid:
        yield element("p", "Nobody paid for these plans in this period.", class_="empty")
        return
    yield element("p", "What buyers paid, with the protocol fee.", class_="note")
    bars = find_bars(report.first_second, report.end_second)
    for number, token in enumerate([*paid][:MOST_TOKENS]):
        yield draw_chart(_build_chart(report, words, token, bars, f"revenue{number}"))
    yield element("h3", "By token")
    yield build_table(TOKEN_COLUMNS, [_token_row(report, words, token, paid[token]) for token in paid], "tokens")
    yield element("h3", "Paid to")
    yield build_table(RECEIVER_COLUMNS, _receiver_rows(report, words), "receivers")
    yield _build_days(report, words)


def _build_chart(report: Report, words: Wording, token: ChecksumAddress, bars: Bars, key: str) -> Chart:
    plans = {plan.plan_id: plan for plan in report.plans if plan.token == token and plan.paid}
    days = [sale for sale in report.sales if sale.plan_id in plans]
    ranked = sorted(plans.values(), key=lambda plan: -plan.paid)
    label = report.tokens.get(token)
    title = f"Revenue by {bars.word}, {words.symbol(token)}"
    series = _build_series(bars, days, ranked, words)
    return Chart(key, title, _summarize(bars, days, token, words), bars, series, label.decimals if label else 0)


def _build_series(
    bars: Bars, days: Sequence[DailySales], ranked: Sequence[PlanSummary], words: Wording
) -> list[Series]:
    """Return a series for each of the first plans, and one for all others."""
    own = len(ranked) if len(ranked) <= MOST_SERIES else MOST_SERIES - 1
    numbers = {plan.plan_id: number for number, plan in enumerate(ranked[:own])}
    parts: list[list[tuple[int, int]]] = [[] for _ in range(min(len(ranked), MOST_SERIES))]
    for sale in days:
        parts[numbers.get(sale.plan_id, len(parts) - 1)].append((sale.day, sale.paid))
    names = [words.plan_text(plan) for plan in ranked[:own]]
    others = len(ranked) - own
    return [
        Series(name, gather(bars, part))
        for name, part in zip([*names, *([plural(others, "other plan")] if others else [])], parts, strict=True)
    ]


def _summarize(bars: Bars, days: Sequence[DailySales], token: ChecksumAddress, words: Wording) -> str:
    """Describe a chart of revenue in a sentence, for people who do not see it."""
    sums = gather(bars, [(sale.day, sale.paid) for sale in days])
    best = max(range(len(sums)), key=lambda number: sums[number])
    symbol, span = words.symbol(token), bars.word if bars.word[0].isdigit() else f"a {bars.word}"
    highest = f"The highest bar is {words.number(token, sums[best])} {symbol}, from {format_day(bars.starts[best])}"
    return f"{plural(len(sums), 'bar')}, each of {span}: {words.number(token, sum(sums))} {symbol} in all. {highest}."


# ---------------------------------------------------------------- tables

TOKEN_COLUMNS: Final = (
    Column("Token", is_number=False),
    Column("Sales"),
    Column("Paid"),
    Column("Protocol fee"),
    Column("To receivers"),
)
RECEIVER_COLUMNS: Final = (Column("Receiver", is_number=False), Column("Sales"), Column("Received"))
DAY_COLUMNS: Final = (Column("Day", is_number=False), Column("Sales"), Column("Paid"))


def _token_row(report: Report, words: Wording, token: ChecksumAddress, paid: int) -> Sequence[str]:
    parts = [part for part in report.revenue if part.token == token]
    fees = sum(part.fees for part in parts)
    place = "native coin" if token == ZERO_ADDRESS else element("code", token)
    name = join(words.symbol(token), element("span", place, class_="below"))
    amounts = (paid, fees, paid - fees)
    return name, count_text(report.sales_by_token[token]), *(words.money(token, amount) for amount in amounts)


def _receiver_rows(report: Report, words: Wording) -> list[Sequence[str]]:
    """Return a row for each receiver and token. A receiver of the protocol fee is among them."""
    sums: dict[tuple[ChecksumAddress, ChecksumAddress], list[int]] = defaultdict(lambda: [0, 0])
    for part in report.revenue:
        total = sums[part.receiver, part.token]
        total[0] += part.sales
        total[1] += part.total
    tokens = [*report.sales_by_token]
    ranked = sorted(sums.items(), key=lambda item: (tokens.index(item[0][1]), -item[1][1], item[0][0]))
    return [
        (_name_receiver(report, receiver), count_text(sales), words.money(token, total))
        for (receiver, token), (sales, total) in ranked
    ]


def _name_receiver(report: Report, receiver: ChecksumAddress) -> Markup:
    address = element("code", receiver)
    return join(address, element("span", "owner of the plans", class_="below")) if receiver == report.owner else address


def _build_days(report: Report, words: Wording) -> Markup:
    """Build the table of every day that has sales, folded."""
    tokens = {plan.plan_id: plan.token for plan in report.plans}
    sums: dict[tuple[int, ChecksumAddress], list[int]] = defaultdict(lambda: [0, 0])
    for sale in report.sales:
        total = sums[sale.day, tokens[sale.plan_id]]
        total[0] += sale.sales
        total[1] += sale.paid
    rows = [
        (element("span", format_day(day), class_="day"), count_text(sales), words.money(token, paid))
        for (day, token), (sales, paid) in sorted(sums.items())
    ]
    return fold("Revenue by day in numbers", DAY_COLUMNS, rows)
