"""Statements: what happened in a period to a holder, a plan or a builder's plans, from events alone and agreeing with the chain."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from eth_typing import ChecksumAddress

from nvm_chain.addresses import parse_address
from nvm_chain.chain import Chain
from nvm_chain.errors import StatementMismatch
from nvm_chain.event_types import Block, Event
from nvm_chain.ids import parse_plan_id
from nvm_chain.statements.books import Books
from nvm_chain.statements.checks import check_accounts, check_balances, check_head, check_lots
from nvm_chain.statements.history import History, read_builder_history, read_holder_history, read_plans_history
from nvm_chain.statements.movements import build_facts
from nvm_chain.statements.periods import Moment, Point, Span, resolve_period
from nvm_chain.statements.summary import Subject, build_statement
from nvm_chain.statements.types import MovementKind, Ownership, Scope, Statement


def read_holder_statement(
    chain: Chain,
    holder: str,
    *,
    start: Moment | None = None,
    end: Moment | None = None,
    start_block: int | None = None,
    end_block: int | None = None,
    first_block: int = 0,
) -> Statement:
    """Read what happened to a holder on all plans in a period, and where the holder's own payments went.

    The period is from ``start`` on and before ``end``, Unix seconds or dates (see `nvm_chain.statements.periods.Moment`), or from
    ``start_block`` on and before ``end_block``; all of the past if not given. ``first_block`` is the one in which Credits
    was deployed, or earlier: all events since then are needed, whatever the period.

    Nothing is taken on trust from the period's end: the books go on to the latest block, and there have to agree with the
    chain in credits, lots, access and settlements. Seven requests, and one for each plan and for its lots; where credits were
    settled or credits burned, one more, and one for each block with such settlements. Also one for each block with an event
    where the node does not tell the time with it, and more where it does not answer for all blocks at once. Raises StatementMismatch, BlockReplaced, InvalidConfig,
    InvalidAddress or a NetworkError.
    """
    address = parse_address(holder, "holder address")
    head = chain.read_block()
    span = resolve_period(chain, head, start, end, start_block, end_block)
    history = read_holder_history(chain, address, first_block, head)
    books = _write_books(history, head, span, address)
    _vouch(chain, books, check_accounts, check_lots)
    return build_statement(chain, Subject(Scope.HOLDER, address), span, history, books)


def read_plan_statement(
    chain: Chain,
    plan_id: int | str,
    *,
    start: Moment | None = None,
    end: Moment | None = None,
    start_block: int | None = None,
    end_block: int | None = None,
    first_block: int = 0,
) -> Statement:
    """Read what happened to all holders of a plan in a period, and who was paid.

    Period and ``first_block`` as of `read_holder_statement`. Transfers of credits do not say their plan where a node could
    search for it, so those of all plans are read. At the latest block every holder's balance has to agree with the chain.
    Four requests, one for each 200 holders, and more for the times of blocks or where the node does not answer for all of
    them at once, as there; raises the same errors, and UnknownPlan.
    """
    number = parse_plan_id(plan_id)
    head = chain.read_block()
    span = resolve_period(chain, head, start, end, start_block, end_block)
    return _read_plans(chain, Subject(Scope.PLAN, plan_id=number), [number], span, head, first_block)


def read_builder_statement(
    chain: Chain,
    builder: str,
    *,
    start: Moment | None = None,
    end: Moment | None = None,
    start_block: int | None = None,
    end_block: int | None = None,
    first_block: int = 0,
) -> Statement:
    """Read what happened to all plans that an account owned at some time in a period, and who was paid for them.

    Each such plan is in it for the whole period, whoever owned it before or after: who is paid is in a plan's terms and
    does not change with its owner. ``owned`` says from when to when the account was the owner. Otherwise as
    `read_plan_statement`, with three requests more.
    """
    address = parse_address(builder, "builder address")
    head = chain.read_block()
    span = resolve_period(chain, head, start, end, start_block, end_block)
    owned = tuple(_find_owned(read_builder_history(chain, address, first_block, head), address, span))
    plan_ids = sorted({spell.plan_id for spell in owned})
    statement = _read_plans(chain, Subject(Scope.BUILDER, address), plan_ids, span, head, first_block)
    return replace(statement, owned=owned)


def _find_owned(events: Sequence[Event], builder: ChecksumAddress, span: Span) -> Iterator[Ownership]:
    """Yield the spells of ownership that have a part in the period."""
    since: dict[int, tuple[Point, int]] = {}
    for event in events:
        plan_id, second = event.arguments["planId"], event.timestamp or 0
        point = Point(second, event.block_number)
        if builder in {event.arguments.get("creator"), event.arguments.get("newOwner")}:
            since.setdefault(plan_id, (point, second))
        elif plan_id in since:
            began, first = since.pop(plan_id)
            if point > span.start and began <= span.end:
                yield Ownership(plan_id, first, second)
    for plan_id, (began, first) in since.items():
        if began <= span.end:
            yield Ownership(plan_id, first, None)


def _read_plans(
    chain: Chain, subject: Subject, plan_ids: Sequence[int], span: Span, head: Block, first_block: int
) -> Statement:
    history = read_plans_history(chain, plan_ids, first_block, head)
    books = _write_books(history, head, span, None)
    _vouch(chain, books, check_balances)
    return build_statement(chain, subject, span, history, books)


def _write_books(history: History, head: Block, span: Span, holder: ChecksumAddress | None) -> Books:
    """Apply all facts about a holder; about all holders if none is given, where a gift is its receiver's order."""
    facts = build_facts(history.events, history.settled)
    if holder is None:
        facts = [fact for fact in facts if fact.kind is not MovementKind.GIFT]
    else:
        facts = [fact for fact in facts if fact.holder == holder]
    books = Books({plan_id: plan.terms for plan_id, plan in history.plans.items()}, head)
    books.write(facts, [span.start, span.end])
    return books


def _vouch(chain: Chain, books: Books, *checks: Callable[[Chain, Books], None]) -> None:
    """Compare books and chain. If the chain went another way meanwhile, that is what is said."""
    try:
        for check in checks:
            check(chain, books)
    except StatementMismatch:
        check_head(chain, books)
        raise
    check_head(chain, books)
