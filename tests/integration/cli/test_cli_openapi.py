"""`nvm-chain agent import-openapi`: what it shows, what it asks, and what becomes public."""

import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from nvm_chain.enums import PlanKind
from nvm_chain.errors.formatting import format_plan_id
from nvm_chain.metadata.documents import AgentMetadata, build_metadata_uri, parse_metadata_uri
from nvm_chain.metadata.endpoint_costs import read_costs
from nvm_chain.metadata.endpoints import Endpoint
from nvm_chain.operations.agents import read_agent
from nvm_chain.types.agents import AttachedPlan
from tests.integration.cli.conftest import Shell
from tests.support.agents import Agents
from tests.support.http_server import Server, run_server
from tests.support.shell import Ran, run_cli, run_process, run_terminal
from tests.support.vectors import FOLDER

DOCUMENTS = FOLDER / "openapi"
EU = "https://eu.example.com/v1"
CHOICE = ("--exclude", "tag:admin", "--open", "/health", "--cost", "*=1", "--cost", "tag:reports=2..5")
BUILDER = ("--dev-account", "1")
COMMAND = ("agent", "import-openapi")


@pytest.fixture
def plan_id(shell: Shell) -> int:
    return shell.world.register()


@pytest.fixture(autouse=True)
def documents(shell: Shell) -> None:
    for name in ("shop.yaml", "pets.json"):
        shutil.copy(DOCUMENTS / name, shell.folder / name)


@pytest.fixture
def server() -> Iterator[Server]:
    with run_server() as running:
        yield running


def import_shop(shell: Shell, *words: str) -> Ran:
    """Register an agent with the endpoints of the shop, signed by the builder."""
    return shell(*COMMAND, "shop.yaml", "--name", "Shop", *words, *BUILDER)


# ---------------------------------------------------------------------- register


def test_import__of_a_new_agent__puts_endpoints_costs_and_plans_on_the_chain(shell: Shell, plan_id: int) -> None:
    words = ("--description", "Sells.", "--tag", "shop", "--plan", f"{format_plan_id(plan_id)}=1..5", "--yes")
    answer = import_shop(shell, *CHOICE, *words, "--json").json
    agent = read_agent(shell.world.chain, answer["agent_id"])
    metadata = parse_metadata_uri(agent.uri)
    assert (metadata.name, metadata.description, metadata.tags) == ("Shop", "Sells.", ("shop",))
    assert metadata.open_endpoints == (f"{EU}/health",)
    assert Endpoint("POST", f"{EU}/reports/:id\\:refresh") in metadata.endpoints
    assert read_costs(metadata)[Endpoint("POST", f"{EU}/reports/:id\\:refresh")] == (2, 5)
    assert read_costs(metadata)[Endpoint("GET", f"{EU}/orders")] == (1, 1)
    assert set(metadata.extras) == {"nvmCosts"}
    assert agent.plans == (AttachedPlan(plan_id, 1, 5),)
    assert agent.owner == shell.world.builder.address
    assert {each["access"] for each in answer["operations"] if "admin" in each["tags"]} == {"private"}


def test_import__of_a_new_agent__shows_what_becomes_public_and_then_what_is(shell: Shell, plan_id: int) -> None:
    ran = import_shop(shell, *CHOICE, "--plan", f"{plan_id}=1..5", "--yes")
    assert ran.exit_code == 0, ran.stderr
    assert "7 paid, 1 open, 4 private." in ran.stderr
    table = [line.split() for line in ran.stderr.splitlines() if line.startswith("  ")]
    assert ["paid", "POST", f"{EU}/reports/:id\\:refresh", "2..5", "refreshReport"] in table
    assert ["open", "GET", f"{EU}/health", "readHealth"] in table
    assert ["private", "DELETE", "/admin/users", "deleteUsers"] in table
    assert "Warning: the endpoints are at the first of 2 servers; --server names another" in ran.stderr
    lines = ran.stdout.splitlines()
    assert lines[0].split() == ["agent", "1"]
    assert f"open         {EU}/health" in lines
    assert "admin" not in ran.stdout


