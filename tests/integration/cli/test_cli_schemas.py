"""docs/cli.md: it has every command and every exit code, and each command answers as it says.

The shell that all tests here use compares each answer with the page. What is here is that no command is left out.
"""

import json
import re

import pytest

from nvm_chain.cli.exit_codes import EXIT_CODES
from nvm_chain.errors.formatting import format_plan_id
from tests.integration.cli.conftest import Shell, name_command
from tests.support.answers import PAGE, SAME_AS, SIMPLE, VARIANTS, find_problems, read_page
from tests.unit.test_cli_help import COMMANDS

NAMES = {" ".join(path) for path in COMMANDS}


def test_page__has_a_section_for_each_command_and_no_other() -> None:
    described = {*(SAME_AS.get(name, name) for name in NAMES), *(each for more in VARIANTS.values() for each in more)}
    objects = {kind for rows in read_page().values() for each in rows.values() for kind in [each.split(" or ")[0]]}
    assert set(read_page()) - objects - {"error"} == described
    assert {kind.removeprefix("map of ") for kind in objects} <= SIMPLE.keys() | read_page().keys()


def test_page__has_the_exit_codes_of_the_program() -> None:
    table = PAGE.read_text("utf-8").partition("## Exit codes")[2].partition("##")[0]
    assert {
        int(code): meaning for code, meaning in re.findall(r"^\| (\d+) \| (.*) \|$", table, re.MULTILINE)
    } == EXIT_CODES


def test_page__explains_every_simple_type() -> None:
    table = PAGE.read_text("utf-8").partition("| type | what it is |")[2].partition("\n\n")[0]
    explained = {name for cell in re.findall(r"^\| ([a-zT ,]+?) \|", table, re.MULTILINE) for name in cell.split(", ")}
    assert explained - {"map of T"} == SIMPLE.keys()


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"address": "0x" + "Aa" * 20, "keyfile": "x"}, "key new.address is not address"),
        ({"keyfile": "x"}, "key new lacks address"),
        ({"address": "0x" + "11" * 20, "keyfile": "x", "key": "x"}, "key new has key, which is not documented"),
        ([], "key new is not an object"),
    ],
)
def test_find_problems__of_an_answer_that_is_not_as_documented__says_so(answer: object, problem: str) -> None:
    assert any(found.startswith(problem) for found in find_problems("key new", answer))


def test_answers__of_money_above_2_to_the_53__are_text_to_the_unit(shell: Shell) -> None:
    large = 2**70 + 1
    words = ("--price-base-units", str(large), "--token", "ETH", "--grants", "1", "--dev-account", "1", "--json")
    terms = shell("plan", "register", *words).json["terms"]
    assert (terms["price"], terms["splits"][0]["amount"]) == (str(large), str(large))


def test_error__with_json__has_type_message_and_fields(shell: Shell) -> None:
    ran = shell("plan", "show", format_plan_id(7), "--json")
    assert find_problems("error", json.loads(ran.stdout)) == []
    assert ran.error.keys() >= {"type", "message", "problem", "next_step", "fields"}
    assert ran.error["message"] == f"{ran.error['problem']} {ran.error['next_step']}"


def test_name_command__of_words__is_the_longest_command() -> None:
    assert name_command(("plan", "show", "7", "--json")) == "plan show"
    assert name_command(("order", "7")) == "order"
