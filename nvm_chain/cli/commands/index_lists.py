"""`nvm-chain index plans`, `holders`, `holdings`, `orders`, `agents` and `revenue`: answers from an index."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from nvm_chain.cli.answers import describe_terms, name_plan
from nvm_chain.cli.command import argument, plan_argument
from nvm_chain.cli.indexes import Money, index_command, open_index, parse_time
from nvm_chain.cli.lazy import (
    formatting,
    index_listing,
    index_reading,
    index_revenue,
    json_values,
    statement_formats,
)
from nvm_chain.cli.output import Rows
from nvm_chain.cli.parameters import Address, PlanId, Text
from nvm_chain.cli.ranges import describe_offer_in
from nvm_chain.cli.session import Session
from nvm_chain.cli.statement_text import ShortNames
from nvm_chain.cli.tables import print_csv, write_table

if TYPE_CHECKING:
    from nvm_chain.index.results import IndexedAccount, IndexedOrder, IndexedPlan, RevenueLine
    from nvm_chain.types.agents import Agent

PLAN_COLUMNS: Final = (
    *("plan_id", "owner", "active", "kind", "token", "price", "credits", "fee_bps", "sold", "holders"),
    *("registered", "registered_at", "creator", "pending_owner", "uri"),
)
ACCOUNT_COLUMNS: Final = (
    "plan_id",
    "holder",
    "kind",
    "balance",
    "settled",
    "access_until",
    "trial_taken",
    "next_expiry",
)
ORDER_COLUMNS: Final = (
    *("time", "timestamp", "block_number", "transaction", "log_index", "plan_id", "kind", "payer", "receiver"),
    *("quantity", "cost", "token", "context", "context_text"),
)
AGENT_COLUMNS: Final = ("agent_id", "owner", "uri", "plan_id", "min_credits", "max_credits")
REVENUE_COLUMNS: Final = (
    *("date", "day", "plan_id", "token", "receiver", "shares", "fees", "forgone", "total", "sales"),
)
Row = dict[str, Any]


def csv_option(function: Callable[..., None]) -> Callable[..., None]:
    """Add the option that prints a table as CSV."""
    return click.option("--csv", "as_csv", is_flag=True, help="Print the table as CSV.")(function)


def period_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options of a period."""
    end = click.option("--to", "end", type=Text(), metavar="TIME", help="End, exclusive: a date, or a Unix second.")
    start = click.option("--from", "start", type=Text(), metavar="TIME", help="Start: a date, or a Unix second.")
    return start(end(function))


def _check_form(session: Session, *, as_csv: bool) -> None:
    if as_csv and session.as_json:
        raise click.UsageError("Give --json or --csv, and not both.")


def _answer(
    session: Session, data: Row, columns: Sequence[str], rows: Iterable[Row], lines: Iterable[str], *, as_csv: bool
) -> None:
    """Print an answer as CSV, as JSON, or as lines for people."""
    if as_csv:
        session.progress.stop()
        print_csv(columns, rows)
    else:
        session.answer_lines(data, lines)


def _legend(names: ShortNames) -> Iterator[str]:
    """Yield each shortened name with its full text."""
    if names.full:
        yield ""
        width = max(map(len, names.full))
        yield from (f"{name.ljust(width)}  {full}" for name, full in names.full.items())


def _short_plan(names: ShortNames, plan_id: int) -> str:
    return names.shorten(formatting.format_plan_id(plan_id))


# ---------------------------------------------------------------- plans


@index_command("plans", examples=("nvm-chain index plans", "nvm-chain index plans --owner $BUILDER --csv"))
@click.option("--owner", type=Address(), help="Only the plans that this address owns.")
@csv_option
def plans(session: Session, owner: str | None, as_csv: bool) -> None:
    """List plans with their sales and holders."""
    _check_form(session, as_csv=as_csv)
    with open_index(session) as index:
        found = index_reading.list_plans(index, owner=owner)
        rows = [describe_plan(plan) for plan in found]
        lines = _plan_lines(Money(session, index), found)
        data = {"plans": [_drop_flat(row) for row in rows]}
        _answer(session, data, PLAN_COLUMNS, rows, lines, as_csv=as_csv)