@pytest.mark.parametrize(
    ("path", "cost"),
    [("/orders", (1, 1)), ("/orders/latest", (1, 1)), ("/reports/7:refresh", (2, 5)), ("/health", (0, 0))],
)
def test_import__of_costs__are_what_a_request_costs(
    shell: Shell, plan_id: int, path: str, cost: tuple[int, int]
) -> None:
    import_shop(shell, *CHOICE, "--plan", f"{plan_id}=1..5", "--yes")
    method = "POST" if "refresh" in path else "GET"
    request = shell("agent", "match", "1", str(plan_id), method, EU + path, "--json").json["request"]
    assert (request["min_credits"], request["max_credits"], request["is_open"]) == (*cost, path == "/health")


def test_import__of_a_private_operation__leaves_it_unknown_to_the_agent(shell: Shell, plan_id: int) -> None:
    import_shop(shell, *CHOICE, "--plan", f"{plan_id}=1..5", "--yes")
    for method, path in (("GET", "/admin/users"), ("DELETE", "/orders/7"), ("GET", "/debug")):
        ran = shell("agent", "match", "1", str(plan_id), method, EU + path, "--json")
        assert ran.error["type"] == "UnknownEndpoint"


def test_import__with_costs_on_a_time_plan__costs_nothing_there(shell: Shell) -> None:
    plan_id = shell.world.register(kind=PlanKind.TIME, duration=86_400, min_redeem=0, max_redeem=0)
    assert import_shop(shell, *CHOICE, "--plan", f"{plan_id}=0", "--yes").exit_code == 0
    request = shell("agent", "match", "1", str(plan_id), "GET", f"{EU}/orders", "--json").json["request"]
    assert (request["min_credits"], request["max_credits"]) == (0, 0)


def test_import__from_a_url__reads_the_document_there(shell: Shell, server: Server) -> None:
    url = server.route("/openapi.json", (DOCUMENTS / "pets.json").read_bytes())
    words = ("--name", "Pets", "--server", "https://pets.example.com", "--yes", *BUILDER, "--json")
    shell(*COMMAND, url, *words)
    metadata = parse_metadata_uri(read_agent(shell.world.chain, 1).uri)
    assert Endpoint("GET", "https://pets.example.com/api/pets") in metadata.endpoints
    assert "127.0.0.1" not in build_metadata_uri(metadata)


def test_import__on_the_embedded_chain__registers_an_agent(shell: Shell) -> None:
    words = ("--name", "Shop", *CHOICE, "--network", "embedded", "--yes", *BUILDER, "--json")
    answer = json.loads(run_cli(*COMMAND, "shop.yaml", *words).stdout)
    assert (answer["agent_id"], len(answer["metadata"]["endpoints"])) == (1, 7)


# ---------------------------------------------------------------------- update


def test_import__for_an_agent__replaces_endpoints_and_costs_and_keeps_the_rest(shell: Shell, plan_id: int) -> None:
    old = AgentMetadata(
        "Shop",
        "Sells.",
        tags=("a",),
        endpoints=(Endpoint("GET", "https://old.example.com/a"),),
        open_endpoints=("https://old.example.com/b",),
        extras={"nvmCosts": {"*": 3}, "colour": "blue"},
    )
    agent_id = Agents(shell.world).register((plan_id, 1, 5), uri=build_metadata_uri(old))
    words = ("--agent", str(agent_id), "--include", "tag:orders", "--yes", *BUILDER, "--json")
    answer = shell(*COMMAND, "shop.yaml", *words).json
    new = parse_metadata_uri(read_agent(shell.world.chain, agent_id).uri)
    assert (new.name, new.description, new.tags, dict(new.extras)) == ("Shop", "Sells.", ("a",), {"colour": "blue"})
    assert new.open_endpoints == ()
    assert {each.url_pattern.removeprefix(EU) for each in new.endpoints} == {
        *("/orders", "/orders/:order_id", "/orders/latest")
    }
    assert answer["agent_id"] == agent_id
    assert answer["metadata"]["colour"] == "blue"


