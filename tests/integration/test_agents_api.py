"""agents: what is registered, attached and looked up is what the chain has, and a request finds its cost."""

from typing import Any

import pytest

from nvm_chain.errors import (
    DeploymentMismatch,
    DetachNotAllowed,
    ERC721InsufficientApproval,
    ERC721NonexistentToken,
    InvalidAgentId,
    InvalidAmount,
    InvalidConfig,
    InvalidCreditsRange,
    InvalidMetadata,
    InvalidUrl,
    NoContract,
    NoDeployment,
    NotAgentOwner,
    NotPlanOwner,
    PlanAlreadyAttached,
    PlanNotAttached,
    SecretInMetadata,
    TooManyPlans,
    UnknownEndpoint,
    UnknownPlan,
)
from nvm_chain.metadata.documents import AgentMetadata, build_metadata_uri, parse_metadata_uri
from nvm_chain.metadata.endpoints import Endpoint
from nvm_chain.operations.agents import (
    attach_plan,
    detach_plan,
    find_cost,
    read_agent,
    read_agent_plans,
    read_plan_agents,
    register_agent,
    replace_plans,
    transfer_agent,
    update_agent,
)
from nvm_chain.types.agents import Agent, AttachedPlan, RequestCost
from nvm_chain.types.ids import format_did
from nvm_chain.types.plans import RegisteredPlan
from tests.support.reverts import reverts
from tests.support.world import World

EMBEDDED_TOO = True

HOST = "https://example.com"
TASKS, DOCS = f"{HOST}/agents/:agentId/tasks", f"{HOST}/docs"
METADATA = AgentMetadata("Echo", endpoints=(Endpoint("POST", TASKS),), open_endpoints=(DOCS,))


@pytest.fixture
def agent_id(world: World, plan: RegisteredPlan) -> int:
    """An agent of the builder's with one plan, at 1 to 5 credits a request."""
    return register_agent(world.chain, world.builder, METADATA, [AttachedPlan(plan.plan_id, 1, 5)]).agent_id


# ---------------------------------------------------------------------- register, change


def test_register_agent__with_metadata_and_plans__tells_what_the_chain_has(world: World, plan: RegisteredPlan) -> None:
    plans = (AttachedPlan(plan.plan_id, 1, 5), AttachedPlan(world.register(), 0, 0))
    agent = register_agent(world.chain, world.builder, METADATA, plans)
    assert (agent.agent_id, agent.owner, agent.plans) == (1, world.builder.address, plans)
    assert parse_metadata_uri(agent.uri) == METADATA
    assert agent.transaction == world.chain.read_transaction(agent.transaction.hash)
    assert read_agent(world.chain, 1) == Agent(1, world.builder.address, build_metadata_uri(METADATA), plans)


@pytest.mark.parametrize("uri", ["", "https://example.com/agent.json", "ipfs://bafy"])
def test_register_agent__with_a_uri__keeps_it(world: World, uri: str) -> None:
    agent = register_agent(world.chain, world.builder, uri)
    assert read_agent(world.chain, agent.agent_id) == Agent(agent.agent_id, world.builder.address, uri, ())


@pytest.mark.parametrize(
    ("metadata", "error"),
    [
        ("https://u:pass@example.com/agent.json", SecretInMetadata("URI", "a URL in it has a user name or a password")),
        ("https://example.com/agent.json?token=abc", SecretInMetadata("URI", "a URL in it has a secret in its query")),
        (
            "data:application/json;base64,eyJuYW1lIjoieCIsInNlY3JldCI6InkifQ==",
            SecretInMetadata("secret", "its name is that of a secret"),
        ),
        ("data:application/json;base64,e30=", InvalidMetadata("name", "it is empty")),
        ("a\nb", InvalidConfig("an agent's metadata is AgentMetadata, or a URI that can be printed, not 'a\\nb'")),
        (
            {"name": "x"},
            InvalidConfig("an agent's metadata is AgentMetadata, or a URI that can be printed, not {'name': 'x'}"),
        ),
        ("DATA:application/json,{}", InvalidMetadata("name", "it is empty")),
        (
            'data:application/json;utf8,{"name":"x","secret":"y"}',
            SecretInMetadata("secret", "its name is that of a secret"),
        ),
    ],
)
def test_register_and_update__with_metadata_that_cannot_be__send_nothing(
    world: World, agent_id: int, metadata: Any, error: Any, requests_made: list[str]
) -> None:
    with reverts(error):
        register_agent(world.chain, world.builder, metadata)
    with reverts(error):
        update_agent(world.chain, world.builder, agent_id, metadata)
    assert requests_made == []


