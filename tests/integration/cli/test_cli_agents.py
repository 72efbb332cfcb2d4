"""`nvm-chain agent`: what it does to the chain, what it prints, and what it refuses."""

import json
from typing import Any

import pytest

from nvm_chain.errors.formatting import format_plan_id
from nvm_chain.metadata.documents import AgentMetadata, describe_metadata, parse_metadata_uri
from nvm_chain.metadata.endpoints import Endpoint
from nvm_chain.operations.agents import read_agent
from nvm_chain.types.agents import AttachedPlan
from tests.integration.cli.conftest import Shell
from tests.support.agents import Agents
from tests.support.documents import DOCS

HOST = "https://example.com"
METADATA = AgentMetadata(
    "Echo", "Says it again", tags=("a", "b"), endpoints=(Endpoint("POST", f"{HOST}/:id/tasks"),), open_endpoints=(HOST,)
)
DESCRIBED = (
    *("--name", "Echo", "--description", "Says it again", "--tag", "a", "--tag", "b"),
    *("--endpoint", f"post={HOST}/:id/tasks", "--open", HOST),
)
BUILDER = ("--dev-account", "1")


@pytest.fixture
def plan_id(shell: Shell) -> int:
    return shell.world.register()


@pytest.fixture
def agent_id(shell: Shell, plan_id: int) -> int:
    answer = shell("agent", "register", *DESCRIBED, "--plan", f"{plan_id}=1..5", *BUILDER, "--json").json
    return int(answer["agent_id"])


def test_register__with_options__puts_metadata_and_plans_on_the_chain(shell: Shell, plan_id: int) -> None:
    ran = shell("agent", "register", *DESCRIBED, "--plan", f"{format_plan_id(plan_id)}=1..5", *BUILDER)
    assert ran.exit_code == 0, ran.stderr
    agent = read_agent(shell.world.chain, 1)
    assert parse_metadata_uri(agent.uri) == METADATA
    assert agent.plans == (AttachedPlan(plan_id, 1, 5),)
    assert agent.owner == shell.world.builder.address
    lines = ran.stdout.splitlines()
    assert lines[0].split() == ["agent", "1"]
    assert f"{format_plan_id(plan_id)}  1 to 5 credits" in ran.stdout
    assert f"POST {HOST}/:id/tasks" in ran.stdout


def test_register__from_a_file__is_the_same(shell: Shell) -> None:
    (shell.folder / "agent.json").write_text(json.dumps(describe_metadata(METADATA)), "utf-8")
    answer = shell("agent", "register", "--metadata", "agent.json", *BUILDER, "--json").json
    assert answer["metadata"] == describe_metadata(METADATA)
    assert parse_metadata_uri(read_agent(shell.world.chain, 1).uri) == METADATA


@pytest.mark.parametrize(
    ("arguments", "type_name"),
    [
        ([], "InvalidConfig"),
        (["--name", "x", "--uri", HOST], "InvalidConfig"),
        (["--uri", HOST, "--tag", "a"], "InvalidConfig"),
        (["--name", "x", "--endpoint", HOST], "InvalidConfig"),
        (["--name", "x", "--endpoint", f"GET={HOST}/(a)"], "InvalidEndpoint"),
        (["--name", "x", "--plan", "1=1..x"], "InvalidAmount"),
        (["--name", "x", "--plan", "1"], "InvalidConfig"),
        (["--name", "x", "--plan", "x=1"], "InvalidPlanId"),
        (["--metadata", "nowhere.json"], "InvalidMetadata"),
        (["--name", "Bearer CANARYCANARYCANARY"], "SecretInMetadata"),
        (["--uri", "https://u:CANARY@example.com"], "SecretInMetadata"),
    ],
)
def test_register__that_cannot_be__sends_nothing_and_shows_no_secret(
    shell: Shell, arguments: list[str], type_name: str
) -> None:
    before = shell.state()
    ran = shell("agent", "register", *arguments, *BUILDER, "--json")
    assert (ran.exit_code, ran.error["type"]) == (2, type_name)
    assert "CANARY" not in ran.stdout + ran.stderr
    assert shell.state() == before


def test_register__of_the_documented_file_asset__shows_its_file(shell: Shell, plan_id: int) -> None:
    text = (DOCS / "metadata.md").read_text("utf-8").partition("```json\n")[2].partition("```")[0]
    (shell.folder / "numbers.json").write_text(text, "utf-8")
    ran = shell("agent", "register", "--metadata", "numbers.json", "--plan", f"{plan_id}=5", *BUILDER)
    assert [line for line in ran.stdout.splitlines() if line.startswith("file ")] == ["file         numbers.csv"]