@pytest.mark.parametrize("cost", ["*=6", "listOrders=0..5", "tag:orders=1..6"])
def test_import__with_a_cost_outside_the_range_of_a_plan__sends_nothing(shell: Shell, plan_id: int, cost: str) -> None:
    agent_id = Agents(shell.world).register((plan_id, 1, 5), uri=build_metadata_uri(AgentMetadata("Shop")))
    before = shell.state()
    for words in (("--agent", str(agent_id)), ("--name", "Shop", "--plan", f"{plan_id}=1..5")):
        ran = shell(*COMMAND, "shop.yaml", *words, "--cost", cost, "--yes", *BUILDER, "--json")
        assert (ran.exit_code, ran.error["type"]) == (2, "CostOutOfRange")
    assert shell.state() == before


def test_import__for_an_agent_whose_metadata_is_elsewhere__says_so(shell: Shell) -> None:
    agent_id = Agents(shell.world).register(uri="https://example.com/agent.json")
    ran = shell(*COMMAND, "shop.yaml", "--agent", str(agent_id), "--yes", *BUILDER, "--json")
    assert ran.error["problem"] == f"The metadata of agent {agent_id} is not on the chain."


# ---------------------------------------------------------------------- look before


def test_dry_run__needs_neither_a_chain_nor_a_key(shell: Shell) -> None:
    ran = run_cli(*COMMAND, "shop.yaml", *CHOICE, "--dry-run", environment={})
    assert ran.exit_code == 0, ran.stderr
    assert ran.stdout.splitlines()[0].split()[:2] == ["access", "method"]
    assert ran.stdout.splitlines()[-1].startswith("7 paid, 1 open, 4 private.")


def test_dry_run__with_json__tells_all_operations_and_what_would_be_added(shell: Shell) -> None:
    before = shell.state()
    answer = shell(*COMMAND, "shop.yaml", *CHOICE, "--dry-run", "--json").json
    assert (answer["agent_id"], answer["transaction"]) == (None, None)
    assert set(answer["metadata"]) == {"endpoints", "openEndpoints", "nvmCosts"}
    assert len(answer["operations"]) == 12
    assert {each["url_pattern"] for each in answer["operations"] if each["access"] == "private"} == {None}
    assert shell.state() == before


def test_dry_run__of_more_than_metadata_holds__shows_the_table_and_warns(shell: Shell) -> None:
    paths: dict[str, Any] = {f"/operations/with/long/paths/{number}": {"get": {}} for number in range(400)}
    document = {"openapi": "3.0.0", "servers": [{"url": "https://example.com"}], "paths": paths}
    (shell.folder / "large.json").write_text(json.dumps(document), "utf-8")
    ran = shell(*COMMAND, "large.json", "--dry-run")
    assert ran.exit_code == 0
    assert ran.stdout.splitlines()[-1].startswith("400 paid, 0 open, 0 private.")
    assert "Warning: The metadata is not valid (as JSON): it has " in ran.stderr
    assert "It has 400 endpoints. Publish fewer with --include or --exclude." in ran.stderr
    assert shell(*COMMAND, "large.json", "--dry-run", "--json").json["metadata"] is None
    error = shell(*COMMAND, "large.json", "--name", "Large", "--yes", *BUILDER, "--json").error
    assert (error["type"], "Publish fewer" in error["next_step"]) == ("InvalidMetadata", True)


@pytest.mark.parametrize(("answer", "exit_code", "agents"), [("n", 1, 0), ("y", 0, 1)])
def test_import__in_a_terminal__asks_before_it_publishes(
    shell: Shell, answer: str, exit_code: int, agents: int
) -> None:
    words = (*COMMAND, "shop.yaml", "--name", "Shop", *BUILDER)
    ran = run_terminal(*words, answers={"Publish these endpoints?": answer}, environment=shell.environment)
    assert ran.exit_code == exit_code, ran.stdout
    assert "deleteUsers" in ran.stdout
    assert shell.world.chain.read(shell.world.chain.agents.functions.agentCount()) == agents


@pytest.mark.parametrize(("more", "advice"), [(("--json",), "with --dry-run, and then add --yes"), ((), "Give --yes")])
def test_import__where_nobody_can_answer__publishes_nothing(shell: Shell, more: tuple[str, ...], advice: str) -> None:
    before = shell.state()
    ran = run_process(*COMMAND, "shop.yaml", "--name", "Shop", *BUILDER, *more, environment=shell.environment)
    assert ran.exit_code == 2
    assert advice in ran.stdout + ran.stderr
    assert shell.state() == before


