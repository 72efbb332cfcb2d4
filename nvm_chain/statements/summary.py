"""Conversion of books to a statement: movements of a period, with sums, running balances, and balances at both ends."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from eth_typing import ChecksumAddress

from nvm_chain.statements.books import Books, Entry, HolderKey
from nvm_chain.statements.periods import Point, Span
from nvm_chain.statements.revenue import sum_revenue
from nvm_chain.statements.sources import Source
from nvm_chain.statements.types import HolderBalance, Movement, MovementKind, PlanBalance, Scope, Statement
from nvm_chain.types.events import Event
from nvm_chain.types.histories import History


@dataclass(frozen=True, slots=True)
class Subject:
    """Subject of a statement: an address or a plan."""

    scope: Scope
    address: ChecksumAddress | None = None
    plan_id: int | None = None


def build_statement(source: Source, subject: Subject, span: Span, history: History, books: Books) -> Statement:
    """Build the statement of a period from books up to the latest block. Makes no request."""
    before = [entry for entry in books.entries if entry.point <= span.start]
    within = [entry for entry in books.entries if span.start < entry.point <= span.end]
    plans = {number: (plan.terms, plan.fee_bps) for number, plan in history.plans.items()}
    payer = subject.address if subject.scope is Scope.HOLDER else None
    return Statement(
        scope=subject.scope,
        address=subject.address,
        plan_id=subject.plan_id,
        chain_id=source.chain_id,
        credits=source.credits,
        period=span.period,
        head=books.head,
        plans=tuple(_sum_plans(books, before, within)),
        holders=tuple(_sum_holders(before, within)),
        movements=tuple(_run_balances(before, within)),
        revenue=sum_revenue(history.events, plans, _build_counter(span, payer)),
    )


def _build_counter(span: Span, payer: ChecksumAddress | None) -> Callable[[Event], bool]:
    """Return a filter of sales: sales in the period, and of one payer if given."""

    def counts(sale: Event) -> bool:
        is_within = span.start < Point(sale.timestamp or 0, sale.block_number) <= span.end
        return is_within and payer in {None, sale.arguments["payer"]}

    return counts


def _sum_plans(books: Books, before: Sequence[Entry], within: Sequence[Entry]) -> Iterator[PlanBalance]:
    opening: dict[int, int] = defaultdict(int)
    totals: dict[int, dict[MovementKind, int]] = defaultdict(lambda: defaultdict(int))
    for movement in (entry.movement for entry in before):
        opening[movement.plan_id] += movement.amount
    for movement in (entry.movement for entry in within):
        totals[movement.plan_id][movement.kind] += movement.amount
    for plan_id, terms in books.terms.items():
        sums = dict(totals[plan_id])
        yield PlanBalance(plan_id, terms.kind, opening[plan_id], opening[plan_id] + sum(sums.values()), sums)


def _sum_holders(before: Sequence[Entry], within: Sequence[Entry]) -> Iterator[HolderBalance]:
    opening: dict[HolderKey, int] = defaultdict(int)
    closing: dict[HolderKey, int] = defaultdict(int)
    until: dict[HolderKey, int] = {}
    for sums, entries in ((opening, before), (closing, [*before, *within])):
        for movement in (entry.movement for entry in entries):
            key = movement.plan_id, movement.holder
            sums[key] += movement.amount
            if movement.access_until is not None:
                until[key] = movement.access_until
    for key, balance in closing.items():
        yield HolderBalance(*key, opening[key], balance, until.get(key, 0))


def _run_balances(before: Sequence[Entry], within: Sequence[Entry]) -> Iterator[Movement]:
    """Yield the movements of the period, each with the plan's balance after the movement."""
    balances: dict[int, int] = defaultdict(int)
    for entry in before:
        balances[entry.movement.plan_id] += entry.movement.amount
    for entry in within:
        balances[entry.movement.plan_id] += entry.movement.amount
        yield replace(entry.movement, balance=balances[entry.movement.plan_id])
