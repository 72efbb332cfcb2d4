"""`nvm-chain statement`: what happened in a period to a holder, a plan or a builder's plans, and who was paid."""

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import click

from nvm_chain.cli.amounts import format_amount
from nvm_chain.cli.commands import Command, Group, chain_command
from nvm_chain.cli.durations import format_time
from nvm_chain.cli.lazy import deployments, statements
from nvm_chain.cli.output import format_plan_id
from nvm_chain.cli.parameters import Address, PlanId, Text
from nvm_chain.cli.session import Session

if TYPE_CHECKING:
    from nvm_chain.chain import Chain
    from nvm_chain.statements.types import Movement, PlanBalance, Revenue, Statement

statement_group = Group(
    "statement", help="Show what happened in a period, from events alone and agreeing with the chain."
)

Options = dict[str, Any]


def period_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options that all statements share."""
    for option in reversed(
        (
            click.option(
                "--from", "start", type=Text(), metavar="TIME", help="First second: a date, or a Unix second."
            ),
            click.option("--to", "end", type=Text(), metavar="TIME", help="First second that is not in it any more."),
            click.option("--from-block", "start_block", type=int, metavar="N", help="First block, in place of --from."),
            click.option(
                "--to-block", "end_block", type=int, metavar="N", help="First block that is not in it any more."
            ),
            click.option(
                "--first-block",
                type=int,
                metavar="N",
                help="Block in which Credits was deployed. Default: from the deployment record, else 0.",
            ),
            click.option(
                "--csv",
                "table",
                type=click.Choice(("movements", "revenue")),
                help="Print one table as CSV, and nothing else.",
            ),
        )
    ):
        function = option(function)
    return function


@chain_command(
    "holder",
    examples=(
        "nvm-chain statement holder $SUBSCRIBER",
        "nvm-chain statement holder $SUBSCRIBER --from 2026-01-01 --to 2026-02-01",
    ),
)
@click.argument("holder", type=Address())
@period_options
def holder_statement(session: Session, holder: str, **options: Any) -> None:
    """Show a holder's credits of all plans, and what the holder paid.

    Dates are UTC; a time needs its zone, such as 2026-11-01T12:00:00Z.
    """
    _show(session, options, lambda chain, period: statements.read_holder_statement(chain, holder, **period))


@chain_command(
    "plan",
    examples=(
        "nvm-chain statement plan $PLAN --from 2026-01-01 --to 2026-02-01",
        "nvm-chain statement plan $PLAN --csv movements",
    ),
)
@click.argument("plan", type=PlanId())
@period_options
def plan_statement(session: Session, plan: int, **options: Any) -> None:
    """Show what happened to a plan's holders, and who was paid.

    PLAN is a plan id: an integer, 0x and 64 hexadecimal digits, or a did:nv:.
    """
    _show(session, options, lambda chain, period: statements.read_plan_statement(chain, plan, **period))


@chain_command(
    "builder",
    examples=(
        "nvm-chain statement builder $BUILDER --from 2026-01-01 --to 2026-02-01",
        "nvm-chain statement builder $BUILDER --csv revenue",
    ),
)
@click.argument("builder", type=Address())
@period_options
def builder_statement(session: Session, builder: str, **options: Any) -> None:
    """Show what happened to all plans that an account owned at some time in the period, and who was paid."""
    _show(session, options, lambda chain, period: statements.read_builder_statement(chain, builder, **period))


def _show(session: Session, options: Options, read: "Callable[[Chain, Options], Statement]") -> None:
    table = options.pop("table")
    if table is not None and session.as_json:
        raise click.UsageError("Give --json or --csv, and not both.")
    chain = session.connect()
    if options["first_block"] is None:
        options["first_block"] = _find_first_block(session, chain)
    session.say("Reading events since Credits was deployed")
    statement = read(chain, options)
    if table is None:
        session.answer(statements.describe_statement(statement), _rows(chain, statement))
        return
    session.progress.stop()
    write = {"movements": statements.format_movements_csv, "revenue": statements.format_revenue_csv}
    sys.stdout.write(write[table](statement))


def _find_first_block(session: Session, chain: "Chain") -> int:
    record = deployments.find_record(chain.chain_id, session.deployments)
    return record.block_number or 0 if record and chain.has_credits(record.address) else 0


def _rows(chain: "Chain", statement: "Statement") -> Iterator[tuple[str, object]]:
    @cache
    def money(token: str, base_units: int) -> str:
        return format_amount(chain, token, base_units)

    period = statement.period
    yield "from", format_time(period.first_second)
    yield "before", format_time(period.end_second)
    for plan in statement.plans:
        yield from _plan_rows(plan, [item for item in statement.movements if item.plan_id == plan.plan_id], money)
    yield from _revenue_rows(statement.revenue, money)
    yield "agrees with", f"the chain at block {statement.head.number}, {statement.head.hash}"


def _plan_rows(
    plan: "PlanBalance", movements: "Sequence[Movement]", money: Callable[[str, int], str]
) -> Iterator[tuple[str, object]]:
    yield "plan id", format_plan_id(plan.plan_id)
    yield "opening", plan.opening
    for movement in movements:
        yield movement.kind.value.replace("_", " "), _describe_movement(movement, money)
    yield "closing", plan.closing


def _describe_movement(movement: "Movement", money: Callable[[str, int], str]) -> str:
    parts = [format_time(movement.timestamp), f"{movement.amount:+}", f"= {movement.balance}", movement.holder]
    if movement.token is not None:
        parts.append(f"for {money(movement.token, movement.cost)}")
    if movement.party not in {None, movement.holder}:
        parts.append(f"by {movement.party}")
    if text := statements.format_context(movement.context):
        parts.append(f"({text})")
    if movement.access_until is not None:
        parts.append(f"access until {format_time(movement.access_until)}")
    return "  ".join(parts)


def _revenue_rows(revenue: "Sequence[Revenue]", money: Callable[[str, int], str]) -> Iterator[tuple[str, object]]:
    totals: dict[tuple[str, str], int] = {}
    for item in revenue:
        key = item.receiver, item.token
        totals[key] = totals.get(key, 0) + item.total
    for (receiver, token), total in totals.items():
        yield "paid to", f"{receiver}  {money(token, total)}"


STATEMENT_COMMANDS: Final[tuple[Command, ...]] = (holder_statement, plan_statement, builder_statement)
for command in STATEMENT_COMMANDS:
    statement_group.add_command(command)
