"""`nvm-chain gateway`: a configuration to start from, its check, its secrets and its books. No command shows a secret (S7)."""

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from nvm_chain.gateway.config import read_config
from nvm_chain.gateway.configuration.starting import RPC
from nvm_chain.gateway.sealing.keys import VARIABLE, make_key
from nvm_chain.meter.store.opening import open_store
from nvm_chain.types.ids import format_did
from tests.gateway.files import CANARY
from tests.integration.cli.conftest import Shell
from tests.meter.settling_shop import open_shop
from tests.support.shell import run_terminal


def init(shell: Shell, *more: str, **environment: str) -> Path:
    """Write a configuration, and return its path."""
    ran = shell("gateway", "init", "--did", "7", *more, "--json", **environment)
    assert ran.exit_code == 0, ran.stdout
    return Path(ran.json["config"])


# ---------------------------------------------------------------------- init


def test_init__in_an_empty_folder__writes_a_file_that_can_be_read_and_says_what_comes_next(shell: Shell) -> None:
    answer = shell("gateway", "init", "--did", "7", "--json").json
    assert answer == {
        "config": str(shell.folder / "gateway.toml"),
        "sealed": str(shell.folder / "secrets.sealed"),
        "key_file": str(shell.folder / "gateway.key"),
        "is_new_key": True,
        "node": shell.url,
        "node_from": "NVM_CHAIN_RPC",
        "next": ["nvm-chain gateway check", "nvm-chain gateway run"],
    }
    config = read_config(answer["config"])
    assert ([*config.settings.services], config.chain.rpc) == ([format_did(7)], shell.url)
    for name in ("gateway.key", "secrets.sealed"):
        assert (shell.folder / name).stat().st_mode & 0o777 == 0o600


def test_init__with_each_option__writes_it(shell: Shell) -> None:
    credits, agents = shell.world.credits.address, shell.world.chain.agents.address
    path = init(
        shell,
        *("--config", "own.toml", "--upstream", "http://127.0.0.1:9000/v1", "--url", "https://api.example.com"),
        *("--public-url", "https://service.example.com/v1"),
        *("--network", "base:sepolia", "--chain-id", "84532", "--credits", credits, "--agents", agents),
        *("--deployments", "records"),
    )
    config = read_config(path)
    assert (config.chain.network, config.chain.chain_id) == ("base:sepolia", 84_532)
    assert (config.chain.credits, config.chain.agents) == (credits, agents)
    assert config.chain.deployments == shell.folder / "records"
    assert config.settings.url == "https://api.example.com"
    service = config.settings.services[format_did(7)]
    assert (service.upstream, service.public_url) == ("http://127.0.0.1:9000/v1", "https://service.example.com/v1")


def test_init__without_a_public_url__leaves_it_to_the_upstream(shell: Shell) -> None:
    (service,) = read_config(init(shell)).settings.services.values()
    assert (service.public_url, service.endpoint_base) == (None, "http://127.0.0.1:8000")


def test_init__with_a_public_url_that_is_none__writes_nothing(shell: Shell) -> None:
    ran = shell("gateway", "init", "--public-url", "service.example.com", "--json")
    assert ran.exit_code == 2
    assert "https://service.example.com" in ran.error["message"]
    assert not (shell.folder / "gateway.toml").exists()


def test_init__of_a_network_while_the_variable_names_a_node__says_which_node_it_wrote(shell: Shell) -> None:
    ran = shell("gateway", "init", "--did", "7", "--network", "base:sepolia")
    assert (ran.exit_code, read_config(shell.folder / "gateway.toml").chain.rpc) == (0, shell.url)
    assert f"{shell.url}  from NVM_CHAIN_RPC" in ran.stdout
    assert "For a public node of base:sepolia, take the line `rpc` out of the file." in ran.stdout


def test_init__of_a_network_with_a_node_of_its_own__says_no_more_than_its_url(shell: Shell) -> None:
    ran = shell("gateway", "init", "--network", "base:sepolia", "--rpc", "https://node.example.com")
    assert "https://node.example.com  from --rpc" in ran.stdout
    assert "take the line" not in ran.stdout


@pytest.mark.parametrize(
    ("more", "node", "source", "shown"),
    [
        (("--network", "base:sepolia"), None, "--network", "a public node of base:sepolia"),
        ((), RPC, "default", RPC),
    ],
)
def test_init__without_a_url_of_a_node__says_which_node_the_file_means(
    shell: Shell, more: tuple[str, ...], node: str | None, source: str, shown: str
) -> None:
    without = replace(shell, environment={})
    answer = without("gateway", "init", "--did", "7", *more, "--json").json
    assert (answer["node"], answer["node_from"]) == (node, source)
    assert read_config(answer["config"]).chain.rpc == node
    ran = without("gateway", "init", *more, "--config", "second.toml")
    assert shown in ran.stdout


