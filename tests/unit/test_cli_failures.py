"""From any error to one line, or one JSON object, and an exit code."""

import json
from dataclasses import dataclass

import click
import pytest

from nvm_chain import errors
from nvm_chain.cli import failures
from nvm_chain.cli.commands import accounts
from nvm_chain.cli.failures import describe_failure, find_exit_code, withhold
from nvm_chain.cli.session import Session
from nvm_chain.cli.shell_names import SHELL_NAMES
from nvm_chain.errors import NvmChainError, list_errors
from tests.support.shell import run_cli

KEY = "c0ffee" * 10 + "cafe"
EXPECTED = {
    errors.InputError: 2,
    errors.SignatureError: 2,
    errors.KeyFailure: 3,
    errors.NetworkError: 4,
    errors.DeploymentError: 4,
    errors.FundsError: 5,
    errors.TransactionError: 6,
    errors.RequestRefused: 6,
    errors.StorageError: 7,
}
OUTCOME_UNKNOWN = {errors.NotMined: 8, errors.OutcomeUnknown: 8, errors.BatchIncomplete: 8}


def leaves(kind: type[NvmChainError]) -> list[type[NvmChainError]]:
    """Return all classes below one, itself among them."""
    return [kind, *(leaf for child in kind.__subclasses__() for leaf in leaves(child))]


@pytest.mark.parametrize("kind", EXPECTED, ids=lambda kind: kind.__name__)
def test_exit_code__of_each_family__is_the_same_for_all_its_errors(kind: type[NvmChainError]) -> None:
    others = [leaf for leaf in leaves(kind) if leaf not in OUTCOME_UNKNOWN]
    assert {find_exit_code(leaf.__new__(leaf)) for leaf in others} == {EXPECTED[kind]}


@pytest.mark.parametrize("kind", OUTCOME_UNKNOWN, ids=lambda kind: kind.__name__)
def test_exit_code__of_a_transaction_that_may_still_be_mined__is_no_refusal(kind: type[NvmChainError]) -> None:
    assert find_exit_code(kind.__new__(kind)) == OUTCOME_UNKNOWN[kind]


def test_exit_code__of_every_error_of_the_package__is_documented() -> None:
    every = list_errors()
    assert {find_exit_code(leaf.__new__(leaf)) for leaf in every} == {2, 3, 4, 5, 6, 7, 8, 10}


def test_usage_error__is_input() -> None:
    assert describe_failure(click.UsageError("no"), verbose=False).exit_code == 2


def test_notes__that_were_added_to_an_error__are_told_too() -> None:
    error = errors.InvalidConfig("it failed")
    error.add_note("The approval\nstands.")
    failure = describe_failure(error, verbose=False)
    assert failure.message == "It failed. Correct it. Nothing was sent. The approval stands."
    assert failure.to_dict()["notes"] == ["The approval stands."]


PLAN_ID = int(KEY, 16)


def test_failure__of_an_error__has_its_parts() -> None:
    told = describe_failure(errors.CostAboveMax(20_000_000, 19_000_000).name_token("USDC", 6), verbose=False).to_dict()
    assert told == {
        "type": "CostAboveMax",
        "message": "The order costs 20 USDC, but you allowed at most 19 USDC. Raise --max-cost if you agree.",
        "problem": "The order costs 20 USDC, but you allowed at most 19 USDC.",
        "next_step": "Raise --max-cost if you agree.",
        "fields": {"cost": "20000000", "max_cost": "19000000"},
        "token": {"symbol": "USDC", "decimals": 6},
        "link": "nvm-chain help errors CostAboveMax",
    }


def test_failure__of_a_usage_error__has_the_same_parts() -> None:
    told = describe_failure(click.UsageError("no"), verbose=False).to_dict()
    see = "See `nvm-chain --help`."
    assert told == {
        "type": "UsageError",
        "message": f"no. {see}",
        "problem": "no.",
        "next_step": see,
        "fields": {},
        "link": "nvm-chain --help",
    }


@pytest.mark.parametrize(
    ("words", "error", "link"),
    [
        (("nonsense",), "UsageError", "nvm-chain --help"),
        (("order", "7", "--nonsense"), "NoSuchOption", "nvm-chain order --help"),
        (("order",), "MissingParameter", "nvm-chain order --help"),
        (("transaction", "0x12"), "BadParameter", "nvm-chain transaction --help"),
    ],
)
def test_failure__of_the_command_line__has_a_link_and_its_own_help(
    words: tuple[str, ...], error: str, link: str
) -> None:
    told = run_cli(*words, "--json").error
    assert (told["type"], told["link"]) == (error, link)
    text = run_cli("help", "errors", error.lower())
    assert (text.exit_code, text.stdout.splitlines()[0]) == (0, error)
    assert "Exit code: 2" in text.stdout