def test_register_agent__with_plans_that_cannot_be__raises_the_contracts_errors(
    world: World, plan: RegisteredPlan
) -> None:
    theirs = world.register(signer=world.stranger)
    cases: list[tuple[list[AttachedPlan], Any]] = [
        ([AttachedPlan(theirs)], NotPlanOwner(theirs, world.builder.address)),
        ([AttachedPlan(7)], UnknownPlan(7)),
        ([AttachedPlan(plan.plan_id, 2, 1)], InvalidCreditsRange(plan.plan_id, 2, 1)),
        ([AttachedPlan(plan.plan_id)] * 2, PlanAlreadyAttached(1, plan.plan_id)),
        ([AttachedPlan(plan.plan_id)] * 65, TooManyPlans(65, 64)),
    ]
    for plans, error in cases:
        with reverts(error):
            register_agent(world.chain, world.builder, METADATA, plans)


@pytest.mark.parametrize("number", [-1, 2**32, 1.5, True])
def test_attached_plan__with_credits_that_do_not_fit__is_refused(number: Any) -> None:
    with pytest.raises(InvalidAmount):
        AttachedPlan(1, 1, number)
    with pytest.raises(InvalidAmount):
        AttachedPlan(1, number, 1)


def test_attached_plan__of_a_did__has_the_number() -> None:
    assert AttachedPlan(format_did(255)) == AttachedPlan(255)  # type: ignore[arg-type]


def test_update_agent__by_owner__replaces_and_by_a_stranger_does_not(world: World, agent_id: int) -> None:
    update_agent(world.chain, world.builder, agent_id, AgentMetadata("New"))
    assert parse_metadata_uri(read_agent(world.chain, agent_id).uri).name == "New"
    with reverts(NotAgentOwner(agent_id, world.stranger.address)):
        update_agent(world.chain, world.stranger, agent_id, METADATA)


def test_transfer_agent__by_owner__moves_it_with_its_plans(world: World, agent_id: int) -> None:
    before = read_agent(world.chain, agent_id)
    transfer_agent(world.chain, world.builder, agent_id, world.partner.address)
    after = read_agent(world.chain, agent_id)
    assert after == Agent(agent_id, world.partner.address, before.uri, before.plans)
    with reverts(ERC721InsufficientApproval(world.builder.address, agent_id)):
        transfer_agent(world.chain, world.builder, agent_id, world.builder.address)


# ---------------------------------------------------------------------- plans


def test_attach_and_detach__show_in_both_directions(world: World, agent_id: int, plan: RegisteredPlan) -> None:
    another = world.register()
    attach_plan(world.chain, world.builder, agent_id, format_did(another), 3)
    assert read_agent_plans(world.chain, agent_id) == (AttachedPlan(plan.plan_id, 1, 5), AttachedPlan(another, 3, 3))
    assert read_plan_agents(world.chain, another) == (agent_id,)
    detach_plan(world.chain, world.builder, agent_id, plan.plan_id)
    assert read_agent_plans(world.chain, agent_id) == (AttachedPlan(another, 3, 3),)
    assert read_plan_agents(world.chain, plan.plan_id) == ()
    with reverts(PlanNotAttached(agent_id, plan.plan_id)):
        detach_plan(world.chain, world.builder, agent_id, plan.plan_id)
    with reverts(DetachNotAllowed(agent_id, another, world.stranger.address)):
        detach_plan(world.chain, world.stranger, agent_id, another)


def test_attach_plan__with_a_range__keeps_it_and_by_a_stranger_does_not(world: World, agent_id: int) -> None:
    another = world.register()
    attach_plan(world.chain, world.builder, agent_id, another, 0, 9)
    assert AttachedPlan(another, 0, 9) in read_agent_plans(world.chain, agent_id)
    with reverts(NotAgentOwner(agent_id, world.stranger.address)):
        attach_plan(world.chain, world.stranger, agent_id, another)


def test_replace_plans__changes_all_at_once(world: World, agent_id: int, plan: RegisteredPlan) -> None:
    plans = (AttachedPlan(world.register(), 2, 2), AttachedPlan(plan.plan_id, 7, 8))
    replace_plans(world.chain, world.builder, agent_id, plans)
    assert read_agent_plans(world.chain, agent_id) == plans


