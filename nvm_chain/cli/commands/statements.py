"""`nvm-chain statement`: movements of credits and money in a period, for a holder, a plan or a builder's plans."""

import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import click

from nvm_chain.cli.amounts import format_amount
from nvm_chain.cli.command import Command, argument, chain_command, plan_argument
from nvm_chain.cli.groups import Group
from nvm_chain.cli.indexes import Money, open_index
from nvm_chain.cli.lazy import statements
from nvm_chain.cli.parameters import Address, Text
from nvm_chain.cli.ranges import find_deployment_block
from nvm_chain.cli.session import Session
from nvm_chain.cli.statement_text import FormatMoney, write_statement

if TYPE_CHECKING:
    from nvm_chain.chain.client import Chain
    from nvm_chain.statements.types import Statement

statement_group = Group(
    "statement",
    help="Show the movements of credits and money in a period. The numbers come from events, and have to agree with the chain.",
)

Options = dict[str, Any]
Read: TypeAlias = "Callable[[Chain | None, Options], Statement]"


_PERIOD_OPTIONS: Final = (
    click.option("--from", "start", type=Text(), metavar="TIME", help="Start of the period: a date, or a Unix second."),
    click.option(
        "--to",
        "end",
        type=Text(),
        metavar="TIME",
        help="End of the period, exclusive: a date, or a Unix second.",
    ),
    click.option(
        "--from-block", "start_block", type=int, metavar="N", help="First block of the period. Replaces --from."
    ),
    click.option(
        "--to-block", "end_block", type=int, metavar="N", help="End block of the period, exclusive. Replaces --to."
    ),
    click.option(
        "--deployed-block",
        "first_block",
        type=int,
        metavar="N",
        help="Block of the deployment of Credits. Default: block in the deployment record, else 0.",
    ),
)


def period_options(money: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add the shared options of all statements. ``money`` names the statement's table of money."""
    table = click.option(
        "--csv",
        "table",
        type=click.Choice(("movements", money)),
        help="Print only this table, as CSV.",
    )

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        for option in reversed((*_PERIOD_OPTIONS, table)):
            function = option(function)
        return function

    return decorate


@chain_command(
    "holder",
    examples=(
        "nvm-chain statement holder $SUBSCRIBER",
        "nvm-chain statement holder $SUBSCRIBER --from 2026-01-01 --to 2026-02-01",
        "nvm-chain statement holder $SUBSCRIBER --csv payments",
    ),
    index=True,
)
@argument("holder", type=Address(), help="Address of the holder.")
@period_options("payments")
def holder_statement(session: Session, holder: str, **options: Any) -> None:
    """Show the movements of a holder's credits on all plans, and the holder's payments.

    Dates are in UTC. A time needs a zone, such as 2026-11-01T12:00:00Z.
    """
    _show(session, options, lambda chain, period: statements.read_holder_statement(chain, holder, **period))


@chain_command(
    "plan",
    examples=(
        "nvm-chain statement plan $PLAN --from 2026-01-01 --to 2026-02-01",
        "nvm-chain statement plan $PLAN --csv movements",
    ),
    index=True,
)
@plan_argument()
@period_options("revenue")
def plan_statement(session: Session, plan: int, **options: Any) -> None:
    """Show the movements of all holders' credits on a plan, and the paid receivers."""
    _show(session, options, lambda chain, period: statements.read_plan_statement(chain, plan, **period))


@chain_command(
    "builder",
    examples=(
        "nvm-chain statement builder $BUILDER --from 2026-01-01 --to 2026-02-01",
        "nvm-chain statement builder $BUILDER --csv revenue",
    ),
    index=True,
)
@argument("builder", type=Address(), help="Address of the builder.")
@period_options("revenue")
def builder_statement(session: Session, builder: str, **options: Any) -> None:
    """Show the movements and the paid receivers of all plans that an account owned during the period."""
    _show(session, options, lambda chain, period: statements.read_builder_statement(chain, builder, **period))


def _show(session: Session, options: Options, read: Read) -> None:
    table = options.pop("table")
    if table is not None and session.as_json:
        raise click.UsageError("Give --json or --csv, and not both.")
    money: FormatMoney
    if session.index is None:
        chain = session.connect()
        statement, money = _read_chain(session, chain, options, read), partial(format_amount, chain)
    else:
        statement, money = _read_index(session, options, read)
    if table is None:
        lines = write_statement(money, statement, is_compared=session.chain is not None)
        session.answer_lines(statements.describe_statement(statement), lines)
        return
    session.progress.stop()
    write = statements.format_movements_csv if table == "movements" else statements.format_revenue_csv
    sys.stdout.write(write(statement))


def _read_chain(session: Session, chain: "Chain", options: Options, read: Read) -> "Statement":
    if options["first_block"] is None:
        options["first_block"] = find_deployment_block(session, chain)
    session.say("Reading events since Credits was deployed")
    return read(chain, options)


def _read_index(session: Session, options: Options, read: Read) -> "tuple[Statement, FormatMoney]":
    """Read a statement from an index. It is compared with the chain only if an option names one."""
    del options["first_block"]
    chain = session.connect() if session.names_chain else None
    session.say("Reading the index" if chain is None else "Reading the index, and comparing it with the chain")
    with open_index(session) as index:
        return read(chain, {**options, "index": index}), Money(session, index).format


STATEMENT_COMMANDS: Final[tuple[Command, ...]] = (holder_statement, plan_statement, builder_statement)
for command in STATEMENT_COMMANDS:
    statement_group.add_command(command)