def describe_plan(plan: "IndexedPlan") -> Row:
    """Return a plan as JSON, with a few flat terms for CSV."""
    terms = plan.terms
    return {
        **name_plan(plan.plan_id),
        **{key: value for key, value in json_values.fields_of(plan).items() if key not in ("plan_id", "terms")},
        "terms": describe_terms(terms),
        "registered": statement_formats.format_time(plan.registered_at),
        "kind": terms.kind.name.lower(),
        "token": terms.token,
        "price": terms.price,
        "credits": terms.credits,
    }


def _drop_flat(row: Row) -> Row:
    return {key: value for key, value in row.items() if key not in ("registered", "kind", "token", "price", "credits")}


def _plan_lines(money: Money, found: "Sequence[IndexedPlan]") -> Iterator[str]:
    if not found:
        yield "There are no plans."
    for plan in found:
        yield formatting.format_plan_id(plan.plan_id)
        yield f"  {describe_offer_in(money.format, plan)}"
        holders = formatting.count(plan.holders, "holder")
        yield f"  {formatting.count(plan.sold, 'purchase')}, {holders}, owner {plan.owner}"


# ---------------------------------------------------------------- holders and holdings


@index_command(
    "holders",
    examples=("nvm-chain index holders $PLAN", "nvm-chain index holders $PLAN --at 2030-01-01 --csv"),
)
@plan_argument()
@click.option("--at", type=Text(), metavar="TIME", help="Time, not before the index's block. Default: that block's.")
@csv_option
def holders(session: Session, plan: int, at: str | None, as_csv: bool) -> None:
    """List the holders of a plan.

    Credits expire, and periods end, up to the given time.
    """
    _check_form(session, as_csv=as_csv)
    with open_index(session) as index:
        found = index_reading.list_holders(index, plan, at=parse_time(at, "--at"))
    rows = [describe_account(account) for account in found]
    data = {**name_plan(plan), "holders": [_drop_expiry(row) for row in rows]}
    _answer(session, data, ACCOUNT_COLUMNS, rows, _holder_lines(found), as_csv=as_csv)


def describe_account(account: "IndexedAccount") -> Row:
    """Return an account as JSON, with its next expiry for CSV."""
    did = name_plan(account.plan_id)
    expiry = account.lots[0].expires_at if account.lots else None
    return {**did, **json_values.fields_of(account), "next_expiry": expiry}


def _drop_expiry(row: Row) -> Row:
    return {key: value for key, value in row.items() if key != "next_expiry"}


def _holder_lines(found: "Sequence[IndexedAccount]") -> Iterator[str]:
    if not found:
        yield "The plan has no holders."
        return
    rows = [(account.holder, f"{account.balance:,}", _describe_end(account)) for account in found]
    yield from write_table(("holder", _name_unit(found[0]), "until"), rows, right=(1,))


def _name_unit(account: "IndexedAccount") -> str:
    return "periods" if account.kind.name == "TIME" else "credits"


def _describe_end(account: "IndexedAccount") -> str:
    """Return when access ends, or when the first credits expire. Empty for credits that stay."""
    end = account.access_until or (account.lots[0].expires_at if account.lots else 0)
    return formatting.format_utc(end).removesuffix(" UTC") if end else ""


