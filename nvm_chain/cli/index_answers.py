"""Answers about an index: the options of tables and periods, and a table as CSV, as JSON or for people."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import click

from nvm_chain.cli.lazy import formatting
from nvm_chain.cli.parameters import Text
from nvm_chain.cli.session import Session
from nvm_chain.cli.statement_text import ShortNames
from nvm_chain.cli.tables import print_csv

Row = dict[str, Any]
"""A row of a table, by columns."""


def csv_option(function: Callable[..., None]) -> Callable[..., None]:
    """Add the option that prints a table as CSV."""
    return click.option("--csv", "as_csv", is_flag=True, help="Print the table as CSV.")(function)


def period_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options of a period."""
    end = click.option("--to", "end", type=Text(), metavar="TIME", help="End, exclusive: a date, or a Unix second.")
    start = click.option("--from", "start", type=Text(), metavar="TIME", help="Start: a date, or a Unix second.")
    return start(end(function))


def check_form(session: Session, *, as_csv: bool) -> None:
    """Refuse --csv together with --json. Raises click.UsageError."""
    if as_csv and session.as_json:
        raise click.UsageError("Give --json or --csv, and not both.")


def answer_table(
    session: Session, data: Row, columns: Sequence[str], rows: Iterable[Row], lines: Iterable[str], *, as_csv: bool
) -> None:
    """Print an answer as CSV, as JSON, or as lines for people."""
    if as_csv:
        session.progress.stop()
        print_csv(columns, rows)
    else:
        session.answer_lines(data, lines)


def write_legend(names: ShortNames) -> Iterator[str]:
    """Yield each shortened name with its full text."""
    if names.full:
        yield ""
        width = max(map(len, names.full))
        yield from (f"{name.ljust(width)}  {full}" for name, full in names.full.items())


def shorten_plan(names: ShortNames, plan_id: int) -> str:
    """Return the unique short name of a plan's id."""
    return names.shorten(formatting.format_plan_id(plan_id))
