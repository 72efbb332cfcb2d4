"""Where keys come from on the command line, and that they appear nowhere."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from eth_account import Account

from tests.integration.cli.conftest import PASSWORD, Shell
from tests.support.anvil import run_anvil
from tests.support.shell import Ran, run_cli, run_terminal

WriteKeyfile = Callable[[str, bytes], Path]

CANARY = "0x" + "c0ffee" * 10 + "cafe"
SOMEBODY = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


@pytest.fixture
def plan(shell: Shell) -> str:
    """A plan of which the subscriber has 10 credits."""
    plan_id = shell.world.register()
    shell.world.grant(plan_id, shell.world.subscriber.address, 10)
    return str(plan_id)


def assert_hidden(ran: Ran) -> None:
    """Fail if the canary is anywhere in what was printed, with or without 0x and in any case."""
    assert CANARY[2:] not in (ran.stdout + ran.stderr).lower()


# ---------------------------------------------------------------------- where they come from


def test_keyfile__with_a_password_file__signs(shell: Shell, plan: str, write_keyfile: WriteKeyfile) -> None:
    write_keyfile("key.json", shell.world.subscriber.key)
    (shell.folder / "password").write_text(f"{PASSWORD}\n", "utf-8")
    ran = shell(
        *("burn", plan, "1", "--keyfile", "key.json", "--password-file", "password", "--json"),
        NVM_CHAIN_PASSWORD="wrong",
    )
    assert ran.json["holder"] == shell.world.subscriber.address


def test_keyfile__with_the_password_in_the_environment__signs(
    shell: Shell, plan: str, write_keyfile: WriteKeyfile
) -> None:
    write_keyfile("key.json", shell.world.subscriber.key)
    ran = shell("burn", plan, "1", "--keyfile", "key.json", "--json", NVM_CHAIN_PASSWORD=PASSWORD)
    assert ran.json["holder"] == shell.world.subscriber.address


def test_keyfile__in_a_terminal__asks_for_the_password_without_showing_it(
    shell: Shell, plan: str, write_keyfile: WriteKeyfile
) -> None:
    path = write_keyfile("key.json", shell.world.subscriber.key)
    environment = {"NVM_CHAIN_RPC": shell.url, "NVM_CHAIN_DEPLOYMENTS": str(shell.folder / "deployments")}
    ran = run_terminal(
        *("burn", plan, "1", "--keyfile", str(path)), answers={"Password of": PASSWORD}, environment=environment
    )
    assert ran.exit_code == 0, ran.stdout
    assert "1 burned, 9 left" in ran.stdout
    assert PASSWORD not in ran.stdout


def test_key_env__names_the_variable__that_holds_the_key(shell: Shell, plan: str) -> None:
    ran = shell("burn", plan, "1", "--key-env", "MY_KEY", "--json", MY_KEY=shell.world.subscriber.key.hex())
    assert ran.json["holder"] == shell.world.subscriber.address


def test_dev_account__on_the_embedded_chain__is_one_of_its_own(shell: Shell) -> None:
    ran = shell(
        *(
            "plan",
            "register",
            "--price",
            "1 USDC",
            "--grants",
            "1",
            "--dev-account",
            "1",
            "--network",
            "embedded",
            "--json",
        ),
        NVM_CHAIN_RPC="",
    )
    assert ran.json["creator"] == Account.from_key((2).to_bytes(32)).address


def test_signer__typed__goes_before_one_of_the_environment(shell: Shell, plan: str) -> None:
    ran = shell("burn", plan, "1", "--dev-account", "2", "--json", NVM_CHAIN_KEYFILE="missing.json")
    assert ran.json["holder"] == shell.world.subscriber.address


@pytest.mark.parametrize("given", [[], ["--dev-account", "2", "--key-env", "MY_KEY"]])
def test_signer__none_or_two__is_a_usage_error(shell: Shell, plan: str, given: list[str]) -> None:
    before = shell.state(int(plan))
    ran = shell("burn", plan, "1", *given, "--json")
    assert (ran.exit_code, ran.error["type"]) == (2, "UsageError")
    assert "--keyfile PATH, --key-env VARIABLE or --dev-account N" in ran.error["message"]
    assert shell.state(int(plan)) == before


# ---------------------------------------------------------------------- files that are none


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot read it (No such file or directory)"),
        ("not JSON", "it is not JSON; expected an eth-account key file"),
        ("[]", "it has no 'crypto' section; expected an eth-account key file"),
        ('{"version": 3, "crypto": {}}', "its 'crypto' section is malformed"),
        (CANARY, "it is not JSON; expected an eth-account key file"),
        (json.dumps({"crypto": {"ciphertext": CANARY}}), "its 'crypto' section is malformed"),
    ],
)
def test_keyfile__malformed__says_what_is_wrong(shell: Shell, plan: str, content: str | None, problem: str) -> None:
    before = shell.state(int(plan))
    if content is not None:
        (shell.folder / "key.json").write_text(content, "utf-8")
    ran = shell("burn", plan, "1", "--keyfile", "key.json", "--json")
    assert (ran.exit_code, ran.error["type"]) == (3, "KeyFailure")
    assert ran.error["fields"] == {"source": "key file key.json", "problem": problem}
    assert_hidden(ran)
    assert shell.state(int(plan)) == before


def test_keyfile__with_a_wrong_password__says_so(shell: Shell, plan: str, write_keyfile: WriteKeyfile) -> None:
    write_keyfile("key.json", shell.world.subscriber.key)
    ran = shell("burn", plan, "1", "--keyfile", "key.json", "--json", NVM_CHAIN_PASSWORD="hunter2")
    assert ran.exit_code == 3
    assert ran.error["fields"] == {"source": "key file key.json", "problem": "the password is wrong"}
    assert "hunter2" not in ran.stdout


def test_keyfile__without_a_password_and_without_a_terminal__says_where_to_put_it(
    shell: Shell, plan: str, write_keyfile: WriteKeyfile
) -> None:
    write_keyfile("key.json", shell.world.subscriber.key)
    del shell.environment["NVM_CHAIN_PASSWORD"]
    ran = shell("burn", plan, "1", "--keyfile", "key.json", "--json")
    assert ran.exit_code == 3
    problem = "it needs a password: give --password-file, or set NVM_CHAIN_PASSWORD"
    assert ran.error["fields"] == {"source": "key file key.json", "problem": problem}


def test_password_file__missing__is_a_key_failure(shell: Shell, plan: str, write_keyfile: WriteKeyfile) -> None:
    write_keyfile("key.json", shell.world.subscriber.key)
    ran = shell("burn", plan, "1", "--keyfile", "key.json", "--password-file", "nowhere", "--json")
    assert ran.exit_code == 3
    assert ran.error["fields"]["problem"] == "cannot read the password file nowhere (No such file or directory)"


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "it is not set"),
        (CANARY + "00", "it is not a private key; expected 0x and 64 hexadecimal digits"),
        ("0x" + "00" * 32, "it is not a private key; expected 0x and 64 hexadecimal digits"),
    ],
)
def test_key_env__without_a_key__does_not_show_what_is_there(
    shell: Shell, plan: str, value: str | None, problem: str
) -> None:
    environment = {} if value is None else {"MY_KEY": value}
    ran = shell("burn", plan, "1", "--key-env", "MY_KEY", "--json", "-v", **environment)
    error = json.loads(ran.stdout)["error"]
    assert ran.exit_code == 3
    assert error["fields"] == {"source": "environment variable MY_KEY", "problem": problem}
    assert_hidden(ran)


# ---------------------------------------------------------------------- keys where none may be


@pytest.mark.parametrize("key", [CANARY, CANARY[2:], CANARY.upper().replace("0X", "0x")])
@pytest.mark.parametrize(
    "arguments",
    [
        ["burn", "7", "1", "--private-key", "KEY"],
        ["burn", "7", "1", "--key=KEY"],
        ["burn", "7", "1", "--keyfile", "KEY"],
        ["burn", "7", "1", "--key-env", "KEY"],
        ["burn", "7", "1", "--dev-account", "KEY"],
        ["burn", "7", "1", "--keyfile", "key.json", "--password-file", "KEY"],
        ["burn", "7", "1", "--holder", "KEY"],
        ["burn", "7", "1", "KEY"],
        ["burn", "7", "KEY"],
        ["burn", "KEYKEY", "1"],
        ["balance", "7", "KEY"],
        ["balance", "7", SOMEBODY, "--network", "KEY"],
        ["balance", "7", SOMEBODY, "--rpc", "KEY"],
        ["mint", "7", "KEY=1"],
        ["mint", "7", f"{SOMEBODY}=KEY"],
        ["plan", "register", "--price", "KEY", "--grants", "1"],
        ["plan", "register", "--price", "1 USDC", "--split", "KEY", "--grants", "1"],
        ["plan", "register", "--price", "1 USDC", "--grants", "KEY"],
        ["plan", "register", "--price", "1 USDC", "--grants", "1", "--per-request", "KEY"],
        ["KEY"],
        ["--KEY"],
    ],
    ids=" ".join,
)
def test_key__on_the_command_line__is_refused_and_not_repeated(arguments: list[str], key: str) -> None:
    typed = [argument.replace("KEY", key) for argument in arguments]
    for answer in ([], ["--json"], ["--json", "-v"]):
        ran = run_cli(*typed, *answer)
        assert ran.exit_code in {2, 3}
        assert_hidden(ran)


@pytest.mark.parametrize("option", ["--private-key", "--key", "--keyfile", "--key-env"])
def test_key__given_to_an_option__says_what_to_do_now(option: str) -> None:
    ran = run_cli("burn", "7", "1", option, CANARY)
    assert ran.exit_code == 3
    assert ran.stderr.startswith("Error (KeyFailure): No key from the command line: ")
    assert "known to others" in ran.stderr
    assert "--keyfile or --key-env" in ran.stderr


def test_dev_account__on_a_chain_that_funds_none__is_refused() -> None:
    with run_anvil("--balance", "1") as url:
        ran = run_cli("faucet", "1 USDC", "--rpc", url, "--dev-account", "2", "--deployments", "nowhere", "--json")
    assert (ran.exit_code, ran.error["type"]) == (3, "KeyFailure")
    assert ran.error["fields"] == {
        "source": "--dev-account 2",
        "problem": "chain 31337 is not a development chain, and that account's key is public",
    }
