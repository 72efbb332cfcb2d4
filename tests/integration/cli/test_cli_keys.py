"""Where keys come from on the command line, and that they appear nowhere."""

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from eth_account import Account

from nvm_chain.signing.keys import read_keyfile
from tests.integration.cli.conftest import PASSWORD, Shell
from tests.support.anvil import run_anvil
from tests.support.shell import Ran, run_cli, run_terminal, told

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


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("absent.json", None, "cannot read it (No such file or directory)"),
        ("bad.json", "nope", "it is not JSON"),
        ("bad.json", '{"address": 1}', "it has no 'crypto' section"),
    ],
)
def test_keyfile__that_is_none__is_told_before_a_password_is_asked_for(
    shell: Shell, plan: str, name: str, content: str | None, problem: str
) -> None:
    if content is not None:
        Path(name).write_text(content, "utf-8")
    del shell.environment["NVM_CHAIN_PASSWORD"]
    ran = shell("burn", plan, "1", "--keyfile", name, "--json")
    assert (ran.exit_code, ran.error["type"], ran.error["fields"]["reason"]) == (3, "KeyFailure", problem)
    assert ("nvm-chain key new absent.json" in ran.error["next_step"]) == (content is None)


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


REGISTER = ("plan", "register", "--price", "1 USDC", "--grants", "1", "--dev-account", "1", "--network", "embedded")


def test_dev_account__on_the_embedded_chain__is_one_of_its_own_and_the_answer_says_that_it_ends(shell: Shell) -> None:
    ran = shell(*REGISTER, "--json", NVM_CHAIN_RPC="")
    assert ran.exit_code == 0
    assert json.loads(ran.stdout)["creator"] == Account.from_key((2).to_bytes(32)).address
    assert ran.stderr == "Note: the embedded chain ends with this command, and its data is lost.\n"


@pytest.mark.parametrize("rpc", ["typed", "from the environment"])
def test_network_embedded__beside_a_node__is_refused_and_nothing_is_sent(shell: Shell, rpc: str) -> None:
    state = shell.state()
    typed = ("--rpc", shell.url) if rpc == "typed" else ()
    ran = shell(*REGISTER, *typed, "--json", NVM_CHAIN_RPC="" if typed else shell.url)
    assert (ran.exit_code, ran.error["type"]) == (2, "InvalidConfig")
    assert "--network embedded and --rpc (or NVM_CHAIN_RPC) contradict each other" in ran.error["message"]
    assert shell.state() == state


def test_network__of_another_chain_than_the_nodes__is_refused(shell: Shell) -> None:
    words = ["base:sepolia" if word == "embedded" else word for word in REGISTER]
    ran = shell(*words, "--json")
    assert (ran.exit_code, ran.error["type"]) == (4, "WrongChain")


def test_keyfile__that_is_missing__is_noticed_before_its_password(shell: Shell, plan: str) -> None:
    environment = {name: value for name, value in shell.environment.items() if name != "NVM_CHAIN_PASSWORD"}
    ran = run_cli("burn", plan, "1", "--keyfile", "missing.json", "--json", environment=environment)
    assert (ran.exit_code, ran.error["type"]) == (3, "KeyFailure")
    assert "cannot read it (No such file or directory)" in ran.error["message"]
    assert "nvm-chain key new missing.json" in ran.error["message"]


# ---------------------------------------------------------------------- key new, key show


def test_key_new__with_a_password_file__makes_a_key_file_that_signs(shell: Shell, plan: str) -> None:
    (shell.folder / "password.txt").write_text("a password of its own\n", "utf-8")
    made = shell("key", "new", "new.json", "--password-file", "password.txt", "--json")
    answer, text = made.json, (shell.folder / "new.json").read_text("utf-8")
    account = read_keyfile(shell.folder / "new.json", "a password of its own")
    assert answer == {"address": account.address, "keyfile": "new.json"}
    assert stat.S_IMODE((shell.folder / "new.json").stat().st_mode) == 0o600
    assert account.key.hex()[-64:] not in made.stdout + made.stderr + text
    assert shell("key", "show", "new.json", "--json").json == answer
    shell.world.chain.send_data(shell.world.builder, "0x", to=account.address, value=10**18)
    shell.world.grant(int(plan, 0), account.address, 3)
    burned = shell("burn", plan, "1", "--keyfile", "new.json", "--password-file", "password.txt", "--json").json
    assert (burned["holder"], burned["credits_left"]) == (account.address, 2)


@pytest.mark.parametrize("content", [b"mine", None])
def test_key_new__where_something_is__replaces_nothing(shell: Shell, content: bytes | None) -> None:
    path = shell.folder / "there.json"
    path.symlink_to("nowhere") if content is None else path.write_bytes(content)
    ran = shell("key", "new", "there.json", "--json")
    assert (ran.exit_code, ran.error["type"]) == (3, "KeyFailure")
    assert "a file with this path exists already" in ran.error["message"]
    assert path.is_symlink() if content is None else path.read_bytes() == content


@pytest.mark.parametrize(
    ("path", "password", "problem"),
    [
        ("new.json", "", "its password is empty"),
        ("no/such/folder/new.json", "x", "it cannot be written (No such file or directory)"),
    ],
)
def test_key_new__that_cannot_be__leaves_nothing(shell: Shell, path: str, password: str, problem: str) -> None:
    (shell.folder / "password.txt").write_text(password, "utf-8")
    ran = shell("key", "new", path, "--password-file", "password.txt", "--json")
    assert (ran.exit_code, ran.error["type"]) == (3, "KeyFailure")
    assert problem in ran.error["message"]
    assert not (shell.folder / path).exists()


