"""`nvm-chain index report`: the seller's morning, as one HTML page."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from nvm_chain.cli.indexes import Money, index_command, open_index, parse_time
from nvm_chain.cli.lazy import (
    atomic_files,
    errors,
    formatting,
    report_data,
    report_page,
    report_types,
    tokens,
)
from nvm_chain.cli.output import Rows
from nvm_chain.cli.parameters import Address, PlanId, Text
from nvm_chain.cli.session import Session

if TYPE_CHECKING:
    from eth_typing import ChecksumAddress

    from nvm_chain.index.database import Index
    from nvm_chain.index.report.types import Report, TokenLabel

DAY: Final = 86_400
SOON_DAYS: Final = 7


@index_command(
    "report",
    examples=(
        "nvm-chain index report --html report.html --owner $BUILDER",
        "nvm-chain index report --html page.html --owner $BUILDER --from 2026-11-01",
        "nvm-chain index report --html plan.html --plan $PLAN --soon 14",
    ),
)
@click.option(
    "--html", required=True, type=click.Path(path_type=Path, dir_okay=False), help="File to write. Replaces it."
)
@click.option("--owner", type=Address(), help="All plans that this address owns.")
@click.option("--plan", "plans", type=PlanId(), multiple=True, help="A plan, instead of an owner. May be repeated.")
@click.option("--from", "start", type=Text(), metavar="TIME", help="Start: a date, or a Unix second. Default: 30 days.")
@click.option(
    "--to", "end", type=Text(), metavar="TIME", help="End, exclusive: a date, or a Unix second. Default: now."
)
@click.option(
    "--soon",
    type=click.IntRange(1, 36_500),
    default=SOON_DAYS,
    metavar="DAYS",
    help="List credits and access that end within so many days. Default: 7.",
)
def report(
    session: Session,
    html: Path,
    owner: str | None,
    plans: tuple[int, ...],
    start: str | None,
    end: str | None,
    soon: int,
) -> None:
    """Write a sales report as one HTML page: revenue, plans, credits, renewals, customers, endings and agents.

    The page needs no other file and no internet. It fits a phone and paper. Its numbers are those of statements. Days
    are days in UTC.
    """
    first, last = parse_time(start, "--from"), parse_time(end, "--to")
    with open_index(session) as index:
        session.say("Reading the index")
        found = report_data.read_report(
            index, owner=owner, plan_ids=plans, start=first, end=last, soon_seconds=soon * DAY
        )
        found = replace(found, tokens=_label_tokens(session, index, found))
        session.say("Drawing the page")
        _write(html, report_page.format_report_html(found))
        session.answer(_describe(html, found), _rows(html, found, Money(session, index)))


def _write(path: Path, page: str) -> None:
    try:
        atomic_files.write_whole(path, page)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise errors.InvalidConfig(f"the page cannot be written to {path} ({reason})", "give another file") from None


def _label_tokens(session: Session, index: "Index", found: "Report") -> "dict[ChecksumAddress, TokenLabel]":
    """Return symbols and decimals of the report's tokens. Asks a node, if the options name one, for unknown ones."""
    labels = dict(found.tokens)
    usdc = Money(session, index).usdc
    if usdc is not None:
        labels[usdc] = report_types.TokenLabel("USDC", 6)
    unknown = sorted({plan.token for plan in found.plans} - labels.keys())
    if unknown and (session.chain or session.rpc or session.network):
        chain = session.chain or session.connect()
        for token in unknown:
            try:
                info = tokens.read_token_info(chain, token)
            except errors.NvmChainError as error:
                session.warn(f"The amounts in token {token} are in base units. {error.problem}")
                continue
            labels[token] = report_types.TokenLabel(info.symbol, info.decimals, is_known=False)
    return labels


def _describe(path: Path, found: "Report") -> dict[str, Any]:
    return {
        "path": str(path),
        "owner": found.owner,
        "plans": len(found.plans),
        "first_second": found.first_second,
        "end_second": found.end_second,
        "block_number": found.head.number,
        "sales": sum(plan.sales for plan in found.plans),
        "paid": [{"token": token, "amount": str(amount)} for token, amount in found.paid_by_token.items()],
    }


def _rows(path: Path, found: "Report", money: Money) -> Rows:
    rows: list[tuple[str, object]] = [
        ("report", str(path)),
        ("plans", f"{len(found.plans):,}"),
        ("from", formatting.format_utc(found.first_second)),
        ("before", formatting.format_utc(found.end_second)),
        ("sales", f"{sum(plan.sales for plan in found.plans):,}"),
    ]
    return [*rows, *(("paid", money.format(token, amount)) for token, amount in found.paid_by_token.items())]
