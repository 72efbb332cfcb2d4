"""`nvm-chain plan new`: templates and questions, all terms in words first, and nothing signed without a yes."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from nvm_chain.enums import RedemptionRule
from nvm_chain.operations.plans import read_plan
from nvm_chain.operations.tokens import read_token_label
from nvm_chain.terms.template_configs import get_template_configs
from nvm_chain.terms.templates import FREE, TEMPLATES
from nvm_chain.terms.words import describe_terms
from nvm_chain.types.ids import format_did
from nvm_chain.types.plans import build_terms
from nvm_chain.types.prices import Split, get_split_price_config
from tests.integration.cli.conftest import Shell
from tests.support.shell import Ran, run_process, run_terminal
from tests.support.world import ZERO

BUILDER = ("--dev-account", "1")
QUESTION = "Register this plan? Its terms never change."
MONTH = ("--template", "month", "--price", "20 USDC")


def run(shell: Shell, *options: str, answers: Sequence[str] | None = None) -> Ran:
    """Run the command as the builder, and type answers if there are any."""
    typed = None if answers is None else "".join(f"{answer}\n" for answer in answers)
    return shell("plan", "new", *options, *BUILDER, typed=typed)


def count_sent(shell: Shell) -> int:
    """Return how many transactions the builder has sent."""
    return int(shell.world.chain.web3.eth.get_transaction_count(shell.world.builder.address, "pending"))


def find_plan(ran: Ran) -> str:
    """Return the id of the plan that was registered, or an empty text. The runner writes typed lines to stdout too."""
    match = re.search(r"^\s*plan id +(0x[0-9a-f]{64})$", ran.stdout, re.MULTILINE)
    return match[1] if match else ""


def read_words(text: str) -> list[str]:
    """Return the lines of an answer, each with single blanks."""
    return [" ".join(line.split()) for line in text.splitlines()]


# ---------------------------------------------------------------------- templates


@pytest.mark.parametrize("name", [name for name in TEMPLATES if name != "custom"])
def test_plan_new__from_each_template__registers_what_the_table_says(shell: Shell, name: str) -> None:
    world = shell.world
    price = () if TEMPLATES[name].price == FREE else ("--price", "3 USDC")
    answer = run(shell, "--template", name, *price, "--yes", "--json").json
    paid = get_split_price_config(world.usdc.address, {world.builder.address: 3_000_000}) if price else None
    plan = read_plan(world.chain, answer["plan_id"])
    assert plan.terms == build_terms(*get_template_configs(name, paid))
    assert plan.owner == world.builder.address == answer["creator"]
    told = describe_terms(plan.terms, read_token_label(world.chain, plan.terms.token), fee_bps=0)
    assert answer["words"] == [{"name": term.name, "title": term.title, "text": term.text} for term in told]


@pytest.mark.parametrize(
    ("options", "credits", "duration", "trial"),
    [
        (("--template", "month", "--price", "1 USDC", "--grants", "3"), 3, 30 * 86_400, False),
        (("--template", "trial", "--period", "3d"), 1, 3 * 86_400, True),
        (("--template", "week", "--price", "1 USDC", "--trial"), 1, 7 * 86_400, True),
        (
            ("--template", "100-requests", "--price", "1 USDC", "--grants", "500", "--expires", "90d"),
            500,
            90 * 86_400,
            False,
        ),
        (("--template", "custom", "--price", "1 USDC", "--grants", "7"), 7, 0, False),
        (("--price", "1 USDC", "--grants", "8"), 8, 0, False),
    ],
)
def test_plan_new__with_other_options__changes_single_terms_of_the_template(
    shell: Shell, options: tuple[str, ...], credits: int, duration: int, trial: bool
) -> None:
    terms = run(shell, *options, "--yes", "--json").json["terms"]
    assert (terms["credits"], terms["duration"], terms["trial"]) == (credits, duration, trial)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "The template is missing."),
        (("--template", "month"), "The price is missing."),
        (("--template", "fortnight"), "'fortnight' is not a template."),
        (("--template", "month", "--usage"), "--usage does not fit the template month."),
        (("--template", "100-requests", "--period", "1d"), "--period does not fit the template 100-requests."),
        (("--template", "month", "--price", "1 USDC", "--per-request", "2"), "With --period requests cost nothing"),
        (("--template", "month", "--price", "1"), "--price '1' has no unit."),
    ],
)
def test_plan_new__with_options_that_do_not_fit__says_so_and_sends_nothing(
    shell: Shell, options: tuple[str, ...], message: str
) -> None:
    before = count_sent(shell)
    ran = run(shell, *options, "--yes", "--json")
    assert ran.exit_code == 2
    assert ran.error["problem"].startswith(message)
    assert count_sent(shell) == before


# ---------------------------------------------------------------------- review


def test_plan_new__as_a_dry_run__shows_what_would_be_sent_and_sends_nothing(shell: Shell) -> None:
    world, before = shell.world, count_sent(shell)
    world.set_fee(250)
    dry = run(shell, *MONTH, "--name", "Pro", "--dry-run", "--json").json
    assert (dry["transaction"], dry["contract"], dry["fee_bps"]) == (None, world.credits.address, 250)
    assert dry["did"] == format_did(int(dry["plan_id"], 16))
    assert dry["metadata"]["name"] == "Pro"
    assert count_sent(shell) == before
    done = run(shell, *MONTH, "--name", "Pro", "--salt", dry["salt"], "--yes", "--json").json
    differing = {"gas", "max_cost_wei", "transaction"}
    assert {key: value for key, value in done.items() if key not in differing} == {
        key: value for key, value in dry.items() if key not in differing
    }
    assert done["transaction"]["gas_used"] <= dry["gas"]
    assert int(done["transaction"]["fee_wei"]) <= int(dry["max_cost_wei"])
    again = run(shell, *MONTH, "--name", "Pro", "--salt", dry["salt"], "--dry-run", "--json")
    assert (again.exit_code, again.error["type"]) == (6, "PlanAlreadyRegistered")


def test_plan_new__as_a_dry_run_for_people__has_every_term_as_a_sentence(shell: Shell) -> None:
    world = shell.world
    lines = read_words(run(shell, *MONTH, "--name", "Pro", "--description", "All of it.", "--dry-run").stdout)
    price = get_split_price_config(world.usdc.address, {world.builder.address: 20_000_000})
    terms = build_terms(*get_template_configs("month", price))
    told = describe_terms(terms, read_token_label(world.chain, terms.token), fee_bps=0)
    sentences = [f"{term.title.lower()} {term.text}" for term in told]
    assert lines[: 2 + len(sentences)] == ["name Pro", "description All of it.", *sentences]
    sent, gas, salt, future = lines[2 + len(sentences) :]
    assert sent == f"transaction registerPlan of {world.credits.address} on chain 31337, by {world.builder.address}"
    assert gas.startswith("gas ")
    assert gas.endswith(" ETH now")
    assert salt.startswith("salt 0x")
    assert future.startswith("id with this salt 0x")


def test_plan_new__as_a_dry_run_with_a_key_file__needs_no_password(
    shell: Shell, write_keyfile: Callable[[str, bytes], Path]
) -> None:
    write_keyfile("builder.json", bytes(shell.world.builder.key))
    words = ("plan", "new", *MONTH, "--dry-run", "--keyfile", "builder.json", "--json")
    assert shell(*words, NVM_CHAIN_PASSWORD="wrong").json["creator"] == shell.world.builder.address
    missing = shell(*words[:-2], "none.json", "--json")
    assert (missing.exit_code, missing.error["type"]) == (3, "KeyFailure")


@pytest.mark.parametrize(("answer", "registers"), [("y", True), ("n", False), ("", False)])
def test_plan_new__with_a_template__asks_once_after_all_terms_were_shown(
    shell: Shell, answer: str, registers: bool
) -> None:
    before = count_sent(shell)
    ran = run(shell, *MONTH, answers=[answer])
    assert ran.exit_code == (0 if registers else 1)
    shown, question, after = ran.stderr.partition(QUESTION)
    assert question
    assert "One purchase costs 20 USDC." in shown
    assert "Nobody can change these terms" in shown
    assert count_sent(shell) == before + registers
    assert (find_plan(ran) != "") is registers
    assert ("Nothing was sent." in after) is not registers


def test_plan_new__that_nobody_can_answer__sends_nothing_and_names_the_options(shell: Shell) -> None:
    before = count_sent(shell)
    for options in ((), ("--template", "month"), MONTH):
        ran = run_process("plan", "new", *options, *BUILDER, environment=shell.environment)
        assert ran.exit_code == 2
        assert "Nobody answered, and nothing was sent." in ran.stderr
        assert "--yes" in ran.stderr
    asked = run(shell, *MONTH, "--json")
    assert (asked.exit_code, asked.error["next_step"]) == (2, "Look at the terms with --dry-run, and then add --yes.")
    assert count_sent(shell) == before


def test_plan_new__where_the_fee_is_above_the_accepted_one__is_refused(shell: Shell) -> None:
    shell.world.set_fee(250)
    ran = run(shell, *MONTH, "--max-fee-bps", "249", "--yes", "--json")
    assert (ran.exit_code, ran.error["type"]) == (6, "FeeAboveMax")


# ---------------------------------------------------------------------- questions


def test_plan_new__with_empty_lines_only__is_the_usual_plan(shell: Shell) -> None:
    world = shell.world
    ran = run(shell, answers=["", "", "", "", "", "", "y"])
    plan = read_plan(world.chain, find_plan(ran))
    price = get_split_price_config(world.usdc.address, {world.builder.address: 20_000_000})
    assert plan.terms == build_terms(*get_template_configs("month", price))
    assert "name                    30 days of access" in ran.stderr
    assert all(f"{name} " in ran.stderr for name in TEMPLATES)


def test_plan_new__with_answers_that_do_not_fit__asks_again(shell: Shell) -> None:
    world, partner, builder = shell.world, shell.world.partner.address, shell.world.builder.address
    shares = f"{partner.lower()}=10, {builder}=2.5"
    answers = [
        *("fortnight", "custom", "gold", "credits", "ten", "50", "5..1x", "1..5", "30", "30d", "n"),
        *("0xabc", "USDC", "a lot", "0.0000001", "0.0001", "12.5 usdc"),
        *("nobody", f"{partner}=10, {builder}=2", shares, "sometimes", "owner", "Pro", "-", "y"),
    ]
    ran = run(shell, answers=answers)
    assert ran.exit_code == 0, ran.stderr
    terms = read_plan(world.chain, find_plan(ran)).terms
    assert terms == world.terms(
        splits=(Split(partner, 10_000_000), Split(builder, 2_500_000)),
        credits=50,
        duration=30 * 86_400,
        min_redeem=1,
        max_redeem=5,
        rule=RedemptionRule.OWNER,
    )
    for problem in (
        "'fortnight' is not a template.",
        "'gold' is not an answer. Give credits, time or usage.",
        "'ten' is not a whole number",
        "has no unit",
        "has more than the token's 6 decimals",
        "allow it with --allow-tiny-price",
        "The splits add up to 12 USDC, and the price is 12.5 USDC.",
        "'sometimes' is not an answer. Give holder, redeemer or owner.",
    ):
        assert problem in ran.stderr


def test_plan_new__for_time_on_first_use_in_the_native_coin__asks_for_all_of_it(shell: Shell) -> None:
    answers = ["custom", "time", "12h", "3", "first-use", "y", "eth", "0.5", "", "redeemer", "-", "y"]
    ran = run(shell, answers=answers)
    assert ran.exit_code == 0, ran.stderr
    terms = read_plan(shell.world.chain, find_plan(ran)).terms
    assert (terms.token, terms.price, terms.credits, terms.duration, terms.trial) == (ZERO, 5 * 10**17, 3, 43_200, True)
    assert (terms.activation.name, terms.rule.name) == ("ON_FIRST_USE", "REDEEMER")


def test_plan_new__for_usage_in_a_token_that_names_itself__shows_its_address(shell: Shell) -> None:
    world = shell.world
    token = world.deploy("HostileName")
    ran = run(shell, answers=["custom", "usage", token.address.lower(), "1.5", world.other.address, "-", "y"])
    assert ran.exit_code == 0, ran.stderr
    terms = read_plan(world.chain, find_plan(ran)).terms
    assert (terms.kind.name, terms.token, terms.splits) == (
        "USAGE",
        token.address,
        (Split(world.other.address, 15 * 10**17),),
    )
    assert f"Each unit of usage costs 1.5 31mUSDC (token {token.address})." in ran.stderr


def test_plan_new__for_a_free_plan__asks_neither_price_nor_receivers(shell: Shell) -> None:
    ran = run(shell, answers=["free", "-", "y"])
    assert ran.exit_code == 0, ran.stderr
    assert read_plan(shell.world.chain, find_plan(ran)).terms.splits == ()
    priced = run(shell, answers=["custom", "credits", "", "", "", "n", "y", "", "free", "", "-", "y"])
    assert priced.exit_code == 0, priced.stderr
    terms = read_plan(shell.world.chain, find_plan(priced)).terms
    assert (terms.splits, terms.transferable) == ((), True)


def test_plan_new__with_only_a_template_on_a_terminal__asks_for_the_price_and_then_once(shell: Shell) -> None:
    answers = {"Token of the price": "", "Price of one purchase": "", QUESTION: "y"}
    ran = run_terminal(*("plan", "new", "--template", "day", *BUILDER), answers=answers, environment=shell.environment)
    assert ran.exit_code == 0, ran.stdout
    assert "[2]" in ran.stdout
    assert ran.stdout.index("Nobody can change these") < ran.stdout.index(QUESTION)
    assert "Template" not in ran.stdout
