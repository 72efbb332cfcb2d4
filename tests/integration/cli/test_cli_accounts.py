"""Usage, payments outside, and what the chain knows of holders: access, lots and accounts."""

import json
import shlex
import subprocess
from typing import Any

import pytest

from nvm_chain.enums import Activation, PlanKind, RedemptionRule
from nvm_chain.errors.formatting import format_plan_id, format_utc
from nvm_chain.operations.credits import read_access_until
from nvm_chain.types.ids import format_did
from nvm_chain.types.prices import Split
from tests.integration.cli.conftest import Shell
from tests.support.shell import COMMAND, clean_environment
from tests.support.world import PRICE, ZERO

DAY = 86_400
USAGE: dict[str, Any] = {"kind": PlanKind.USAGE, "credits": 0, "min_redeem": 0, "max_redeem": 0}
TIME: dict[str, Any] = {"kind": PlanKind.TIME, "credits": 2, "duration": DAY, "min_redeem": 0, "max_redeem": 0}
SUBSCRIBER = ("--dev-account", "2")
BUILDER = ("--dev-account", "1")


def names(plan_id: int) -> dict[str, str]:
    """Return how answers name a plan."""
    return {"plan_id": format_plan_id(plan_id), "did": format_did(plan_id)}


# ---------------------------------------------------------------------- pay


@pytest.mark.parametrize(("allowance", "approved"), [(0, True), (3 * PRICE, False)])
def test_pay__for_a_request__pays_and_writes_its_context(shell: Shell, allowance: int, approved: bool) -> None:
    world = shell.world
    plan_id = world.register(**USAGE)
    world.fund(world.subscriber)
    world.send(world.subscriber, world.usdc.functions.approve(world.credits.address, allowance))
    answer = shell("pay", str(plan_id), "--quantity", "3", "--context", "request-17", *SUBSCRIBER, "--json").json
    receipt = world.chain.web3.eth.get_transaction_receipt(answer["transaction"]["hash"])
    (paid,) = [event for name, event in world.events(receipt) if name == "UsagePaid"]
    assert paid["context"] == b"request-17".ljust(32, b"\0")
    assert (answer.pop("approval") is not None) == approved
    answer.pop("transaction")
    assert answer == {
        **names(plan_id),
        "payer": world.subscriber.address,
        "quantity": 3,
        "context": "0x" + b"request-17".ljust(32, b"\0").hex(),
        "token": world.usdc.address,
        "paid": str(3 * PRICE),
        "receivers": {world.builder.address: str(3 * PRICE)},
    }


def test_pay__for_people__reads_well(shell: Shell) -> None:
    world = shell.world
    plan_id = world.register(**USAGE, token=ZERO, splits=(Split(world.other.address, 10**15),))
    lines = shell("pay", str(plan_id), *SUBSCRIBER).stdout.splitlines()
    assert lines[:4] == [
        f"plan id      {format_plan_id(plan_id)}",
        "paid         0.001 ETH",
        f"paid to      {world.other.address}  0.001 ETH",
        "quantity     1",
    ]


@pytest.mark.parametrize("command", ["order", "pay"])
def test_payment_method__under_the_option_of_before__is_refused_with_its_name(shell: Shell, command: str) -> None:
    ran = shell(command, "7", "--pay", "approve", *SUBSCRIBER)
    assert ran.exit_code == 2
    assert "--pay is now called --payment-method" in ran.stderr
    assert "Give --payment-method approve." in ran.stderr
    assert "--pay " not in shell(command, "--help").stdout


@pytest.mark.parametrize(
    ("changes", "options", "exit_code", "error"),
    [
        ({}, (), 6, "WrongKind"),
        (USAGE, ("--max-cost", "19 USDC"), 6, "CostAboveMax"),
        (USAGE, ("--max-cost", "1 ETH"), 2, "InvalidConfig"),
        (USAGE, ("--context", "x" * 33), 2, "InvalidContext"),
        (USAGE, ("--quantity", "0"), 2, "InvalidAmount"),
        (USAGE, ("--payment-method", "allowance"), 5, "InsufficientAllowance"),
        (USAGE, ("--quantity", "1000"), 5, "InsufficientFunds"),
    ],
)
def test_pay__of_what_cannot_be__is_refused_and_nothing_is_sent(
    shell: Shell, changes: dict[str, Any], options: tuple[str, ...], exit_code: int, error: str
) -> None:
    world = shell.world
    plan_id = world.register(**changes)
    world.send(world.subscriber, world.usdc.functions.mint(world.subscriber.address, PRICE))
    state = shell.state(plan_id)
    ran = shell("pay", str(plan_id), *options, *SUBSCRIBER, "--json")
    assert (ran.exit_code, ran.error["type"]) == (exit_code, error)
    assert shell.state(plan_id) == state


