"""Sections of a report below its figures: plans, credits, renewals, customers, endings and agents."""

from collections.abc import Iterator, Sequence
from typing import Final

from nvm_chain.enums import PlanKind
from nvm_chain.index.report.charts import Chart, Series, draw_chart
from nvm_chain.index.report.markup import Markup, element, join
from nvm_chain.index.report.revenue import build_revenue
from nvm_chain.index.report.scales import Bars, find_bars, gather
from nvm_chain.index.report.tables import Column, build_table
from nvm_chain.index.report.types import AgentSummary, CustomerSummary, PlanSummary, Report
from nvm_chain.index.report.wording import KINDS, Wording, count_text, format_moment, named
from nvm_chain.index.results import Expiring

PLAN_COLUMNS: Final = (
    Column("Plan", is_number=False),
    Column("Sales"),
    Column("Revenue"),
    Column("Sold"),
    Column("Granted"),
    Column("Used"),
    Column("Holders"),
)
RENEWAL_COLUMNS: Final = (
    Column("Plan", is_number=False),
    Column("First purchases"),
    Column("Renewals"),
    Column("Ended, not renewed"),
)
CUSTOMER_COLUMNS: Final = (
    Column("Account", is_number=False),
    Column("Sales"),
    Column("Paid"),
    Column("Used"),
    Column("Plans held"),
)
ENDING_COLUMNS: Final = (
    Column("Ends", is_number=False),
    Column("Plan", is_number=False),
    Column("Holder", is_number=False),
    Column("Amount"),
)
AGENT_COLUMNS: Final = (Column("Agent", is_number=False), Column("Sales"), Column("Used"), Column("Plans"))


def build_sections(report: Report, words: Wording) -> Iterator[Markup]:
    """Yield the sections of a report."""
    bars = find_bars(report.first_second, report.end_second)
    for parts in (
        build_revenue(report, words),
        _build_plans(report, words),
        _build_credits(report, bars),
        _build_renewals(report, words, bars),
        _build_customers(report, words),
        _build_endings(report, words),
        _build_agents(report),
    ):
        yield element("section", *parts)


def _build_plans(report: Report, words: Wording) -> Iterator[Markup]:
    yield element("h2", "Plans")
    if not report.plans:
        yield element("p", "There are no plans.", class_="empty")
        return
    ranked = sorted(report.plans, key=lambda plan: (-plan.sales, -plan.used, -plan.holders, plan.name, plan.plan_id))
    yield build_table(PLAN_COLUMNS, [_plan_row(plan, words) for plan in ranked], "plans")


def _plan_row(plan: PlanSummary, words: Wording) -> Sequence[str]:
    below = [words.plan_id(plan.plan_id), " · ", KINDS[plan.kind]] if plan.name else [KINDS[plan.kind]]
    below += [] if plan.is_active else [" · closed"]
    name = named(plan.name) if plan.name else words.plan_id(plan.plan_id)
    title = join(name, element("span", *below, class_="below"))
    numbers = (plan.sold, plan.granted, plan.used, plan.holders)
    return title, count_text(plan.sales), words.money(plan.token, plan.paid), *map(count_text, numbers)


def _build_credits(report: Report, bars: Bars) -> Iterator[Markup]:
    for kind, noun in ((PlanKind.CREDITS, "Credits"), (PlanKind.TIME, "Periods")):
        plans = {plan.plan_id for plan in report.plans if plan.kind is kind}
        days = [day for day in report.use if day.plan_id in plans]
        if not days:
            continue
        series = [
            Series(name, gather(bars, [(day.day, getattr(day, name.lower())) for day in days]))
            for name in ("Sold", "Granted", "Used")
            if any(getattr(day, name.lower()) for day in days)
        ]
        totals = ", ".join(f"{sum(each.values):,} {each.name.lower()}" for each in series)
        yield element("h2", f"{noun} sold and used")
        title = f"{noun} by {bars.word}"
        yield draw_chart(Chart(noun.lower(), title, f"{totals}.", bars, series, is_stacked=False))


