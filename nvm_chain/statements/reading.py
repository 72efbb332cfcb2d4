"""Readers of statements: the movements of a holder, a plan or a builder's plans in a period.

A statement is built from events only, and has to agree with the chain.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from eth_typing import ChecksumAddress

from nvm_chain.chain.client import Chain
from nvm_chain.statements.books import Books
from nvm_chain.statements.checks import check_accounts, check_balances, check_lots
from nvm_chain.statements.movements import build_facts
from nvm_chain.statements.periods import Moment, Point, Span
from nvm_chain.statements.sources import Source, StatementIndex, open_source
from nvm_chain.statements.summary import Subject, build_statement
from nvm_chain.statements.types import MovementKind, Ownership, Scope, Statement
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.events import Block, Event
from nvm_chain.types.histories import History
from nvm_chain.types.ids import parse_plan_id


def read_holder_statement(
    chain: Chain | None,
    holder: str,
    *,
    start: Moment | None = None,
    end: Moment | None = None,
    start_block: int | None = None,
    end_block: int | None = None,
    first_block: int = 0,
    index: StatementIndex | None = None,
) -> Statement:
    """Read the statement of a holder: all movements on all plans in a period, and who got the holder's payments.

    The function reads events up to the latest block. There the credits, lots, access and settlements have to agree with
    the chain, which also proves the balances at the end of the period. Makes seven requests, one for each plan, and one
    for each plan's lots. Settled or burned credits need more requests. So does a node that sends no times with events,
    or limits the range of blocks.

    With ``index`` the events are those of an index, up to its latest block. The numbers are the same, and are compared
    with the chain at that block. Without a chain they are not compared.

    Args:
        chain: The chain of the plans. None is allowed with ``index``.
        holder: The address of the holder.
        start: The start of the period: a Unix second or a date, see `nvm_chain.statements.periods.Moment`. Default:
            the beginning of the chain.
        end: The end of the period, exclusive. Default: now.
        start_block: The first block of the period, in place of ``start``.
        end_block: The end block of the period, exclusive, in place of ``end``.
        first_block: The block of the deployment of Credits, or an earlier block. All events since then are needed.
            Not used with ``index``.
        index: An index of the chain, from `nvm_chain.open_index`. Default: the events are read from the chain.

    Raises:
        IndexBehind: The index does not reach the end of the period.
        OtherChain: The index belongs to another chain or other contracts.
        StatementMismatch: The events do not agree with the chain.
        BlockReplaced: The chain replaced a block during the reading.
        InvalidConfig: The period is malformed, or ends before it starts.
        InvalidAddress: The holder is not an address.
        NetworkError: The node is not usable.
    """
    address = parse_address(holder, "holder address")
    with open_source(chain, index, first_block) as source:
        span = source.find_span(start, end, start_block, end_block)
        history = source.read_holder(address)
        books = _write_books(history, source.head, span, address)
        source.vouch(books, check_accounts, check_lots)
        return build_statement(source, Subject(Scope.HOLDER, address), span, history, books)


def read_plan_statement(
    chain: Chain | None,
    plan_id: int | str,
    *,
    start: Moment | None = None,
    end: Moment | None = None,
    start_block: int | None = None,
    end_block: int | None = None,
    first_block: int = 0,
    index: StatementIndex | None = None,
) -> Statement:
    """Read the statement of a plan: all movements of all holders in a period, and the paid receivers.

    At the latest block every holder's balance has to agree with the chain. A node cannot search transfers of credits by
    plan, so the function reads the transfers of all plans. Makes four requests, one for each 200 holders, and more in
    the cases of `read_holder_statement`.

    Args:
        chain: As in `read_holder_statement`.
        plan_id: The plan, in any spelling.
        start: As in `read_holder_statement`.
        end: As in `read_holder_statement`.
        start_block: As in `read_holder_statement`.
        end_block: As in `read_holder_statement`.
        first_block: As in `read_holder_statement`.
        index: As in `read_holder_statement`.

    Raises:
        UnknownPlan: The plan is not registered.
        IndexBehind: The index does not reach the end of the period, or does not have the plan yet.
        OtherChain: The index belongs to another chain or other contracts.
        StatementMismatch: The events do not agree with the chain.
        BlockReplaced: The chain replaced a block during the reading.
        InvalidConfig: The period is malformed, or ends before it starts.
        NetworkError: The node is not usable.
    """
    number = parse_plan_id(plan_id)
    with open_source(chain, index, first_block) as source:
        span = source.find_span(start, end, start_block, end_block)
        return _read_plans(source, Subject(Scope.PLAN, plan_id=number), [number], span)


def read_builder_statement(
    chain: Chain | None,
    builder: str,
    *,
    start: Moment | None = None,
    end: Moment | None = None,
    start_block: int | None = None,
    end_block: int | None = None,
    first_block: int = 0,
    index: StatementIndex | None = None,
) -> Statement:
    """Read the statement of a builder: all movements on the builder's plans in a period, and the paid receivers.

    The plans are those that the account owned in the period. A plan is part of the statement for the whole period, even
    if the account owned the plan for a part of it. A change of owner does not change the receivers, because they are
    part of the plan's terms. ``owned`` has the spans in which the account was the owner. Makes the requests of
    `read_plan_statement`, and three more.

    Args:
        chain: As in `read_holder_statement`.
        builder: The address of the account.
        start: As in `read_holder_statement`.
        end: As in `read_holder_statement`.
        start_block: As in `read_holder_statement`.
        end_block: As in `read_holder_statement`.
        first_block: As in `read_holder_statement`.
        index: As in `read_holder_statement`.

    Raises:
        IndexBehind: The index does not reach the end of the period.
        OtherChain: The index belongs to another chain or other contracts.
        StatementMismatch: The events do not agree with the chain.
        BlockReplaced: The chain replaced a block during the reading.
        InvalidConfig: The period is malformed, or ends before it starts.
        InvalidAddress: The builder is not an address.
        NetworkError: The node is not usable.
    """
    address = parse_address(builder, "builder address")
    with open_source(chain, index, first_block) as source:
        span = source.find_span(start, end, start_block, end_block)
        owned = tuple(_find_owned(source.read_ownerships(address), address, span))
        plan_ids = sorted({spell.plan_id for spell in owned})
        return replace(_read_plans(source, Subject(Scope.BUILDER, address), plan_ids, span), owned=owned)


def _find_owned(events: Sequence[Event], builder: ChecksumAddress, span: Span) -> Iterator[Ownership]:
    """Yield the spans of ownership that overlap the period."""
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


def _read_plans(source: Source, subject: Subject, plan_ids: Sequence[int], span: Span) -> Statement:
    history = source.read_plans(plan_ids)
    books = _write_books(history, source.head, span, None)
    source.vouch(books, check_balances)
    return build_statement(source, subject, span, history, books)


def _write_books(history: History, head: Block, span: Span, holder: ChecksumAddress | None) -> Books:
    """Apply the facts of one holder, or of all holders. For all holders a gift counts as an order of its receiver."""
    facts = (fact for fact in build_facts(history.events, history.settled) if fact.plan_id in history.plans)
    if holder is None:
        wanted = [fact for fact in facts if fact.kind is not MovementKind.GIFT]
    else:
        wanted = [fact for fact in facts if fact.holder == holder]
    books = Books({plan_id: plan.terms for plan_id, plan in history.plans.items()}, head)
    books.write(wanted, [span.start, span.end])
    return books