def test_order__of_a_usage_plan__names_the_command_that_pays(shell: Shell) -> None:
    error = shell("order", str(shell.world.register(**USAGE)), *SUBSCRIBER, "--json").error
    assert error["type"] == "WrongKind"
    assert "Use `nvm-chain pay` for a usage plan." in error["message"]


# ---------------------------------------------------------------------- grant-external


def test_grant_external__twice_for_one_payment__grants_once(shell: Shell) -> None:
    world = shell.world
    plan_id = world.register(paid_externally=True, token=ZERO, splits=())
    words = ("grant-external", str(plan_id), world.subscriber.address, "--reference", "payment-1", "--quantity", "2")
    answer = shell(*words, *BUILDER, "--json").json
    assert (answer["credits"], answer["credits_left"]) == (200, 200)
    assert answer["reference"] == "0x" + b"payment-1".ljust(32, b"\0").hex()
    again = shell(*words, *BUILDER, "--json")
    assert (again.exit_code, again.error["type"]) == (6, "ReferenceUsed")
    assert "was already granted for payment 'payment-1'." in again.error["problem"]
    assert world.balance(plan_id, world.subscriber.address) == 200


def test_grant_external__by_a_stranger__is_refused(shell: Shell) -> None:
    plan_id = shell.world.register(paid_externally=True, token=ZERO, splits=())
    words = ("grant-external", str(plan_id), shell.world.stranger.address, "--reference", "payment-1")
    ran = shell(*words, "--dev-account", "3", "--json")
    assert (ran.exit_code, ran.error["type"]) == (6, "NotMinter")


# ---------------------------------------------------------------------- access, lots, account


def test_access__of_a_time_plan__is_open_until_its_end(shell: Shell) -> None:
    world = shell.world
    plan_id = world.register(**TIME)
    before = shell("access", str(plan_id), world.subscriber.address, "--json")
    assert (before.exit_code, before.stderr) == (9, "")
    assert json.loads(before.stdout) == {
        **names(plan_id),
        "holder": world.subscriber.address,
        "access": False,
        "access_until": 0,
        "reason": "the access window is not open",
    }
    world.fund(world.subscriber)
    world.order(plan_id)
    until = world.now + 2 * DAY
    after = shell("access", str(plan_id), world.subscriber.address, "--json").json
    assert (after["access"], after["access_until"]) == (True, until)
    lines = shell("access", str(plan_id), world.subscriber.address).stdout.splitlines()
    assert lines[2:] == ["access   yes", f"until    {format_utc(until)}"]


@pytest.mark.parametrize(("cost", "access"), [(4, True), (5, True), (6, False)])
def test_access__of_a_credits_plan__needs_the_cost(shell: Shell, cost: int, access: bool) -> None:
    plan_id, holder = shell.world.register(), shell.world.subscriber.address
    shell.world.grant(plan_id, holder, 5)
    ran = shell("access", str(plan_id), holder, "--cost", str(cost), "--json")
    assert (ran.exit_code, json.loads(ran.stdout)["access"]) == (0 if access else 9, access)


@pytest.mark.parametrize(
    ("changes", "cost", "reason"),
    [
        ({"max_redeem": 1}, 3, "a request on this plan takes exactly 1 credit, not 3"),
        ({"min_redeem": 2, "max_redeem": 5}, 1, "a request on this plan takes 2 to 5 credits, not 1"),
        ({}, 6, "the balance does not cover 6 credits"),
        (USAGE, 1, "each request is paid on its own"),
    ],
)
def test_access__that_is_not_there__says_why(shell: Shell, changes: dict[str, Any], cost: int, reason: str) -> None:
    plan_id, holder = shell.world.register(**changes), shell.world.subscriber.address
    if changes != USAGE:
        shell.world.grant(plan_id, holder, 5)
    words = ("access", str(plan_id), holder, "--cost", str(cost))
    ran = shell(*words)
    assert (ran.exit_code, ran.stdout.splitlines()[2]) == (9, f"access   no: {reason}")
    assert json.loads(shell(*words, "--json").stdout)["reason"] == reason


