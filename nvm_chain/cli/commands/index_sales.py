"""`nvm-chain index orders` and `revenue`: what was sold, and who was paid, from an index."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import click

from nvm_chain.cli.answers import name_plan
from nvm_chain.cli.index_answers import (
    Row,
    answer_table,
    check_form,
    csv_option,
    period_options,
    shorten_plan,
    write_legend,
)
from nvm_chain.cli.indexes import Money, index_command, open_index, parse_time
from nvm_chain.cli.lazy import formatting, index_listing, index_revenue, json_values, statements_formats
from nvm_chain.cli.parameters import Address, PlanId
from nvm_chain.cli.session import Session
from nvm_chain.cli.statement_text import ShortNames
from nvm_chain.cli.tables import write_table

if TYPE_CHECKING:
    from nvm_chain.index.results import IndexedOrder, RevenueLine

ORDER_COLUMNS: Final = (
    *("time", "timestamp", "block_number", "transaction", "log_index", "plan_id", "kind", "payer", "receiver"),
    *("quantity", "cost", "token", "context", "context_text"),
)
REVENUE_COLUMNS: Final = (
    *("date", "day", "plan_id", "token", "receiver", "shares", "fees", "forgone", "total", "sales"),
)


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
    check_form(session, as_csv=as_csv)
    first, last = parse_time(start, "--from"), parse_time(end, "--to")
    with open_index(session) as index:
        found = index_listing.list_orders(
            index, plan_id=plan, payer=payer, receiver=receiver, start=first, end=last, most=most
        )
        rows = [describe_order(order) for order in found]
        data = {"orders": [_drop_texts(row) for row in rows]}
        lines = _order_lines(Money(session, index), found)
        answer_table(session, data, ORDER_COLUMNS, rows, lines, as_csv=as_csv)


def describe_order(order: "IndexedOrder") -> Row:
    """Return a sale as JSON, with texts of its time and its context for CSV."""
    texts = {
        "time": statements_formats.format_time(order.timestamp),
        "context_text": statements_formats.format_context(order.context),
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
            shorten_plan(names, order.plan_id),
            names.shorten(order.payer or order.receiver or ""),
        )
        for order in found
    ]
    yield from write_table(("time (UTC)", "kind", "no.", "cost", "plan", "account"), rows, right=(2,))
    yield from write_legend(names)


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
    check_form(session, as_csv=as_csv)
    first, last = parse_time(start, "--from"), parse_time(end, "--to")
    with open_index(session) as index:
        found = index_revenue.sum_revenue(index, plan_id=plan, owner=owner, receiver=receiver, start=first, end=last)
        rows = [describe_revenue(line) for line in found]
        data = {"revenue": [{key: value for key, value in row.items() if key != "date"} for row in rows]}
        lines = _revenue_lines(Money(session, index), found)
        answer_table(session, data, REVENUE_COLUMNS, rows, lines, as_csv=as_csv)


def describe_revenue(line: "RevenueLine") -> Row:
    """Return a line of revenue as JSON, with the date for CSV."""
    date = statements_formats.format_time(line.day)[:10]
    named = {**name_plan(line.plan_id), "day": line.day}  # the first columns
    return {**named, **json_values.fields_of(line), "total": str(line.total), "date": date}


def _revenue_lines(money: Money, found: "Sequence[RevenueLine]") -> Iterator[str]:
    if not found:
        yield "There is no revenue."
        return
    names = ShortNames()
    rows = [
        (
            statements_formats.format_time(line.day)[:10],
            shorten_plan(names, line.plan_id),
            names.shorten(line.receiver),
            f"{line.sales:,}",
            money.format(line.token, line.total),
        )
        for line in found
    ]
    yield from write_table(("day (UTC)", "plan", "receiver", "sales", "received"), rows, right=(3,))
    yield from write_legend(names)
