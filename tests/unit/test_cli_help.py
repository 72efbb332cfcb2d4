"""`--help` teaches, answers at once, and says what is true."""

import ast
import re
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from nvm_chain import __version__
from nvm_chain.chain.networks import EMBEDDED, NETWORKS
from nvm_chain.cli import lazy
from nvm_chain.cli.app import cli
from nvm_chain.cli.catalogue import CATALOGUE
from nvm_chain.cli.command import SETTINGS, Argument, Command
from nvm_chain.cli.exit_codes import EXIT_CODES
from nvm_chain.errors import list_errors
from tests.support.shell import COMMAND, clean_environment, run_cli

HEAVY = {"rich", "web3", "eth_account", "eth_tester", "eth_abi", "eth_utils", "eth_typing", "pydantic", "requests"}
NAMES = [
    *("demo", "key", "deploy", "check-deployment", "plan", "agent"),
    *("order", "signed-order", "pay", "grant-external", "mint"),
    *("balance", "account", "access", "lots", "holdings", "statement", "index", "meter", "gateway"),
    *("facilitator", "transaction"),
    *("redeem", "transfer", "burn", "voucher", "token", "download", "faucet", "help"),
]


def walk(group: click.Group, *path: str) -> dict[tuple[str, ...], click.Command]:
    """Return every command and group with the words it is called by."""
    found: dict[tuple[str, ...], click.Command] = {path: group}
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        found |= walk(command, *path, name) if isinstance(command, click.Group) else {(*path, name): command}
    return found


ALL = walk(cli)
COMMANDS = {path: command for path, command in ALL.items() if isinstance(command, Command)}


def test_options__from_the_environment__say_which_chain_who_signs_and_how_to_answer() -> None:
    """What a command does is in its own line: a variable for one command would count for all that follow."""
    reading = {
        option.name
        for command in COMMANDS.values()
        for option in command.params
        if isinstance(option, click.Option) and option.allow_from_autoenv
    }
    assert reading == SETTINGS
    page = (Path(__file__).parent.parent.parent / "docs/cli.md").read_text()
    assert all(f"`--{name.replace('_', '-')}`" in page for name in SETTINGS)


def any_argument(command: click.Command) -> bool:
    """Return whether a command has arguments."""
    return any(isinstance(parameter, Argument) for parameter in command.params)


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_help__of_each_command__loads_nothing_heavy(path: tuple[str, ...]) -> None:
    names = loaded_by(*path)
    assert not {name.partition(".")[0] for name in names} & HEAVY
    assert "nvm_chain.errors" not in names


def loaded_by(*path: str) -> set[str]:
    """Return the modules that showing help loads, in a process of its own."""
    program = (
        "import sys\nfrom nvm_chain.cli import main\n"
        "try:\n    main()\nfinally:\n    print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *path, "--help"],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: nvm-chain{''.join(f' {word}' for word in path)}")
    return set(done.stderr.split())


def test_help__as_a_process__takes_less_than_importing_web3() -> None:
    help_seconds = min(measure(*COMMAND, "--help") for _ in range(3))
    assert help_seconds < measure(sys.executable, "-c", "import web3")


def measure(*command: str) -> float:
    """Return how long a command takes, in seconds."""
    started = time.monotonic()
    subprocess.run(command, env=clean_environment(), capture_output=True, timeout=60, check=True)
    return time.monotonic() - started


def test_commands__of_the_program__are_in_the_order_of_the_story() -> None:
    assert cli.list_commands(click.Context(cli)) == NAMES
    shown = run_cli("--help").stdout.partition("Commands:")[2]
    assert [line.split()[0] for line in shown.splitlines() if line[:3].strip()] == NAMES


@pytest.mark.parametrize(
    "path", [path for path, command in ALL.items() if isinstance(command, click.Group)], ids=" ".join
)
def test_group__alone__shows_its_help(path: tuple[str, ...]) -> None:
    assert run_cli(*path) == run_cli(*path, "--help") == run_cli("help", *path)
    assert run_cli(*path).exit_code == 0


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help__of_each_command__says_what_it_does_and_shows_examples(path: tuple[str, ...]) -> None:
    command = COMMANDS[path]
    assert command.examples
    text = run_cli(*path, "--help").stdout
    for example in command.examples:
        assert example.startswith(f"nvm-chain {' '.join(path)}")
        assert all(line in text for line in example.split("\n"))
    for parameter in command.params:
        assert isinstance(parameter, Argument | click.Option)
        explained = parameter.purpose if isinstance(parameter, Argument) else parameter.help
        assert getattr(parameter, "hidden", False) or str(explained).endswith(".")


