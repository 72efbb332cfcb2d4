"""`nvm-chain gateway usage`: who used what, when, and what it cost, as a sum or as a file."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

import click

from nvm_chain.cli.gateways import config_option, gateway_command
from nvm_chain.cli.index_answers import period_options
from nvm_chain.cli.indexes import parse_time
from nvm_chain.cli.lazy import (
    formatting,
    gateway_books,
    gateway_config,
    ids,
    meter_usage,
    store_usage,
    usage_export,
)
from nvm_chain.cli.output import Rows
from nvm_chain.cli.parameters import AgentId
from nvm_chain.cli.session import Session

if TYPE_CHECKING:
    from nvm_chain.meter.store.writer import Writer
    from nvm_chain.meter.usage import Usage, UsageFilter

FORMATS: Final = ("csv", "jsonl")


@gateway_command(
    "usage",
    examples=(
        "nvm-chain gateway usage --from 2026-11-01 --to 2026-12-01",
        "nvm-chain gateway usage --service $AGENT --format csv > usage.csv",
    ),
)
@config_option
@period_options
@click.option("--service", type=AgentId(), metavar="AGENT", help="Only requests to this agent.")
@click.option("--format", "form", type=click.Choice(FORMATS), help="Print each request on a line. Default: a sum.")
def usage(
    session: Session, config: str, start: str | None, end: str | None, service: int | None, form: str | None
) -> None:
    """Show what was used and what it cost, or print each request on a line.

    Requests on time plans cost nothing, and are there too. Books in a file belong to the gateway while it runs. With books in
    PostgreSQL, the command works at any time.
    """
    first, last = parse_time(start, "--from"), parse_time(end, "--to")
    found = gateway_config.read_config(config)
    where = gateway_config.find_books(found, gateway_config.open_secrets(found))
    services = None if service is None else (ids.format_did(service),)
    wanted = meter_usage.UsageFilter(**_name_period(first, last), services=services)
    with gateway_books.open_free_books(where) as writer:
        since = writer.run(store_usage.read_horizon)
        if wanted.start < since:
            session.warn(f"Requests that ended before {formatting.format_utc(since)} may not be kept any more.")
        if form is not None:
            _print_lines(session, writer, wanted, form)
            return
        _answer_sums(session, store_usage.list_usage(writer, wanted), since)


def _name_period(first: int | None, last: int | None) -> dict[str, int]:
    return {name: second for name, second in (("start", first), ("end", last)) if second is not None}


def _print_lines(session: Session, writer: "Writer", wanted: "UsageFilter", form: str) -> None:
    session.progress.stop()
    for line in usage_export.write_usage(store_usage.list_usage(writer, wanted), usage_export.ExportFormat(form)):
        click.echo(line, nl=False)


def _answer_sums(session: Session, entries: "Iterable[Usage]", since: int) -> None:
    sums: dict[str, list[int]] = {}
    for entry in entries:
        found = sums.setdefault(entry.service, [0, 0])
        found[0] += 1
        found[1] += entry.cost
    requests, credits = (sum(each[place] for each in sums.values()) for place in (0, 1))
    services: list[dict[str, Any]] = [
        {"service": name, "requests": count, "credits": str(cost)} for name, (count, cost) in sorted(sums.items())
    ]
    data = {"requests": requests, "credits": str(credits), "kept_since": since, "services": services}
    session.answer(data, _sum_rows(sums, requests, credits))


def _sum_rows(sums: dict[str, list[int]], requests: int, credits: int) -> Rows:
    def write() -> Iterator[tuple[str, object]]:
        for name, (count, cost) in sorted(sums.items()):
            yield ("service", name)
            yield ("", f"{count:,} requests, {formatting.count(cost, 'credit')}")
        yield ("in all", f"{requests:,} requests, {formatting.count(credits, 'credit')}")

    return list(write())