def _build_renewals(report: Report, words: Wording, bars: Bars) -> Iterator[Markup]:
    plans = [plan for plan in report.plans if plan.first_purchases or plan.renewals or plan.ended]
    yield element("h2", "Renewals")
    if not plans:
        yield element("p", "Nobody bought credits or time in this period, and none ended.", class_="empty")
        return
    yield element("p", "A purchase renews if its receiver had bought the same plan before.", class_="note")
    series = [
        Series(name, gather(bars, [(day.day, getattr(day, column)) for day in report.sales]))
        for name, column in (("First purchases", "first_purchases"), ("Renewals", "renewals"))
    ]
    if any(any(each.values) for each in series):
        totals = ", ".join(f"{sum(each.values):,} {each.name.lower()}" for each in series)
        yield draw_chart(Chart("renewals", f"Purchases by {bars.word}", f"{totals}.", bars, series))
    ranked = sorted(plans, key=lambda plan: (-plan.renewals, -plan.first_purchases, -plan.ended, plan.plan_id))
    rows = [(words.plan(plan), *map(count_text, (plan.first_purchases, plan.renewals, plan.ended))) for plan in ranked]
    yield build_table(RENEWAL_COLUMNS, rows, "plans")


def _build_customers(report: Report, words: Wording) -> Iterator[Markup]:
    yield element("h2", "Customers")
    if not report.customers:
        yield element("p", "Nobody bought or used anything in this period.", class_="empty")
        return
    yield _say_how_many(len(report.customers), report.customer_count, "accounts that bought or used something")
    yield build_table(CUSTOMER_COLUMNS, [_customer_row(each, words) for each in report.customers])


def _customer_row(customer: CustomerSummary, words: Wording) -> Sequence[str]:
    amounts = [element("div", words.money(token, amount)) for token, amount in customer.paid.items()]
    paid = element("div", *amounts) if amounts else "0"
    used, held = count_text(customer.used), count_text(customer.plans_held)
    return element("code", customer.account), count_text(customer.sales), paid, used, held


def _build_endings(report: Report, words: Wording) -> Iterator[Markup]:
    yield element("h2", "Ending soon")
    if not report.endings:
        yield element("p", "No credits and no access end soon.", class_="empty")
        return
    yield _say_how_many(len(report.endings), report.ending_count, "ends of credits or access, the next first")
    plans = {plan.plan_id: plan for plan in report.plans}
    yield build_table(ENDING_COLUMNS, [_ending_row(each, plans[each.plan_id], words) for each in report.endings])


def _ending_row(ending: Expiring, plan: PlanSummary, words: Wording) -> Sequence[str]:
    amount = f"{ending.credits:,} {KINDS[plan.kind]}"
    moment = element("span", format_moment(ending.expires_at), class_="day")
    return moment, words.plan(plan), words.identifier(ending.holder), amount


def _build_agents(report: Report) -> Iterator[Markup]:
    yield element("h2", "Agents")
    if not report.agents:
        yield element("p", "No agent accepts these plans.", class_="empty")
        return
    note = "Sales and use of the plans that an agent accepts. A plan that several agents accept counts for each."
    yield element("p", note, class_="note")
    yield build_table(AGENT_COLUMNS, [_agent_row(agent) for agent in report.agents], "agents")


def _agent_row(agent: AgentSummary) -> Sequence[str]:
    number = f"Agent {agent.agent_id}"
    title = join(named(agent.name), element("span", number, class_="below")) if agent.name else number
    return title, count_text(agent.sales), count_text(agent.used), count_text(len(agent.plan_ids))


def _say_how_many(shown: int, count: int, what: str) -> Markup:
    said = f"All {count:,} {what}." if shown == count else f"The first {shown:,} of {count:,} {what}."
    return element("p", said, class_="note")