@index_command(
    "holdings",
    examples=("nvm-chain index holdings $SUBSCRIBER", "nvm-chain index holdings $BUILDER --json"),
)
@argument("address", type=Address(), help="Address of a holder or an owner.")
def holdings(session: Session, address: str) -> None:
    """Show what an address holds, and the plans and agents that it owns."""
    with open_index(session) as index:
        held = index_reading.read_holdings(index, address)
        owned = index_reading.list_plans(index, owner=address)
        agents = index_listing.list_agents(index, owner=address)
        data = {
            "address": address,
            "held": [_drop_expiry(describe_account(account)) for account in held],
            "owned": [_drop_flat(describe_plan(plan)) for plan in owned],
            "agents": [describe_agent(agent) for agent in agents],
        }
        session.answer(data, [("address", address), *_holding_rows(Money(session, index), held, owned, agents)])


def _holding_rows(
    money: Money, held: "Iterable[IndexedAccount]", owned: "Iterable[IndexedPlan]", agents: "Iterable[Agent]"
) -> Rows:
    rows: Rows = []
    for account in held:
        amount = formatting.count(account.balance, _name_unit(account).removesuffix("s"))
        end = _describe_end(account)
        rows += [
            ("holds", formatting.format_plan_id(account.plan_id)),
            ("", f"{amount}, until {end}" if end else amount),
        ]
    for plan in owned:
        rows += [("owns", formatting.format_plan_id(plan.plan_id)), ("", describe_offer_in(money.format, plan))]
    rows += [("owns", f"agent {agent.agent_id}") for agent in agents]
    return rows or [("found", "nothing")]


# ---------------------------------------------------------------- orders


@index_command(
    "orders",
    examples=(
        "nvm-chain index orders --most 20",
        "nvm-chain index orders --plan $PLAN --from 2026-01-01 --to 2026-02-01 --csv",
    ),
)
@click.option("--plan", type=PlanId(), help="Only those of this plan.")
@click.option("--payer", type=Address(), help="Only those that this address paid.")
@click.option("--receiver", type=Address(), help="Only those whose credits this address got.")
@period_options
@click.option("--most", type=int, metavar="N", help="Largest number of orders. Default: all.")
@csv_option
def orders(
    session: Session,
    plan: int | None,
    payer: str | None,
    receiver: str | None,
    start: str | None,
    end: str | None,
    most: int | None,
    as_csv: bool,
) -> None:
    """List orders and other sales, newest first.

    The kind is order, usage for a payment of a pay-per-use plan, or external for a payment outside the chain.
    """
    _check_form(session, as_csv=as_csv)
    first, last = parse_time(start, "--from"), parse_time(end, "--to")
    with open_index(session) as index:
        found = index_listing.list_orders(
            index, plan_id=plan, payer=payer, receiver=receiver, start=first, end=last, most=most
        )
        rows = [describe_order(order) for order in found]
        data = {"orders": [_drop_texts(row) for row in rows]}
        lines = _order_lines(Money(session, index), found)
        _answer(session, data, ORDER_COLUMNS, rows, lines, as_csv=as_csv)


def describe_order(order: "IndexedOrder") -> Row:
    """Return a sale as JSON, with texts of its time and its context for CSV."""
    texts = {
        "time": statement_formats.format_time(order.timestamp),
        "context_text": statement_formats.format_context(order.context),
    }
    return {**name_plan(order.plan_id), **json_values.fields_of(order), **texts}


def _drop_texts(row: Row) -> Row:
    return {key: value for key, value in row.items() if key not in ("time", "context_text")}


def _order_lines(money: Money, found: "Sequence[IndexedOrder]") -> Iterator[str]:
    if not found:
        yield "There are no orders."
        return
    names = ShortNames()
    rows = [
        (
            formatting.format_utc(order.timestamp).removesuffix(" UTC"),
            order.kind,
            f"{order.quantity:,}",
            "outside the chain" if order.payer is None else money.format(order.token, order.cost),
            _short_plan(names, order.plan_id),
            names.shorten(order.payer or order.receiver or ""),
        )
        for order in found
    ]
    yield from write_table(("time (UTC)", "kind", "no.", "cost", "plan", "account"), rows, right=(2,))
    yield from _legend(names)


# ---------------------------------------------------------------- agents