@pytest.mark.parametrize("name", ["gateway.toml", "own.toml"])
def test_init__where_a_file_is__replaces_nothing(shell: Shell, name: str) -> None:
    (shell.folder / name).write_text("mine")
    ran = shell("gateway", "init", "--config", name, "--json")
    assert (ran.exit_code, ran.error["type"]) == (2, "InvalidConfig")
    assert "--config" in ran.error["next_step"]
    assert (shell.folder / name).read_text() == "mine"
    assert not (shell.folder / "gateway.key").exists()


def test_init__for_a_second_file_of_the_folder__keeps_the_key_and_the_secrets(shell: Shell) -> None:
    init(shell)
    shell("gateway", "secret", "set", "service", typed=CANARY)
    key = (shell.folder / "gateway.key").read_bytes()
    answer = shell("gateway", "init", "--config", "second.toml", "--json").json
    assert (answer["is_new_key"], (shell.folder / "gateway.key").read_bytes()) == (False, key)
    assert answer["next"][0] == "nvm-chain gateway check --config second.toml"
    assert shell("gateway", "secret", "list", "--json").json["names"] == ["service"]


def test_init__with_a_key_in_the_environment__writes_none(shell: Shell) -> None:
    answer = shell("gateway", "init", "--json", **{VARIABLE: make_key()}).json
    assert (answer["key_file"], answer["is_new_key"]) == (None, False)
    assert not (shell.folder / "gateway.key").exists()


@pytest.mark.parametrize("url", [f"https://node.example.com/v2/{CANARY}", f"https://me:{CANARY}@node.example.com"])
def test_init__of_a_node_with_a_key_in_its_url__seals_the_url(shell: Shell, url: str) -> None:
    path = init(shell, "--rpc", url)
    assert CANARY not in path.read_text()
    assert read_config(path).chain.rpc == "sealed:node"
    ran = shell("gateway", "secret", "list", "--json")
    assert (ran.json["names"], CANARY in ran.stdout) == (["node"], False)


# ---------------------------------------------------------------------- check


def test_check__of_a_new_file__ends_with_9_and_says_what_to_do(shell: Shell) -> None:
    init(shell, "--upstream", shell.url)
    ran = shell("gateway", "check", "--json")
    answer = json.loads(ran.stdout)
    assert (ran.exit_code, answer["ready"], answer["missing"]) == (9, False, 1)
    (found,) = [each for each in answer["findings"] if each["verdict"] == "missing"]
    assert "has no such agent" in found["text"]
    shown = shell("gateway", "check")
    assert shown.exit_code == 9
    lines = shown.stdout.splitlines()
    (at,) = [number for number, line in enumerate(lines) if line.startswith("MISSING")]
    assert lines[at + 1].strip().startswith("Register it with `nvm-chain agent register`")
    assert lines[-1].split(maxsplit=1) == ["result", "1 thing missing"]


def test_check__without_a_file__ends_with_9(shell: Shell) -> None:
    ran = shell("gateway", "check", "--json")
    (found,) = json.loads(ran.stdout)["findings"]
    assert (ran.exit_code, found["subject"]) == (9, "configuration")
    assert "`nvm-chain gateway init`" in found["next_step"]


# ---------------------------------------------------------------------- secrets


def test_secret__of_every_command__is_shown_by_none(shell: Shell) -> None:
    init(shell)
    outputs = [
        shell("gateway", "secret", *words, *more, typed=typed)
        for words, typed in (
            (("set", "service"), f"{CANARY}\n"),
            (("set", "service"), CANARY),
            (("set", "other"), f"{CANARY}\n{CANARY}"),
            (("set", "a b"), CANARY),
            (("list",), None),
            (("rotate",), None),
            (("remove", "service"), None),
            (("remove", "service"), None),
        )
        for more in ((), ("--json",))
    ]
    assert [ran.exit_code for ran in outputs] == [*(0,) * 4, *(2,) * 4, *(0,) * 5, *(2,) * 3]
    assert CANARY not in "".join(ran.stdout + ran.stderr for ran in outputs)
    assert CANARY.encode() not in b"".join(path.read_bytes() for path in shell.folder.iterdir() if path.is_file())


def test_secret_set__with_the_secret_as_an_argument__stores_nothing(shell: Shell) -> None:
    init(shell)
    ran = shell("gateway", "secret", "set", "service", CANARY, "--json")
    assert (ran.exit_code, ran.error["type"]) == (2, "UsageError")
    assert shell("gateway", "secret", "list", "--json").json["names"] == []


def test_secret_set__of_a_private_key_as_its_name__calls_it_stolen(shell: Shell) -> None:
    init(shell)
    ran = shell("gateway", "secret", "set", "0x" + "ab" * 32, typed="x")
    assert (ran.exit_code, "ab" * 32 in ran.stderr) == (3, False)