def test_lots__of_a_plan_without_them__says_where_to_look(shell: Shell) -> None:
    plan_id, holder = shell.world.register(), shell.world.subscriber.address
    shell.world.grant(plan_id, holder, 5)
    shown = shell("lots", str(plan_id), holder).stdout.splitlines()[-1]
    assert shown == "lots     none: credits of this plan do not expire; see `nvm-chain balance`"
    usage = shell("lots", str(shell.world.register(**USAGE)), holder).stdout.splitlines()[-1]
    assert usage == "lots     none: this plan has no credits that expire; see `nvm-chain account`"


def test_access__as_a_question_in_a_script__answers_with_its_exit_code(shell: Shell) -> None:
    plan_id, holder = shell.world.register(), shell.world.subscriber.address
    question = f"if {shlex.join(COMMAND)} access {plan_id} {holder}; then echo may; else echo may not $?; fi"

    def ask() -> str:
        environment = clean_environment(**shell.environment)
        done = subprocess.run(["bash", "-c", question], env=environment, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()[-1]

    assert ask() == "may not 9"
    shell.world.grant(plan_id, holder, 1)
    assert ask() == "may"


def test_access__of_an_unknown_plan__is_an_error_and_not_a_no(shell: Shell) -> None:
    ran = shell("access", "7", shell.world.subscriber.address, "--json")
    assert (ran.exit_code, ran.error["type"]) == (6, "UnknownPlan")


def test_redeem__of_a_time_plan_that_starts_on_use__opens_access(shell: Shell) -> None:
    world = shell.world
    plan_id = world.register(**{**TIME, "activation": Activation.ON_FIRST_USE, "min_redeem": 1, "max_redeem": 1})
    world.grant(plan_id, world.subscriber.address, 2)
    assert shell("redeem", str(plan_id), "1", *SUBSCRIBER).exit_code == 0
    answer = shell("account", str(plan_id), world.subscriber.address, "--json").json
    assert (answer["balance"], answer["access_until"]) == (1, world.now + DAY)
    lines = shell("account", str(plan_id), world.subscriber.address).stdout.splitlines()
    assert lines[2:] == [
        "periods  1 not used yet",
        f"access   open until {format_utc(world.now + DAY)}",
    ]


def test_account__of_a_holder__shows_what_vouchers_took_and_the_trial(shell: Shell) -> None:
    world = shell.world
    plan_id = world.register(trial=True)
    world.grant(plan_id, world.subscriber.address, 5)
    answer = shell("account", str(plan_id), world.subscriber.address, "--json").json
    assert answer == {
        **names(plan_id),
        "holder": world.subscriber.address,
        "balance": 5,
        "settled": 0,
        "access_until": 0,
        "trial_taken": True,
    }
    lines = shell("account", str(plan_id), world.subscriber.address).stdout.splitlines()
    assert lines[2:] == [
        "credits  5 left",
        "settled  nothing so far",
        "trial    taken",
    ]


def test_account__of_credits_that_settlements_took__shows_how_many(shell: Shell) -> None:
    world = shell.world
    plan_id, holder = world.register(rule=RedemptionRule.OWNER), world.subscriber.address
    world.grant(plan_id, holder, 5)
    shell("voucher", "settle", str(plan_id), "--total", f"{holder}=4", "--dev-account", "1")
    lines = shell("account", str(plan_id), holder).stdout.splitlines()
    assert lines[2:] == ["credits  1 left", "settled  4 credits so far"]


def test_account__before_the_first_period_and_after_the_last__says_that_access_is_not_open(shell: Shell) -> None:
    world = shell.world
    plan_id, holder = world.register(**TIME), world.subscriber.address
    lines = shell("account", str(plan_id), holder).stdout.splitlines()
    assert lines[2:] == ["periods  none left to use", "access   never opened"]
    world.grant(plan_id, holder, 1)
    until = read_access_until(world.chain, plan_id, holder)
    world.mine_at(until)
    assert shell("account", str(plan_id), holder).stdout.splitlines()[-1] == f"access   ended on {format_utc(until)}"


def test_account__of_a_plan_paid_by_request__says_that_it_has_no_credits(shell: Shell) -> None:
    plan_id = shell.world.register(**USAGE)
    lines = shell("account", str(plan_id), shell.world.subscriber.address).stdout.splitlines()
    assert lines[2:] == ["credits  none, as each request is paid for"]


def test_lots__of_an_expiring_plan__are_in_the_order_they_expire(shell: Shell) -> None:
    world = shell.world
    plan_id = world.register(duration=DAY)
    world.fund(world.subscriber)
    expiries = []
    for _ in range(2):
        world.order(plan_id)
        expiries.append(world.now + DAY)
    answer = shell("lots", str(plan_id), world.subscriber.address, "--json").json
    if expiries[0] < expiries[1]:
        assert answer["lots"] == [{"credits": 100, "expires_at": expiry} for expiry in expiries]
    assert sum(lot["credits"] for lot in answer["lots"]) == 200
    lines = shell("lots", str(plan_id), world.subscriber.address).stdout.splitlines()
    assert lines[-1].endswith(f" until {format_utc(expiries[-1])}")
    assert shell("lots", str(plan_id), world.stranger.address).stdout.splitlines()[-1] == "lots     none"


@pytest.mark.parametrize("command", ["access", "account", "lots"])
def test_reads__of_an_unknown_plan__are_an_error(shell: Shell, command: str) -> None:
    ran = shell(command, "7", shell.world.subscriber.address, "--json")
    assert (ran.exit_code, ran.error["type"]) == (6, "UnknownPlan")


# ---------------------------------------------------------------------- what makes no plan

PRICED = ("--price", "20 USDC")
QUOTED = ("--quoter", "0x" + "11" * 20)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (
            PRICED,
            "The grant of a purchase is missing. Give --grants N for credits, --period 30d for time, or --usage for neither.",
        ),
        (
            (*PRICED, "--usage", "--grants", "5", "--trial"),
            "With --usage a purchase grants nothing. Leave out --grants and --trial.",
        ),
        (
            (*PRICED, "--usage", "--grants", "0"),
            "With --usage a purchase grants nothing. Leave out --grants.",
        ),
        (
            (*PRICED, "--usage", "--period", "1d"),
            "With --usage a purchase grants nothing. Leave out --period.",
        ),
        (
            (*PRICED, "--period", "1d", "--per-request", "2"),
            "With --period requests cost nothing while access lasts. Leave out --per-request.",
        ),
        (
            (*PRICED, "--period", "1d", "--expires", "2d", "--transferable"),
            "With --period requests cost nothing while access lasts. Leave out --expires and --transferable.",
        ),
        (
            (*PRICED, "--period", "1d", "--rule", "owner"),
            "A period that starts at purchase needs no redemption. Leave out --rule, or add --starts first-use.",
        ),
        (
            (*PRICED, "--grants", "5", "--starts", "first-use"),
            "--starts is for periods of access only. Leave out --starts, or give --period 30d for access by time.",
        ),
        (
            (*PRICED, "--grants", "5", "--expires", "1d", "--transferable"),
            "Credits that expire cannot be transferable. Leave out --expires or --transferable.",
        ),
        (
            (*PRICED, "--paid-externally", "--grants", "5"),
            (
                "A plan with --paid-externally has no price on the chain. "
                "Leave out --paid-externally, or --price, --price-base-units, --token, --split and --quoter."
            ),
        ),
        (
            ("--paid-externally", "--usage"),
            "With --usage each request is paid on the chain. Leave out --usage or --paid-externally.",
        ),
        (
            (*PRICED, *QUOTED, "--grants", "5"),
            "The price comes from the quoter. Leave out --quoter, or --price and --price-base-units.",
        ),
        (
            (*QUOTED, "--grants", "5"),
            "The token of the quoter's prices is missing. Give --token USDC, --token ETH or --token ADDRESS.",
        ),
    ],
)
def test_plan_register__with_options_that_contradict_each_other__names_the_way(
    shell: Shell, options: tuple[str, ...], problem: str
) -> None:
    state = shell.state()
    ran = shell("plan", "register", *options, *BUILDER, "--json")
    assert (ran.exit_code, ran.error["type"]) == (2, "InvalidConfig")
    assert ran.error["message"] == problem
    assert shell.state() == state


def test_plan_register__with_a_quoter_that_is_no_contract__is_refused_by_the_chain(shell: Shell) -> None:
    ran = shell("plan", "register", *QUOTED, "--token", "USDC", "--grants", "5", *BUILDER, "--json")
    assert (ran.exit_code, ran.error["type"]) == (6, "QuoterWithoutCode")