def test_key_new__without_a_terminal_or_a_password__says_how_to_give_it(shell: Shell) -> None:
    ran = run_cli("key", "new", "new.json", "--json")
    assert (ran.exit_code, ran.error["type"]) == (3, "KeyFailure")
    assert "Give --password-file, or set NVM_CHAIN_PASSWORD" in ran.error["message"]
    assert not (shell.folder / "new.json").exists()


def test_key_new__in_a_terminal__asks_twice_and_shows_neither_password_nor_key(shell: Shell) -> None:
    answers = {"Password for new.json": "from the terminal", "Repeat for confirmation": "from the terminal"}
    ran = run_terminal("key", "new", "new.json", answers=answers, environment={})
    assert ran.exit_code == 0, ran.stdout
    account = read_keyfile(shell.folder / "new.json", "from the terminal")
    assert account.address in ran.stdout
    assert "from the terminal" not in ran.stdout
    assert account.key.hex()[-64:] not in ran.stdout


def test_key_show__of_what_is_no_key_file__says_so(shell: Shell) -> None:
    (shell.folder / "other.json").write_text("{}", "utf-8")
    ran = shell("key", "show", "other.json", "--json")
    assert (ran.exit_code, ran.error["type"]) == (3, "KeyFailure")
    assert "the file does not name an address" in ran.error["message"]


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
        (
            None,
            "cannot read it (No such file or directory)",
        ),
        ("not JSON", "it is not JSON"),
        ("[]", "it has no 'crypto' section"),
        ('{"version": 3, "crypto": {}}', "its 'crypto' section is malformed"),
        (CANARY, "it is not JSON"),
        (json.dumps({"crypto": {"ciphertext": CANARY}}), "its 'crypto' section is malformed"),
    ],
)
def test_keyfile__malformed__says_what_is_wrong(shell: Shell, plan: str, content: str | None, problem: str) -> None:
    before = shell.state(int(plan))
    if content is not None:
        (shell.folder / "key.json").write_text(content, "utf-8")
    ran = shell("burn", plan, "1", "--keyfile", "key.json", "--json")
    assert (ran.exit_code, ran.error["type"]) == (3, "KeyFailure")
    assert (ran.error["fields"]["source"], ran.error["fields"]["reason"]) == ("key file key.json", problem)
    assert_hidden(ran)
    assert shell.state(int(plan)) == before


def test_keyfile__with_a_wrong_password__says_so(shell: Shell, plan: str, write_keyfile: WriteKeyfile) -> None:
    write_keyfile("key.json", shell.world.subscriber.key)
    ran = shell("burn", plan, "1", "--keyfile", "key.json", "--json", NVM_CHAIN_PASSWORD="hunter2")
    assert ran.exit_code == 3
    assert (ran.error["fields"]["source"], ran.error["fields"]["reason"]) == (
        "key file key.json",
        "the password is wrong",
    )
    assert "hunter2" not in ran.stdout


def test_keyfile__without_a_password_and_without_a_terminal__says_where_to_put_it(
    shell: Shell, plan: str, write_keyfile: WriteKeyfile
) -> None:
    write_keyfile("key.json", shell.world.subscriber.key)
    del shell.environment["NVM_CHAIN_PASSWORD"]
    ran = shell("burn", plan, "1", "--keyfile", "key.json", "--json")
    assert ran.exit_code == 3
    assert (ran.error["fields"]["source"], ran.error["fields"]["reason"]) == (
        "key file key.json",
        "it needs a password",
    )
    assert "Give --password-file, or set NVM_CHAIN_PASSWORD" in ran.error["message"]


def test_password_file__missing__is_a_key_failure(shell: Shell, plan: str, write_keyfile: WriteKeyfile) -> None:
    write_keyfile("key.json", shell.world.subscriber.key)
    ran = shell("burn", plan, "1", "--keyfile", "key.json", "--password-file", "nowhere", "--json")
    assert ran.exit_code == 3
    assert ran.error["fields"]["reason"] == "cannot read the password file nowhere (No such file or directory)"


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "it is not set"),
        (CANARY + "00", "it is not a private key"),
        ("0x" + "00" * 32, "it is not a private key"),
    ],
)
def test_key_env__without_a_key__does_not_show_what_is_there(
    shell: Shell, plan: str, value: str | None, problem: str
) -> None:
    environment = {} if value is None else {"MY_KEY": value}
    ran = shell("burn", plan, "1", "--key-env", "MY_KEY", "--json", "-v", **environment)
    error = json.loads(ran.stdout)["error"]
    assert ran.exit_code == 3
    assert (error["fields"]["source"], error["fields"]["reason"]) == ("environment variable MY_KEY", problem)
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
    assert "as stolen" in ran.stderr
    assert "--keyfile or --key-env" in ran.stderr


def test_dev_account__on_a_chain_that_funds_none__is_refused() -> None:
    with run_anvil("--balance", "1") as url:
        ran = run_cli("faucet", "1 USDC", "--rpc", url, "--dev-account", "2", "--deployments", "nowhere", "--json")
    assert (ran.exit_code, ran.error["type"]) == (3, "KeyFailure")
    said = "chain 31337 is not a development chain, and the keys of development accounts are public; give a key of your own"
    assert (ran.error["fields"]["source"], told(ran.error)) == ("--dev-account 2", said)