def test_secret_set__in_a_terminal__asks_twice_and_echoes_nothing(shell: Shell) -> None:
    init(shell)
    ran = run_terminal(
        *("gateway", "secret", "set", "service"),
        answers={"Secret service: ": CANARY, "Repeat for confirmation: ": CANARY},
        environment=shell.environment,
    )
    assert ran.exit_code == 0, ran.stdout
    assert "sealed:service" in ran.stdout
    assert shell("gateway", "secret", "list", "--json").json["names"] == ["service"]


def test_secret__without_a_configuration__says_how_to_make_one(shell: Shell) -> None:
    ran = shell("gateway", "secret", "set", "service", "--json", typed=CANARY)
    assert (ran.exit_code, "nvm-chain gateway init" in ran.error["next_step"]) == (2, True)


def test_secret__of_a_configuration_with_a_mistake__can_still_be_stored(shell: Shell) -> None:
    path = init(shell)
    path.write_text(path.read_text().replace("port = ", "prot = "))
    assert shell("gateway", "secret", "set", "service", typed=CANARY).exit_code == 0


def test_secret_rotate__of_a_key_in_the_environment__says_what_to_put_there(shell: Shell) -> None:
    old, new = make_key(), make_key()
    init(shell, **{VARIABLE: old})
    ran = shell("gateway", "secret", "rotate", "--json", **{VARIABLE: old})
    assert (ran.exit_code, ran.error["type"]) == (3, "KeyFailure")
    assert "a comma before it" in ran.error["next_step"]
    assert shell("gateway", "secret", "rotate", "--json", **{VARIABLE: f"{new},{old}"}).json["key_file"] is None
    assert shell("gateway", "secret", "list", "--json", **{VARIABLE: new}).json["names"] == []
    assert shell("gateway", "secret", "list", "--json", **{VARIABLE: old}).exit_code == 3


def test_secret_rotate__without_a_sealed_file__makes_one(shell: Shell) -> None:
    init(shell)
    (shell.folder / "secrets.sealed").unlink()
    assert shell("gateway", "secret", "rotate").exit_code == 0
    assert (shell.folder / "secrets.sealed").exists()


# ---------------------------------------------------------------------- settle


def test_settle__of_credits_that_are_due__takes_them_with_the_redeemer_of_the_file(shell: Shell) -> None:
    path = init(shell)
    path.write_text(path.read_text().replace("dev_account = 3", "dev_account = 4"))
    with open_shop(shell.world, shell.folder, "meter.db") as shop:
        shop.charge(shop.sign(30), 20)
        plan_id = shop.plan_id
    holder = shell.world.subscriber.address
    assert shell("gateway", "settle", "--json").json["credits"] == 0  # not due by the usual rules
    path.write_text(path.read_text().replace("# max_credits = 1000", "max_credits = 10"))
    assert shell("gateway", "settle", "--dry-run", "--json").json["batches"][0]["credits"] == 20
    before = shell.world.balance(plan_id, holder)
    assert shell("gateway", "settle", "--json").json["credits"] == 20
    assert shell.world.balance(plan_id, holder) == before - 20


def test_settle__with_a_key_that_may_not__fails_without_a_stack(shell: Shell) -> None:
    init(shell)
    ran = shell("gateway", "settle", "--json")
    assert (ran.exit_code, ran.error["type"]) == (10, "IndexUnavailable")


# ---------------------------------------------------------------------- status


def test_status__says_how_the_books_stand_and_who_settles(shell: Shell) -> None:
    init(shell)
    with open_shop(shell.world, shell.folder, "meter.db") as shop:
        shop.charge(shop.sign(30), 20)
    answer = shell("gateway", "status", "--json").json
    assert (answer["meter"]["charged"], answer["meter"]["owed"], answer["settlers"]) == (20, 20, [])
    shown = shell("gateway", "status").stdout
    assert "20 credits" in shown
    assert shown.splitlines()[-1].split(maxsplit=1) == ["settler", "none runs now"]


def test_status__while_the_gateway_has_the_file__says_so_at_once(shell: Shell) -> None:
    init(shell)
    chain = shell.world.chain
    books = open_store(shell.folder / "meter.db", chain_id=chain.chain_id, credits=chain.credits.address)
    with closing(books):
        ran = shell("gateway", "status", "--json")
    assert (ran.exit_code, ran.error["type"]) == (10, "IndexUnavailable")
    assert "a file has its books for one process alone" in ran.error["problem"]


def test_status__before_the_first_run__says_that_there_are_no_books(shell: Shell) -> None:
    init(shell)
    ran = shell("gateway", "status", "--json")
    assert (ran.exit_code, ran.error["type"]) == (10, "IndexUnavailable")