@index_command(
    "agents", examples=("nvm-chain index agents --owner $BUILDER", "nvm-chain index agents --plan $PLAN --json")
)
@click.option("--owner", type=Address(), help="Only the agents of this address.")
@click.option("--plan", type=PlanId(), help="Only the agents that accept this plan.")
@csv_option
def agents(session: Session, owner: str | None, plan: int | None, as_csv: bool) -> None:
    """List agents with the plans that they accept.

    The CSV has a line for each plan of each agent.
    """
    _check_form(session, as_csv=as_csv)
    with open_index(session) as index:
        found = index_listing.list_agents(index, owner=owner, plan_id=plan)
    rows = [
        {"agent_id": agent.agent_id, "owner": agent.owner, "uri": agent.uri, **attached}
        for agent in found
        for attached in ([json_values.fields_of(item) for item in agent.plans] or [{}])
    ]
    data = {"agents": [describe_agent(agent) for agent in found]}
    _answer(session, data, AGENT_COLUMNS, rows, _agent_lines(found), as_csv=as_csv)


def describe_agent(agent: "Agent") -> Row:
    """Return an agent as JSON."""
    return json_values.fields_of(agent)


def _agent_lines(found: "Sequence[Agent]") -> Iterator[str]:
    if not found:
        yield "There are no agents."
    for agent in found:
        yield f"agent {agent.agent_id}, owner {agent.owner}"
        for item in agent.plans:
            cost = formatting.format_range(item.min_credits, item.max_credits, "credit")
            yield f"  {formatting.format_plan_id(item.plan_id)}"
            yield f"    {cost} for a request"


# ---------------------------------------------------------------- revenue


@index_command(
    "revenue",
    examples=(
        "nvm-chain index revenue --owner $BUILDER",
        "nvm-chain index revenue --plan $PLAN --from 2026-01-01 --to 2026-02-01 --csv",
    ),
)
@click.option("--plan", type=PlanId(), help="Only the revenue of this plan.")
@click.option("--owner", type=Address(), help="Only the revenue of the plans that this address owns.")
@click.option("--receiver", type=Address(), help="Only the revenue of this address.")
@period_options
@csv_option
def revenue(
    session: Session,
    plan: int | None,
    owner: str | None,
    receiver: str | None,
    start: str | None,
    end: str | None,
    as_csv: bool,
) -> None:
    """Show the revenue of each receiver by day, plan and token.

    A day begins at midnight in UTC. The amounts are those of statements: shares of the price, protocol fees, and fees
    that could not be delivered and went to the plan's first receiver.
    """
    _check_form(session, as_csv=as_csv)
    first, last = parse_time(start, "--from"), parse_time(end, "--to")
    with open_index(session) as index:
        found = index_revenue.sum_revenue(index, plan_id=plan, owner=owner, receiver=receiver, start=first, end=last)
        rows = [describe_revenue(line) for line in found]
        data = {"revenue": [{key: value for key, value in row.items() if key != "date"} for row in rows]}
        lines = _revenue_lines(Money(session, index), found)
        _answer(session, data, REVENUE_COLUMNS, rows, lines, as_csv=as_csv)


def describe_revenue(line: "RevenueLine") -> Row:
    """Return a line of revenue as JSON, with the date for CSV."""
    date = statement_formats.format_time(line.day)[:10]
    return {**name_plan(line.plan_id), **json_values.fields_of(line), "total": str(line.total), "date": date}


def _revenue_lines(money: Money, found: "Sequence[RevenueLine]") -> Iterator[str]:
    if not found:
        yield "There is no revenue."
        return
    names = ShortNames()
    rows = [
        (
            statement_formats.format_time(line.day)[:10],
            _short_plan(names, line.plan_id),
            names.shorten(line.receiver),
            f"{line.sales:,}",
            money.format(line.token, line.total),
        )
        for line in found
    ]
    yield from write_table(("day (UTC)", "plan", "receiver", "sales", "received"), rows, right=(3,))
    yield from _legend(names)