def test_read_plan_agents__in_pages__are_all_of_them(
    world: World, plan: RegisteredPlan, monkeypatch: pytest.MonkeyPatch, requests_made: list[str]
) -> None:
    monkeypatch.setattr("nvm_chain.operations.agents.PAGE_SIZE", 2)
    ids = [register_agent(world.chain, world.builder, "", [AttachedPlan(plan.plan_id)]).agent_id for _ in range(5)]
    requests_made.clear()
    assert read_plan_agents(world.chain, plan.plan_id) == tuple(ids)
    assert len(requests_made) == 3
    for offset, limit in ((0, 3), (1, 4), (4, 1), (4, 9), (5, 1), (2**256 - 1, 1), (0, 0)):
        assert read_plan_agents(world.chain, plan.plan_id, offset, limit) == tuple(ids[offset : offset + limit])


@pytest.mark.parametrize("unknown", [2, 2**256 - 1])
def test_reads__of_an_unknown_agent__raise(world: World, agent_id: int, unknown: int) -> None:
    for read in (read_agent, read_agent_plans):
        with reverts(ERC721NonexistentToken(unknown)):
            read(world.chain, unknown)


@pytest.mark.parametrize("wrong", [0, -1, 2**256, "one", None])
def test_agent_id__that_is_none__is_refused_before_anything_is_asked(
    world: World, wrong: Any, requests_made: list[str]
) -> None:
    with pytest.raises(InvalidAgentId):
        read_agent(world.chain, wrong)
    with pytest.raises(InvalidAgentId):
        attach_plan(world.chain, world.builder, wrong, 1)
    assert requests_made == []


@pytest.mark.parametrize("spell", [str, format_did, lambda number: f"{number:#066x}"], ids=["decimal", "DID", "hex"])
def test_agent_id__in_every_spelling__is_the_same_agent(world: World, agent_id: int, spell: Any) -> None:
    assert read_agent(world.chain, spell(agent_id)) == read_agent(world.chain, agent_id)


# ---------------------------------------------------------------------- cost


def test_find_cost__of_each_kind_of_request__is_what_the_chain_says(
    world: World, agent_id: int, plan: RegisteredPlan
) -> None:
    def cost(method: str, path: str, **more: Any) -> RequestCost:
        return find_cost(world.chain, agent_id, plan.plan_id, method, HOST + path, **more)

    assert cost("POST", "/agents/7/tasks?x=1") == RequestCost(1, 5)
    assert cost("GET", "/docs") == RequestCost(0, 0, is_open=True)
    assert (
        cost("PUT", "/other", metadata=AgentMetadata("x", endpoints=(Endpoint("PUT", HOST + "/:x"),))).max_credits == 5
    )
    with reverts(UnknownEndpoint(agent_id, "GET", f"{HOST}/agents/7/tasks")):
        cost("GET", "/agents/7/tasks?token=CANARY")
    with pytest.raises(InvalidUrl):
        cost("GET", "/docs/../agents/7/tasks")


def test_find_cost__on_a_plan_that_is_not_attached__raises(world: World, agent_id: int) -> None:
    another = world.register()
    with reverts(PlanNotAttached(agent_id, another)):
        find_cost(world.chain, agent_id, another, "POST", f"{HOST}/agents/7/tasks")


def test_find_cost__of_metadata_elsewhere__has_to_be_given_it(world: World, plan: RegisteredPlan) -> None:
    agent = register_agent(world.chain, world.builder, f"{HOST}/agent.json", [AttachedPlan(plan.plan_id, 2, 2)])
    arguments = (world.chain, agent.agent_id, plan.plan_id, "POST", f"{HOST}/agents/7/tasks")
    with pytest.raises(InvalidMetadata):
        find_cost(*arguments)
    assert find_cost(*arguments, metadata=METADATA) == RequestCost(2, 2)


# ---------------------------------------------------------------------- where the registry is


def test_use_agents__of_anything_else__raises_and_keeps_the_last(world: World) -> None:
    chain, right = world.chain, world.chain.agents.address
    with reverts(NoContract(world.stranger.address, chain.chain_id)):
        chain.use_agents(world.stranger.address)
    with pytest.raises(DeploymentMismatch):
        chain.use_agents(chain.credits.address)
    another = world.deploy("AgentRegistry", world.deploy("Credits", world.builder.address).address)
    with pytest.raises(DeploymentMismatch) as caught:
        chain.use_agents(another.address)
    assert caught.value.expected == chain.credits.address
    assert chain.agents.address == right


def test_use_credits__of_another__forgets_the_registry(world: World) -> None:
    chain, credits, agents = world.chain, world.credits.address, world.chain.agents.address
    try:
        chain.use_credits(world.deploy("Credits", world.builder.address).address)
        with pytest.raises(NoDeployment) as unknown:
            read_agent(chain, 1)
        assert unknown.value.args == (chain.chain_id, "AgentRegistry")
        assert "`chain.use_agents(address)`" in unknown.value.next_step
    finally:
        chain.use_credits(credits)
        chain.use_agents(agents)
