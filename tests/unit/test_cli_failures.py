"""From any error to one line, or one JSON object, and an exit code."""

import json
from dataclasses import dataclass

import click
import pytest

from nvm_chain import contract_errors, errors
from nvm_chain.cli import app
from nvm_chain.cli.failures import describe_failure, find_exit_code, withhold
from nvm_chain.errors import NvmChainError
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
    errors.StorageError: 7,
}


def leaves(kind: type[NvmChainError]) -> list[type[NvmChainError]]:
    """Return all classes below one, itself among them."""
    return [kind, *(leaf for child in kind.__subclasses__() for leaf in leaves(child))]


@pytest.mark.parametrize("kind", EXPECTED, ids=lambda kind: kind.__name__)
def test_exit_code__of_each_family__is_the_same_for_all_its_errors(kind: type[NvmChainError]) -> None:
    assert {find_exit_code(leaf.__new__(leaf)) for leaf in leaves(kind)} == {EXPECTED[kind]}


def test_exit_code__of_every_error_of_the_package__is_documented() -> None:
    homes = (errors.__name__, contract_errors.__name__)
    every = {leaf for leaf in leaves(NvmChainError) if leaf.__module__ in homes} - {NvmChainError}
    assert {find_exit_code(leaf.__new__(leaf)) for leaf in every} == {2, 3, 4, 5, 6, 7}


def test_usage_error__is_input() -> None:
    assert describe_failure(click.UsageError("no"), verbose=False).exit_code == 2


def test_notes__that_were_added_to_an_error__are_told_too() -> None:
    error = errors.InvalidConfig("it failed")
    error.add_note("The approval\nstands.")
    assert describe_failure(error, verbose=False).message == "it failed. The approval stands."


@pytest.mark.parametrize("text", [KEY, f"0x{KEY}", f"a {KEY.upper()} b", f"'{KEY}{KEY}'"])
def test_withhold__of_what_may_be_a_key__shows_none_of_it(text: str) -> None:
    assert "ee" not in withhold(text).lower()
    assert "64 hexadecimal digits, not shown" in withhold(text)


@pytest.mark.parametrize("text", ["0x" + KEY[:-1], "0x" + "11" * 20, "nothing of the kind"])
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

    monkeypatch.setattr(app.cli.commands["balance"], "invoke", fail)


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
