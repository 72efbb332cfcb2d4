"""Figures at the top of a report."""

from collections.abc import Iterator

from nvm_chain.enums import PlanKind
from nvm_chain.errors.formatting import format_duration
from nvm_chain.index.report.markup import Markup, element
from nvm_chain.index.report.revenue import MOST_TOKENS
from nvm_chain.index.report.types import Report
from nvm_chain.index.report.wording import Wording, count_text


def build_tiles(report: Report, words: Wording) -> Markup:
    """Build the figures at the top: revenue of each token, sales, credits, holders, and what ends soon."""
    return element("dl", *_yield_tiles(report, words), class_="tiles")


def _yield_tiles(report: Report, words: Wording) -> Iterator[Markup]:
    for token, paid in [*report.paid_by_token.items()][:MOST_TOKENS]:
        yield _tile("Revenue", words.money(token, paid))
    first, renewals = (sum(getattr(plan, name) for plan in report.plans) for name in ("first_purchases", "renewals"))
    yield _tile(
        "Sales", count_text(sum(plan.sales for plan in report.plans)), f"{first:,} first, {renewals:,} renewals"
    )
    for kind, noun in ((PlanKind.CREDITS, "Credits"), (PlanKind.TIME, "Periods")):
        plans = [plan for plan in report.plans if plan.kind is kind]
        if plans:
            yield _tile(
                f"{noun} sold",
                count_text(sum(plan.sold for plan in plans)),
                _granted(sum(plan.granted for plan in plans)),
            )
        if kind is PlanKind.CREDITS and plans:
            yield _tile(f"{noun} used", count_text(sum(plan.used for plan in plans)))
    yield _tile("Holders now", count_text(report.holder_count))
    yield _tile("Ending soon", count_text(report.ending_count), f"within {format_duration(report.soon_seconds)}")


def _granted(amount: int) -> str:
    return f"and {amount:,} granted" if amount else ""


def _tile(name: str, value: str, below: str = "") -> Markup:
    more = [element("dd", below)] if below else []
    return element("div", element("dt", name), element("dd", value), *more)