def test_show_and_list__tell_what_the_chain_has(shell: Shell, agent_id: int, plan_id: int) -> None:
    shown = shell("agent", "show", str(agent_id), "--json").json
    assert shown["plans"] == [{"plan_id": format_plan_id(plan_id), "min_credits": 1, "max_credits": 5}]
    assert shown["metadata"] == describe_metadata(METADATA)
    assert shell("agent", "list", str(plan_id), "--json").json["agents"] == [agent_id]
    assert shell("agent", "list", str(plan_id)).stdout.splitlines()[-1].split() == ["agent", str(agent_id)]


@pytest.mark.parametrize(
    ("method", "path", "cost", "said"),
    [
        ("POST", "/7/tasks?x=1", {"min_credits": 1, "max_credits": 5, "is_open": False}, "1 to 5 credits"),
        ("GET", "/", {"min_credits": 0, "max_credits": 0, "is_open": True}, "open"),
    ],
)
def test_match__of_a_request__tells_its_cost(
    shell: Shell, agent_id: int, method: str, path: str, cost: dict[str, Any], said: str
) -> None:
    ((plan_id, *_),) = Agents(shell.world).plans_of(agent_id)
    arguments = ("agent", "match", str(agent_id), str(plan_id), method, HOST + path)
    assert shell(*arguments, "--json").json["request"] == cost
    assert shell(*arguments).stdout.splitlines()[-1].split(maxsplit=1) == ["request", said]


@pytest.mark.parametrize(
    ("method", "path", "type_name"), [("GET", "/7/tasks", "UnknownEndpoint"), ("POST", "/7/../tasks", "InvalidUrl")]
)
def test_match__of_no_endpoint__exits_with_the_errors_code(
    shell: Shell, agent_id: int, plan_id: int, method: str, path: str, type_name: str
) -> None:
    ran = shell("agent", "match", str(agent_id), str(plan_id), method, HOST + path, "--json")
    assert (ran.exit_code, ran.error["type"]) == (2, type_name)


def test_register_and_attach__with_costs_that_the_plan_does_not_allow__warn(shell: Shell, plan_id: int) -> None:
    words = ("agent", "register", "--name", "Echo", "--endpoint", "GET=https://example.com/a", *BUILDER)
    assert "Warning" not in shell(*words, "--plan", f"{plan_id}=1..10").stderr
    ran = shell(*words, "--plan", f"{plan_id}=1..11")
    assert ran.exit_code == 0
    assert "takes 1 to 10 credits, and the agent would take 1 to 11 credits; a redemption" in ran.stderr
    agent_id = ran.stdout.split()[1]
    other = shell.world.register()
    attached = shell("agent", "attach", agent_id, str(other), "--per-request", "12", *BUILDER)
    assert attached.exit_code == 0
    assert "and the agent would take 12 credits" in attached.stderr


@pytest.mark.parametrize("plan", ["7", "0x" + "11" * 32])
def test_register__with_a_plan_without_a_cost__says_how_to_write_it(shell: Shell, plan: str) -> None:
    error = shell("agent", "register", "--name", "Echo", "--plan", plan, *BUILDER, "--json").error
    assert error["problem"] == "--plan has a plan without the cost of a request."
    assert error["next_step"] == "Give PLAN=1, or a range such as PLAN=1..5."


def test_attach_and_detach__by_owner__change_the_chain(shell: Shell, agent_id: int, plan_id: int) -> None:
    another = shell.world.register()
    attached = shell("agent", "attach", str(agent_id), str(another), "--per-request", "2", *BUILDER, "--json").json
    assert (attached["agent_id"], attached["attached"]) == (agent_id, True)
    detached = shell("agent", "detach", str(agent_id), str(plan_id), *BUILDER)
    assert "attached     no" in detached.stdout.splitlines()
    assert read_agent(shell.world.chain, agent_id).plans == (AttachedPlan(another, 2, 2),)


def test_attach_and_detach__by_a_stranger__are_refused(shell: Shell, agent_id: int, plan_id: int) -> None:
    before = shell.state()
    for name, type_name in (("attach", "NotAgentOwner"), ("detach", "DetachNotAllowed")):
        ran = shell("agent", name, str(agent_id), str(plan_id), "--dev-account", "3", "--json")
        assert (ran.exit_code, ran.error["type"]) == (6, type_name)
    assert shell.state() == before


def test_agents_option__of_another_contract__is_refused(shell: Shell, agent_id: int) -> None:
    ran = shell("agent", "show", str(agent_id), "--agents", shell.world.credits.address, "--json")
    assert (ran.exit_code, ran.error["type"]) == (4, "DeploymentMismatch")