def test_failure__of_who_stops__has_no_link_but_help() -> None:
    assert describe_failure(click.Abort(), verbose=False).to_dict()["link"] is None
    assert "Exit code: 1" in run_cli("help", "errors", "Aborted").stdout


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("--rpc", "http://127.0.0.1:1", "plan", "list"), "put it behind the command's name and arguments. See"),
        (("plan", "--rpc", "http://127.0.0.1:1", "list"), "put it behind the command's name and arguments. See"),
        (("redeem", "7", "-1"), "No such option: -1. A word that begins with - is an option, and a number here is not"),
        (("redeem", "7", "--nonsense"), "No such option: --nonsense. See `nvm-chain redeem --help`."),
    ],
)
def test_hint__of_an_unknown_option__says_what_was_meant(words: tuple[str, ...], hint: str) -> None:
    ran = run_cli(*words)
    assert ran.exit_code == 2
    assert hint in ran.stderr


ADDRESS = "0x" + "11" * 20


@pytest.mark.parametrize(
    ("words", "problem", "next_step"),
    [
        (("order", "0x4c27"), "It has 4 hexadecimal digits, 60 too few.", "Copy all of it"),
        (("order", "0x4c27f150930e120a60"), "It has 18 hexadecimal digits, 46 too few.", "Copy all of it"),
        (("balance", ADDRESS, "7"), "It is an address.", "The order is `nvm-chain balance [OPTIONS] PLAN HOLDER...`."),
        (("access", ADDRESS, "7"), "It is an address.", "The order is `nvm-chain access [OPTIONS] PLAN HOLDER`."),
        (("agent", "show", "0x4c27"), "It has 4 hexadecimal digits, 60 too few.", "Copy all of it"),
    ],
)
def test_id__with_too_few_hexadecimal_digits__is_refused_in_one_way(
    words: tuple[str, ...], problem: str, next_step: str
) -> None:
    told = run_cli(*words, "--json").error
    assert problem in told["problem"]
    assert told["next_step"].startswith(next_step)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (
            ("--price", "25 USDC", "--split", f"{ADDRESS}=20 USDC"),
            "The splits add up to 20 USDC, and the price is 25 USDC.",
        ),
        (
            ("--price-base-units", "2", "--token", ADDRESS, "--split", f"{ADDRESS}=1"),
            "The splits add up to 1 base unit, and the price is 2 base units.",
        ),
    ],
)
def test_splits__that_do_not_add_up__are_told_in_the_unit_they_were_typed_in(
    options: tuple[str, ...], problem: str
) -> None:
    told = run_cli("plan", "register", *options, "--grants", "1", "--dev-account", "1", "--json").error
    assert told["problem"] == problem


def test_price__of_one_base_unit__is_not_told_in_the_plural() -> None:
    assert "A price of 1 base unit is only" in str(errors.SuspiciousPrice(1, 6, "USDC"))
    assert "A price of 20 base units is only 0.00002 USDC." in str(errors.SuspiciousPrice(20, 6, "USDC"))


@pytest.mark.parametrize(
    "error",
    [
        errors.InvalidPlanId(f"x{KEY}"),
        errors.KeyFailure(f"key file {KEY}", "it is not there"),
        errors.InvalidConfig(KEY),
    ],
    ids=lambda error: type(error).__name__,
)
def test_failure__of_a_key_in_the_wrong_place__does_not_show_it(error: NvmChainError) -> None:
    assert KEY not in json.dumps(describe_failure(error, verbose=False).to_dict())


def test_failure__of_an_input_that_was_explained__keeps_the_token_the_cause_and_the_next_step() -> None:
    error = errors.InvalidConfig("it cannot be").name_token("USDC", 6).explain("the cause", "do this with `max_cost`")
    error.add_note("A note.")
    told = describe_failure(error, verbose=False).to_dict()
    assert (told["problem"], told["next_step"]) == ("It cannot be. The cause.", "Do this with --max-cost.")
    assert told["token"] == {"symbol": "USDC", "decimals": 6}
    assert told["notes"] == ["A note."]
    assert error.reason == "it cannot be"


