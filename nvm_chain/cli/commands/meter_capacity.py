"""`nvm-chain meter capacity`: what settlements cost and risk at some traffic, and what serves the traffic."""

from typing import TYPE_CHECKING, Any, Final

import click

from nvm_chain.cli.command import answer_options, session_command
from nvm_chain.cli.durations import DAY, HOUR, Duration
from nvm_chain.cli.lazy import (
    amounts,
    capacity_processes,
    capacity_settlements,
    formatting,
    json_values,
    settling_rules,
)
from nvm_chain.cli.parameters import Text
from nvm_chain.cli.session import Session
from nvm_chain.cli.tables import write_table

if TYPE_CHECKING:
    from nvm_chain.meter.capacity.processes import Processes
    from nvm_chain.meter.capacity.settlements import Settlements, Traffic

INTERVALS: Final = (HOUR, 6 * HOUR, DAY, 7 * DAY)
GWEI: Final = 9
HEADINGS: Final = ("age", "holder settled each", "transactions a day", "one each", "gas a day", "coin a day", "owed")
NUMBERS: Final = range(2, len(HEADINGS))
PROCESS_RATE: Final = 2_000
DATABASE_RATE: Final = 8_000
"""Requests with a fresh voucher each that one process stores in a second, and a database of two cores, when nothing else uses
their processors. A request takes about 0.4 ms in the process, and 0.24 ms in the server."""
MINUTE: Final = 60


@session_command(
    "capacity",
    answer_options(),
    (
        "nvm-chain meter capacity --holders 10000 --requests 1000000 --age 24h",
        "nvm-chain meter capacity --holders 1000000 --requests 1000000000 --json",
    ),
)
@click.option("--holders", type=click.IntRange(1, 2**40), required=True, help="Holders who make requests.")
@click.option("--requests", type=click.IntRange(1, 2**50), required=True, help="Requests of all holders in a day.")
@click.option("--credits", "each", type=click.IntRange(1, 2**40), default=1, help="Credits for a request. Default: 1.")
@click.option(
    "--exposure",
    type=click.IntRange(1, 2**62),
    default=10_000,
    help="Credits of one holder that you risk. Default: 10,000.",
)
@click.option(
    "--exposure-percent",
    type=click.IntRange(1, 100),
    default=50,
    help="Settle a holder who has used up this part of the exposure. Default: 50.",
)
@click.option(
    "--max-credits",
    type=click.IntRange(1, 2**62),
    default=1_000,
    help="Settle a holder who owes this many credits. Default: 1,000.",
)
@click.option(
    "--age",
    "ages",
    type=Duration(),
    multiple=True,
    help="Settle charges of this age. May be repeated. Default: 1h, 6h, 24h, 7d.",
)
@click.option("--plans", type=click.IntRange(1, 2**40), default=1, help="Plans that the holders are on. Default: 1.")
@click.option("--by-rule", is_flag=True, help="The plans' rule lets you redeem, so that no vouchers are needed.")
@click.option(
    "--gas-price", type=Text(), default="1", metavar="GWEI", help="Price of a unit of gas, in gwei. Default: 1."
)
@click.option(
    "--process-rate",
    type=click.IntRange(min=1),
    default=PROCESS_RATE,
    metavar="N",
    help="Requests in a second that one process stores. Default: as measured on a small machine.",
)
@click.option(
    "--database-rate",
    type=click.IntRange(min=1),
    default=DATABASE_RATE,
    metavar="N",
    help="Requests in a second that one database stores. Default: as measured on a small machine.",
)
@click.option(
    "--peak-percent",
    type=click.IntRange(100, 100_000),
    default=300,
    metavar="N",
    help="The busiest second in percent of the average one. Default: 300.",
)
def capacity(
    session: Session,
    holders: int,
    requests: int,
    each: int,
    exposure: int,
    exposure_percent: int,
    max_credits: int,
    ages: tuple[int, ...],
    plans: int,
    by_rule: bool,
    gas_price: str,
    process_rate: int,
    database_rate: int,
    peak_percent: int,
) -> None:
    """Show what settlements cost and risk at some traffic.

    Each line is for one age at which charges are settled. The gas is that of measured settlements. A rollup's fee for data
    comes on top. "Owed" is what all holders owe at an average moment: so much you lose at most if all signatures and
    permissions became worthless at once. The rates of processes are those of a small machine, and yours are measured by
    `python -m tests.bench meter` in a clone. Needs no node.
    """
    traffic = capacity_settlements.Traffic(holders, requests, each, exposure, plans, not by_rule)
    price = amounts.parse_units(gas_price, GWEI)
    rules = {age: settling_rules.SettleRules(max_credits, age, exposure_percent) for age in ages or INTERVALS}
    lines = [(age, capacity_settlements.find_settlements(traffic, rule)) for age, rule in rules.items()]
    rates = capacity_processes.Rates(process_rate, database_rate, peak_percent)
    found = capacity_processes.find_processes(traffic, rates)
    data = {
        "ages": [{"age_seconds": age, **_describe(line, price)} for age, line in lines],
        "processes": json_values.fields_of(found),
    }
    table = write_table(HEADINGS, [_write(age, line, price) for age, line in lines], right=NUMBERS)
    session.answer_lines(data, [*table, "", *_write_processes(found, traffic)])


def _describe(line: "Settlements", price: int) -> dict[str, Any]:
    return {
        **json_values.fields_of(line),
        "milliseconds_for_each": 1_000 * capacity_settlements.DAY // line.transactions_a_day,
        "cost_wei_a_day": str(line.find_cost(price)),
    }


def _write(age: int, line: "Settlements", price: int) -> tuple[object, ...]:
    return (
        formatting.format_duration(age),
        formatting.format_duration(line.cycle_seconds // MINUTE * MINUTE or line.cycle_seconds),
        f"{line.transactions_a_day:,}",
        _write_pace(line.transactions_a_day),
        f"{line.gas_a_day:,}",
        amounts.format_units(line.find_cost(price), 18),
        f"{line.owed:,}",
    )


def _write_pace(transactions_a_day: int) -> str:
    """Say how long it is from one transaction to the next."""
    seconds, rest = divmod(1_000 * capacity_settlements.DAY // transactions_a_day, 1_000)
    return formatting.format_duration(seconds) if seconds >= MINUTE else f"{seconds}.{rest:03} seconds"


def _write_processes(found: "Processes", traffic: "Traffic") -> list[str]:
    databases = formatting.count(found.databases, "database")
    where = f"with PostgreSQL {found.connections:,} connections to {databases}"
    if found.processes == 1:
        where = f"for which one file of SQLite is enough; {where}"
    return [
        f"Requests: {found.requests_a_second:,} a second on average, {found.peak:,} at the peak",
        f"Processes: {found.processes:,}, {where}",
        f"Most that could be owed, if all holders used up their exposure: {traffic.holders * traffic.exposure:,}",
    ]
