"""`nvm-chain statement`: the same numbers for people, as JSON and as CSV, and what makes no statement."""

import csv
import io

import pytest

from nvm_chain.cli.statement_text import ShortNames
from nvm_chain.errors.formatting import format_plan_id, format_utc
from nvm_chain.statements.formats import describe_statement, format_movements_csv, format_revenue_csv
from nvm_chain.statements.reading import read_builder_statement, read_holder_statement, read_plan_statement
from tests.integration.cli.conftest import Shell
from tests.support.world import PRICE


@pytest.fixture
def plan_id(shell: Shell) -> int:
    """A plan that the subscriber has bought and redeemed three credits of."""
    world = shell.world
    world.fund(world.subscriber)
    plan_id = world.register()
    world.order(plan_id)
    redeem = world.credits.functions.redeem(plan_id, world.subscriber.address, 3, b"request-1".ljust(32, b"\0"))
    world.send(world.subscriber, redeem)
    return plan_id


def test_statement__as_json__is_what_the_library_says(shell: Shell, plan_id: int) -> None:
    chain, subscriber, builder = shell.world.chain, shell.world.subscriber.address, shell.world.builder.address
    for words, statement in {
        ("holder", subscriber): read_holder_statement(chain, subscriber),
        ("plan", str(plan_id)): read_plan_statement(chain, plan_id),
        ("builder", builder): read_builder_statement(chain, builder),
    }.items():
        answer = shell("statement", *words, "--json").json
        assert answer == describe_statement(statement)
        assert [item["amount"] for item in answer["movements"]] == [100, -3]


def test_statement__for_people__is_a_table_with_each_address_once(shell: Shell, plan_id: int) -> None:
    world = shell.world
    holder, builder, head = world.subscriber.address, world.builder.address, world.chain.read_block()
    order, redemption = read_plan_statement(world.chain, plan_id).movements
    short = {address: f"{address[:6]}…{address[-4:]}" for address in (holder, builder)}
    assert shell("statement", "plan", str(plan_id)).stdout.splitlines() == [
        "from    the beginning",
        f"before  {format_utc(head.timestamp + 1)}",
        "",
        f"plan id {format_plan_id(plan_id)}",
        "  time (UTC)           what        credits  balance  holder",
        "                       opening                    0",
        f"  {format_utc(order.timestamp)[:19]}  order          +100      100  {short[holder]}",
        "                       for 20 USDC",
        f"  {format_utc(redemption.timestamp)[:19]}  redemption       -3       97  {short[holder]}",
        "                       (request-1)",
        "                       closing                   97",
        "",
        "paid to",
        f"  {short[builder]}  20 USDC",
        "",
        "addresses",
        f"  {short[holder]}  {holder}",
        f"  {short[builder]}  {builder}",
        "",
        f"agrees with the chain at block {head.number:,}",
        f"  {head.hash}",
    ]


def test_statement__with_large_numbers_and_many_holders__fits_into_80_columns(shell: Shell) -> None:
    world = shell.world
    plan_id = world.register(credits=4_000_000_000, max_redeem=4_000_000_000)
    for payer in (world.subscriber, world.other, world.partner):
        world.fund(payer)
        world.order(plan_id, payer=payer)
    context = ("word " * 6 + "x").encode().ljust(32, b"\0")
    redeem = world.credits.functions.redeem(plan_id, world.other.address, 3_999_999_999, context)
    world.send(world.other, redeem)
    for words in (("plan", str(plan_id)), ("holder", world.other.address), ("builder", world.builder.address)):
        shown = shell("statement", *words).stdout
        assert max(map(len, shown.splitlines())) <= 80
        assert "+4,000,000,000" in shown
        assert max(shown.count(address) for address in (world.other.address, world.builder.address)) == 1


def test_short_names__of_addresses_that_look_alike__tell_them_apart() -> None:
    names = ShortNames()
    one, two = "0x1234" + "a" * 32 + "5678", "0x1234" + "b" * 32 + "5678"
    assert [names.shorten(address) for address in (one, two, one)] == ["0x1234…5678", "0x1234b…b5678", "0x1234…5678"]
    assert names.full == {"0x1234…5678": one, "0x1234b…b5678": two}


def test_statement__as_csv__is_that_table_alone(shell: Shell, plan_id: int) -> None:
    statement = read_plan_statement(shell.world.chain, plan_id)
    for table, text in {"movements": format_movements_csv(statement), "revenue": format_revenue_csv(statement)}.items():
        ran = shell("statement", "plan", str(plan_id), "--csv", table)
        assert (ran.exit_code, ran.stdout.splitlines()) == (0, text.splitlines())
    (paid,) = csv.DictReader(io.StringIO(text))
    assert (paid["receiver"], paid["total"]) == (shell.world.builder.address, str(PRICE))


def test_statement__of_blocks__begins_and_ends_with_them(shell: Shell, plan_id: int) -> None:
    last = shell.world.chain.read_block().number
    words = ("statement", "plan", str(plan_id), "--from-block", str(last), "--json")
    answer = shell(*words).json
    assert (answer["plans"][0]["opening"], answer["plans"][0]["closing"]) == (100, 97)
    assert shell(*words[:-1], "--to-block", str(last + 1), "--json").json["movements"] == answer["movements"]


def test_statement__without_deployed_block__begins_with_the_deployment(shell: Shell, plan_id: int) -> None:
    late = str(shell.world.chain.read_block().number)
    assert shell("statement", "plan", str(plan_id), "--json").exit_code == 0
    ran = shell("statement", "plan", str(plan_id), "--deployed-block", late, "--json")
    assert (ran.exit_code, ran.error["type"]) == (4, "StatementMismatch")


@pytest.mark.parametrize(
    ("options", "exit_code", "error"),
    [
        (("--from", "yesterday"), 2, "InvalidConfig"),
        (("--from", "2026-02-01", "--to", "2026-01-01"), 2, "InvalidConfig"),
        (("--from", "1", "--from-block", "1"), 2, "InvalidConfig"),
        (("--to-block", "1000000"), 2, "InvalidConfig"),
        (("--csv", "movements"), 2, "UsageError"),
        (("--csv", "all"), 2, "BadParameter"),
    ],
)
def test_statement__that_cannot_be__is_refused(
    shell: Shell, plan_id: int, options: tuple[str, ...], exit_code: int, error: str
) -> None:
    ran = shell("statement", "plan", str(plan_id), *options, "--json")
    assert (ran.exit_code, ran.error["type"]) == (exit_code, error)


def test_statement__of_an_unknown_plan__is_an_error(shell: Shell) -> None:
    ran = shell("statement", "plan", "7", "--json")
    assert (ran.exit_code, ran.error["type"]) == (6, "UnknownPlan")