@pytest.mark.parametrize("path", [path for path, each in COMMANDS.items() if any_argument(each)], ids=" ".join)
def test_help__of_a_command_with_arguments__explains_them_under_their_own_heading(path: tuple[str, ...]) -> None:
    text = run_cli(*path, "--help").stdout
    explained = text.partition("Arguments:\n")[2].partition("\n\n")[0]
    shown = [line.split()[0] for line in explained.splitlines() if line[2:3].strip()]
    names = [each.metavar or each.human_readable_name for each in COMMANDS[path].params if isinstance(each, Argument)]
    assert shown == names
    usage = " ".join(text.partition("\n\n")[0].split())
    assert all(name.strip("[].") in usage for name in names)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_command__of_each_command__is_its_help(path: tuple[str, ...]) -> None:
    assert run_cli("help", *path) == run_cli(*path, "--help")
    assert run_cli("help", *path, "--json").json["help"] == run_cli(*path, "--help").stdout.rstrip("\n")


def test_help_command__of_a_name_that_is_none__says_so() -> None:
    ran = run_cli("help", "plan", "regist", "--json")
    assert (ran.exit_code, ran.error["type"]) == (2, "UsageError")
    assert ran.error["message"] == "No such command 'regist'. Did you mean 'register'? See `nvm-chain plan --help`."


def test_catalogue__says_of_each_command_what_its_own_help_says() -> None:
    for name, entry in CATALOGUE.items():
        assert ALL[name,].get_short_help_str(limit=200) == entry.summary
        assert ALL[name,].name == name


@pytest.mark.parametrize(
    ("words", "modules"), [((), set()), (("plan",), {"plans", "plan_new", "plan_terms"}), (("order",), {"orders"})]
)
def test_help__of_a_command__imports_no_other(words: tuple[str, ...], modules: set[str]) -> None:
    room = "nvm_chain.cli.commands."
    assert {name.removeprefix(room) for name in loaded_by(*words) if name.startswith(room)} == modules


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_help__in_a_terminal_of_80_columns__fits(path: tuple[str, ...]) -> None:
    assert max(map(len, run_cli(*path, "--help").stdout.splitlines())) <= 80


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_each_command__takes_json(path: tuple[str, ...]) -> None:
    assert "--json" in {name for option in COMMANDS[path].params for name in option.opts}


def test_help__of_the_program__documents_every_exit_code() -> None:
    shown = run_cli("--help").stdout.partition("Exit codes:\n")[2].partition("\n\n")[0]
    documented = {int(line.split()[0]): line.split(maxsplit=1)[1] for line in shown.splitlines()}
    assert documented == EXIT_CODES
    assert list(documented) == list(range(11))


def test_help__of_network__names_every_known_network() -> None:
    option = next(option for option in COMMANDS["order",].params if option.name == "network")
    assert isinstance(option, click.Option)
    assert option.help == f"Network name: {', '.join(NETWORKS)}, or {EMBEDDED}."


def test_options__with_key_in_their_name__name_a_place_or_are_refused() -> None:
    options = [option for command in COMMANDS.values() for option in command.params if isinstance(option, click.Option)]
    named = {(*option.opts, option.hidden) for option in options if "key" in " ".join(option.opts)}
    assert named == {("--keyfile", False), ("--key-env", False), ("--private-key", "--key", True)}


def test_version__is_the_packages() -> None:
    assert run_cli("--version").stdout == f"nvm-chain, version {__version__}\n"


def test_lazy_modules__are_those_that_type_checkers_see() -> None:
    tree = ast.parse(Path(str(lazy.__file__)).read_text("utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.asname for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen == {name for name, value in vars(lazy).items() if isinstance(value, lazy.LazyModule)}


# ---------------------------------------------------------------------- errors


def test_help_errors__lists_each_error_once() -> None:
    words = re.findall(r"\w+", run_cli("help", "errors").stdout)
    assert {error.__name__: words.count(error.__name__) for error in list_errors()} == {
        error.__name__: 1 for error in list_errors()
    }


def test_help_errors__of_one__says_what_it_means_in_words_of_the_shell() -> None:
    shown = run_cli("help", "errors", "suspiciousprice").stdout
    assert shown.startswith("SuspiciousPrice, a kind of InputError\n\nRaised when a price is below")
    assert "--allow-tiny-price" in shown
    assert shown.endswith("Fields: amount, decimals, symbol\n\nExit code: 2\n")


def test_help_errors__of_an_unknown_name__leads_to_the_list() -> None:
    error = run_cli("help", "errors", "Nonsense", "--json").error
    assert error["type"] == "UsageError"
    assert "No error is called 'Nonsense'. All of them: `nvm-chain help errors`" in error["message"]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (("ordr",), "order"),
        (("plan", "registr"), "register"),
        (("help", "vouchr"), "voucher"),
        (("help", "errors", "Redeemoutofrang"), "RedeemOutOfRange"),
        (("help", "errors", "insufficientfund"), "InsufficientFunds"),
    ],
    ids=" ".join,
)
def test_command_line__with_a_mistyped_name__says_which_was_meant(typed: tuple[str, ...], meant: str) -> None:
    ran = run_cli(*typed)
    assert ran.exit_code == 2
    assert f"Did you mean {meant!r}? " in ran.stderr


def test_command_line__with_a_mistyped_option__says_which_was_meant() -> None:
    assert "--name" in run_cli("order", "7", "--nmae", "first").stderr


def test_command_line__with_a_name_far_from_all__suggests_nothing() -> None:
    assert "Did you mean" not in run_cli("zzzz").stderr