# ---------------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("words", "type_name"),
    [
        (("shop.yaml",), "InvalidConfig"),
        (("shop.yaml", "--name", "Shop", "--agent", "1"), "InvalidConfig"),
        (("shop.yaml", "--agent", "1", "--tag", "a"), "InvalidConfig"),
        (("shop.yaml", "--dry-run", "--plan", "1=1"), "InvalidConfig"),
        (("shop.yaml", "--name", ""), "InvalidMetadata"),
        (("shop.yaml", "--name", "Bearer CANARYCANARYCANARY"), "SecretInMetadata"),
        (("shop.yaml", "--name", "Shop", "--exclude", "tag:admn"), "InvalidConfig"),
        (("shop.yaml", "--name", "Shop", "--cost", "tag:reports"), "InvalidConfig"),
        (("shop.yaml", "--name", "Shop", "--cost", "tag:reports=x"), "InvalidAmount"),
        (("shop.yaml", "--name", "Shop", "--server-variable", "region"), "InvalidConfig"),
        (("shop.yaml", "--name", "Shop", "--server-variable", "region=cn"), "InvalidConfig"),
        (("shop.yaml", "--name", "Shop", "--exclude", "readLatest"), "EndpointsOverlap"),
        (("shop.yaml", "--name", "Shop", "--server", "https://u:CANARY@example.com"), "InvalidOpenApi"),
        (("pets.json", "--name", "Pets"), "InvalidOpenApi"),
        (("nowhere.json", "--name", "Pets"), "OpenApiUnavailable"),
        (("http://127.0.0.1:1/openapi.json?key=CANARY", "--name", "Pets"), "OpenApiUnavailable"),
    ],
)
def test_import__that_cannot_be__sends_nothing_and_shows_no_secret(
    shell: Shell, words: tuple[str, ...], type_name: str
) -> None:
    before = shell.state()
    ran = shell(*COMMAND, *words, "--yes", *BUILDER, "--json")
    assert ran.error["type"] == type_name
    assert ran.exit_code == (7 if type_name == "OpenApiUnavailable" else 2)
    assert "CANARY" not in ran.stdout + ran.stderr
    assert shell.state() == before


@pytest.mark.parametrize("more", [("--dry-run",), ("--name", "Shop", "--yes")])
def test_import__of_a_path_with_a_secret_in_it__is_refused(shell: Shell, more: tuple[str, ...]) -> None:
    secret = "ghp_" + "a1B2" * 8
    document = {"openapi": "3.1.0", "servers": [{"url": "https://example.com"}], "paths": {f"/{secret}": {"get": {}}}}
    (shell.folder / "secret.json").write_text(json.dumps(document), "utf-8")
    ran = shell(*COMMAND, "secret.json", *more, *BUILDER, "--json")
    assert ran.error["type"] == "SecretInMetadata"
    assert secret not in ran.stdout


def test_import__with_an_overlap__names_the_option_that_accepts_it(shell: Shell) -> None:
    words: Any = ("--exclude", "readLatest", "--yes")
    assert "accept the overlap with --allow-overlap" in import_shop(shell, *words, "--json").error["next_step"]
    ran = import_shop(shell, *words, "--allow-overlap")
    assert ran.exit_code == 0
    assert ["paid", "GET", f"{EU}/orders/:order_id", "by", "plan", "readLatest"] in map(
        str.split, ran.stderr.splitlines()
    )


def test_import__of_a_repeated_selector__counts_where_it_is_last(shell: Shell) -> None:
    words = ("--cost", "listOrders=1", "--cost", "tag:orders=2", "--cost", "listOrders=3", "--dry-run", "--json")
    operations = shell(*COMMAND, "shop.yaml", *words).json["operations"]
    assert {each["min_credits"] for each in operations if each["operation_id"] == "listOrders"} == {3}


def test_import__without_a_public_server__says_which_option_names_it(shell: Shell) -> None:
    error = shell(*COMMAND, "pets.json", "--dry-run", "--json").error
    assert error["next_step"] == "Give the public URL of the service: --server URL."
