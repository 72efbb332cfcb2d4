"""The overview on the page of sellers: tiles, plans, revenue, settlements and services."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Final

from nvm_chain.enums import PlanKind
from nvm_chain.errors.fields import PlanId, Time
from nvm_chain.errors.formatting import clip, count, format_duration, format_plan_id, format_utc
from nvm_chain.gateway.catalogue import SoldService
from nvm_chain.gateway.checkout.cards import PlanCard
from nvm_chain.gateway.foreign_text import MAX_NAME, write_foreign
from nvm_chain.gateway.pages.checkout import name_plan
from nvm_chain.gateway.pages.seller_revenue import find_labels, list_revenue_facts, write_revenue
from nvm_chain.gateway.pages.seller_settlements import write_settlements
from nvm_chain.gateway.pages.seller_tables import Column, Fact, write_facts, write_hint, write_section, write_table
from nvm_chain.gateway.sellers.charges import Charges
from nvm_chain.gateway.sellers.figures import Figures
from nvm_chain.gateway.sellers.sights import Sight
from nvm_chain.meter.store.plan_sums import PlanSums
from nvm_chain.types.ids import format_did
from nvm_chain.types.plans import Plan

MOST_PLANS: Final = 200
"""How many plans the page lists. Its sums have all of them."""
KINDS: Final[Mapping[PlanKind, str]] = {
    PlanKind.CREDITS: "credits",
    PlanKind.TIME: "time",
    PlanKind.USAGE: "payment for each request",
}
BEHIND_SECONDS: Final = 120
"""How old the block of the index may be before the page says that it is old."""
PLAN_COLUMNS: Final = (
    Column("Plan"),
    Column("New orders"),
    Column("Sales", is_number=True),
    Column("Holders", is_number=True),
    Column("Charged", is_number=True),
    Column("Owed", is_number=True),
    Column("Most per holder", is_number=True),
    Column("People"),
)
NEXT: Final = write_section("next", "Next settlement", write_hint("What is due next is being read."))
"""What stands in the place of the outlook, until it is there too."""
NOT_SHOWN: Final = "not shown"


@dataclass(frozen=True, slots=True)
class Overview:
    """All that the overview shows. ``now`` is the second at which it is shown."""

    sight: Sight
    figures: Figures
    charges: Charges
    cards: Mapping[PlanId, PlanCard]
    services: Mapping[str, SoldService]
    now: Time

    def write(self) -> str:
        """Return the overview as HTML."""
        labels = find_labels(self.cards)
        names = self._name_plans()
        parts = [self._write_state(), write_facts(self._list_facts())]
        if self.sight.books.plans:
            parts.append(f'<div id="outlook">{NEXT}</div>')
        parts += [self._write_plans(names), write_revenue(self.figures, labels)]
        if self.sight.books.plans:
            parts.append(write_settlements(self.charges, names))
        return "".join([*parts, self._write_services()])

    def _name_plans(self) -> dict[PlanId, str]:
        """Return what the plans are called. The books may have plans that the index has not read yet."""
        unread = {plan_id: f"<code>{format_plan_id(plan_id)}</code>" for plan_id in self.sight.books.plans}
        return unread | {plan_id: write_plan_name(card) for plan_id, card in self.cards.items()}

    # ------------------------------------------------------------------ tiles

    def _write_state(self) -> str:
        figures, period = self.figures, self.figures.period
        head = f"From {period.first_day} to {period.last_day}, in UTC. As of block {figures.head.number:,} of {format_utc(figures.head.timestamp)}."
        age = self.now - figures.head.timestamp
        late = f" That is {format_duration(age // 60 * 60)} ago: the gateway is still reading newer blocks, or there are none."
        return write_hint(head + (late if age > BEHIND_SECONDS else ""))

    def _list_facts(self) -> Iterator[Fact]:
        figures = self.figures
        yield from list_revenue_facts(figures, find_labels(self.cards))
        sales = [figures.sales[plan_id] for plan_id in figures.plans]
        notes = [(sum(each.payments for each in sales), "payments for single requests")]
        notes.append((sum(each.external for each in sales), "paid outside the chain"))
        said = ", ".join(f"{number:,} {what}" for number, what in notes if number)
        yield Fact("Orders", f"{sum(each.sales for each in sales):,}", f"of them {said}" if said else "")
        holders, is_exact = figures.holders
        yield Fact(
            "Holders", _at_least(sum(holders.values()), is_exact=is_exact), "An account with two plans counts twice."
        )
        if self.sight.books.plans:
            yield from self._list_charge_facts()

    def _list_charge_facts(self) -> Iterator[Fact]:
        sums, exposures = self.charges.sums.values(), self.charges.exposures
        plans = (plan for plan_id, plan in self.figures.plans.items() if plan_id in self.sight.books.plans)
        of_credits = [plan.plan_id for plan in plans if plan.terms.kind is PlanKind.CREDITS]
        taken = sum(self.figures.sales[plan_id].taken for plan_id in of_credits)
        yield Fact(
            "Credits served",
            f"{sum(each.charged for each in sums):,}",
            f"This is the sum of all days. {count(taken, 'credit')} {'was' if taken == 1 else 'were'} taken on the chain in this period.",
        )
        held = sum(each.held for each in sums)
        most = f"A holder may owe at most {_write_range(list(exposures.values()))}." if exposures else ""
        working = f"{count(held, 'credit')} more for requests at work. " if held else ""
        yield Fact("Owed, and not taken yet", escape(count(sum(each.owed for each in sums), "credit")), working + most)

    # ------------------------------------------------------------------ plans and services

    def _write_plans(self, names: Mapping[PlanId, str]) -> str:
        plans = sorted(self.figures.plans, key=lambda plan_id: (-self.figures.sales[plan_id].sales, plan_id))
        parts = []
        if plans:
            parts.append(
                write_table(
                    "Plans, with their sales in the period",
                    PLAN_COLUMNS,
                    [self._write_plan(each, names) for each in plans[:MOST_PLANS]],
                )
            )
        else:
            parts.append(write_hint("You own no plan that this gateway sells."))
        if len(plans) > MOST_PLANS:
            parts.append(
                write_hint(f"These are {MOST_PLANS} of {count(len(plans), 'plan')}: those with the most sales.")
            )
        if self.sight.books.shared:
            parts.append(self._write_shared(names))
        return write_section("plans", "Plans", *parts)

    def _write_plan(self, plan_id: PlanId, names: Mapping[PlanId, str]) -> tuple[str, ...]:
        card, did = self.cards[plan_id], format_did(plan_id)
        sums, exposure = self.charges.sums.get(plan_id), self.charges.exposures.get(plan_id)
        holders, is_exact = self.figures.holders
        charged, owed = _write_sums(sums)
        about = f'<span class="below">{escape(card.price)}, {KINDS[card.plan.terms.kind]}</span>'
        label = escape(f"Holders of {clip(name_plan(card), MAX_NAME)}")
        return (
            f'<a href="checkout/{did}">{names[plan_id]}</a><br>{about}',
            _write_orders(self.figures.plans[plan_id]),
            f"{self.figures.sales[plan_id].sales:,}",
            _at_least(holders.get(plan_id, 0), is_exact=is_exact),
            charged,
            owed,
            "" if exposure is None else f"{exposure:,}",
            f'<button type="button" data-holders="{did}" aria-label="{label}">Holders</button>',
        )

    def _write_shared(self, names: Mapping[PlanId, str]) -> str:
        shared = sorted(self.sight.books.shared)[:MOST_PLANS]
        named = [names.get(plan_id, f"<code>{format_plan_id(plan_id)}</code>") for plan_id in shared]
        why = "Services of other owners accept these plans too, so what was charged on them is not shown"
        return f'<p class="note">{why}: {", ".join(named)}</p>'

    def _write_services(self) -> str:
        own = [self.services[did] for did in sorted(self.sight.books.services)]
        rows = [
            (
                f'<a href="checkout/{escape(service.did)}">{write_foreign(service.metadata.name)}</a>',
                f"{len(service.plans):,}",
                f"<code>{escape(service.did)}</code>",
            )
            for service in own
        ]
        columns = (Column("Service"), Column("Plans", is_number=True), Column("Agent"))
        table = write_table("Services of your agents", columns, rows) if rows else ""
        none = write_hint("None of the agents that this gateway serves is yours.")
        return write_section("services", "Services", table or none)


def write_plan_name(card: PlanCard) -> str:
    """Return what a plan is called, as HTML."""
    return write_foreign(name_plan(card))


def _write_orders(plan: Plan) -> str:
    """Return whether a plan takes orders, for its seller."""
    if plan.terms.paid_externally:
        return "paid outside the chain"
    if plan.terms.kind is PlanKind.USAGE:
        return "each request is paid"
    return "taken" if plan.active else "not taken now"


def _write_sums(sums: PlanSums | None) -> tuple[str, str]:
    return (NOT_SHOWN, NOT_SHOWN) if sums is None else (f"{sums.charged:,}", f"{sums.owed:,}")


def _write_range(numbers: list[int]) -> str:
    least, most = min(numbers), max(numbers)
    return count(most, "credit") if least == most else f"{least:,} to {count(most, 'credit')}, by the plan"


def _at_least(number: int, *, is_exact: bool) -> str:
    return f"{number:,}" if is_exact else f"at least {number:,}"