def test_failure__of_a_key_in_what_was_told_later__does_not_show_it() -> None:
    error = errors.InvalidConfig("it cannot be")
    error.explain(f"{KEY} is not a name", f"leave out {KEY}").add_note(f"It was {KEY}.")
    assert KEY not in json.dumps(describe_failure(error, verbose=False).to_dict())
    assert KEY in str(error)


def test_failure__with_a_plan_id__shows_it_although_it_has_as_many_digits() -> None:
    failure = describe_failure(errors.CostOutOfRange(PLAN_ID, 6, 6, 1, 5), verbose=False)
    assert f"0x{KEY}" in failure.message


def test_failure__of_each_error__names_no_python() -> None:
    """Each piece of code in a template has a name in the shell, or belongs to what the shell never does."""
    marked = {
        piece
        for error in list_errors()
        for template in (error.problem, error.next_step)
        for piece in template.split("`")[1::2]
    }
    both = {"nvm-chain transaction {transaction_hash}", "look_up_transaction"}  # each is told with where it is
    never = {"nvm_chain.types", "Buyer(…, max_body=…)", "Payments(…, gateway=Gateway(url, redeemer))"}
    assert marked - set(SHELL_NAMES) == both | never


@pytest.mark.parametrize("error", [errors.NotMined(f"0x{KEY}", 120), errors.OutcomeUnknown(f"0x{KEY}", "it is gone")])
def test_failure__of_a_transaction_that_may_still_be_mined__says_which_command_looks_it_up(
    error: NvmChainError,
) -> None:
    """The hash has as many digits as a key, and is shown."""
    failure = describe_failure(error, verbose=False)
    assert f"`nvm-chain transaction 0x{KEY}`" in failure.next_step
    assert "`look_up_transaction` in Python" in str(error)


@pytest.mark.parametrize("text", [KEY, f"0x{KEY}", f"a {KEY.upper()} b", f"'{KEY}{KEY}'"])
def test_withhold__of_what_may_be_a_key__shows_none_of_it(text: str) -> None:
    assert "ee" not in withhold(text).lower()
    assert "64 hexadecimal digits, not shown" in withhold(text)


@pytest.mark.parametrize("text", ["0x" + KEY[:-1], f"did:nv:{KEY}", "0x" + "11" * 20, "nothing of the kind"])
def test_withhold__of_anything_else__shows_it(text: str) -> None:
    assert withhold(text) == text


@dataclass
class Leaky(Exception):
    """An error of somebody else's with a key in it."""

    key: str = KEY


@pytest.fixture
def leaking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make `balance` fail as only a bug can."""

    def fail(context: click.Context) -> None:
        raise Leaky

    monkeypatch.setattr(accounts.balance, "invoke", fail)


@pytest.mark.parametrize("flags", [[], ["-v"], ["--json"], ["--json", "-v"]])
def test_bug__of_any_kind__is_told_without_its_values(leaking: None, flags: list[str]) -> None:
    ran = run_cli("balance", "7", "0x" + "11" * 20, *flags)
    said = json.loads(ran.stdout)["error"]["message"] if "--json" in flags else ran.stderr
    assert ran.exit_code == 1
    assert "Leaky" in ran.stdout + ran.stderr
    assert "This is a bug of nvm-chain." in said
    assert ("test_cli_failures.py" in said) == ("-v" in flags)
    assert KEY not in ran.stdout + ran.stderr


def test_json__from_the_environment__also_counts_for_errors() -> None:
    ran = run_cli("balance", environment={"NVM_CHAIN_JSON": "1"})
    assert json.loads(ran.stdout)["error"]["type"] == "MissingParameter"
    assert run_cli("balance", environment={"NVM_CHAIN_JSON": "0"}).stdout == ""


def test_failure__of_who_stops_before_anything_is_sent__says_so() -> None:
    told = describe_failure(failures.NothingSent(), verbose=False)
    assert (told.message, told.exit_code) == ("Stopped by you. Nothing was sent.", 1)
    told = describe_failure(click.Abort(), verbose=False)
    assert told.next_step == "A transaction that was sent already may still be mined."


def test_command__that_is_stopped_before_it_connects__says_that_nothing_was_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stop(session: Session) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Session, "connect", stop)
    ran = run_cli("balance", "7", "0x" + "11" * 20, "--network", "embedded")
    assert (ran.exit_code, ran.stderr) == (1, "Error (Aborted): Stopped by you. Nothing was sent.\n")
