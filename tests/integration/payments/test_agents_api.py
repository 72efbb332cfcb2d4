"""``payments.agents``: the documents' dictionaries in each spelling, and no half-registered agent or plan left behind."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from nvm_chain import types as pricing
from nvm_chain.errors import (
    AgentNotRegistered,
    DetachNotAllowed,
    ERC721NonexistentToken,
    InvalidConfig,
    InvalidEndpoint,
    InvalidMetadata,
    MetadataMismatch,
    NeedsVendor,
    NotAgentOwner,
    NotMined,
    NotPlanOwner,
    OutcomeUnknown,
    RpcFailed,
    SecretInMetadata,
)
from nvm_chain.errors.formatting import format_plan_id
from nvm_chain.operations import publishing
from nvm_chain.operations.agents import read_agent
from nvm_chain.operations.plans import read_plan
from nvm_chain.payments import AgentMetadata, PaginationOptions, Payments, PlanMetadata
from nvm_chain.storage.folder_store import FolderStore
from tests.integration.payments.conftest import PRICE
from tests.support.world import World

DESCRIBED: dict[str, Any] = {"name": "E2E Payments Agent", "tags": ["test"], "description": "Described"}
API: dict[str, Any] = {
    "endpoints": [{"POST": "https://example.com/agents/:agentId/tasks"}],
    "openEndpoints": ["https://example.com/docs"],
}


def register(builder: Payments, *plans: str, **changes: Any) -> str:
    """Register an agent as the document does, and return its id."""
    return builder.agents.register_agent({**DESCRIBED, **changes}, API, list(plans))["agentId"]


# ---------------------------------------------------------------------- shapes


@pytest.mark.parametrize(
    ("metadata", "api"),
    [
        (DESCRIBED, API),
        (AgentMetadata("E2E Payments Agent", "Described", tags=["test"]), API),
        (
            DESCRIBED,
            {
                "endpoints": [{"verb": "post", "url": API["endpoints"][0]["POST"]}],
                "open_endpoints": API["openEndpoints"],
            },
        ),
        ({**DESCRIBED, "author": None, "dateCreated": None}, {**API, "token": None, "password": ""}),
    ],
    ids=["the document's", "typed", "of the SDK", "with nothing in it"],
)
def test_register_agent__in_each_shape__is_the_same(
    builder: Payments, credits_did: str, metadata: Any, api: Any
) -> None:
    agent_id = builder.agents.register_agent(metadata, api, [credits_did])["agentId"]
    assert builder.agents.get_agent(agent_id)["metadata"] == {**DESCRIBED, **API, "agentType": "agent"}


def test_register_agent__with_what_else_there_is__keeps_it(builder: Payments, credits_did: str) -> None:
    now = datetime(2026, 1, 31, 12, tzinfo=UTC)
    metadata = {**DESCRIBED, "date_created": now, "license": "MIT", "favourite_colour": "blue"}
    api = {**API, "agent_definition_url": "https://example.com/openapi.json", "authType": "none"}
    agent_id = builder.agents.register_agent(metadata, api, [credits_did])["agentId"]
    kept = builder.agents.get_agent(agent_id)["metadata"]
    assert kept["dateCreated"] == "2026-01-31T12:00:00+00:00"
    assert (kept["license"], kept["favouriteColour"]) == ("MIT", "blue")
    assert (kept["agentDefinitionUrl"], kept["authType"]) == ("https://example.com/openapi.json", "none")


@pytest.mark.parametrize(
    ("metadata", "api", "error"),
    [
        ("Echo", API, InvalidConfig),
        (DESCRIBED, ["https://example.com"], InvalidConfig),
        ({}, API, InvalidMetadata),
        (DESCRIBED, {"endpoints": "https://example.com"}, InvalidMetadata),
        (DESCRIBED, {"endpoints": [{"POST": "https://a.com", "GET": "https://a.com"}]}, InvalidMetadata),
        (DESCRIBED, {"endpoints": [{"POST": "no url"}]}, InvalidEndpoint),
        (DESCRIBED, {"endpoints": [], "openEndpoints": ["/docs"]}, InvalidEndpoint),
        (DESCRIBED, {**API, "username": "u", "password": "p"}, NeedsVendor),
        (DESCRIBED, {**API, "token": "t"}, NeedsVendor),
        (DESCRIBED, {**API, "api_key": "k"}, NeedsVendor),
        (DESCRIBED, {**API, "headers": {"Authorization": "x"}}, NeedsVendor),
        ({**DESCRIBED, "apiToken": "abc"}, API, SecretInMetadata),
        ({**DESCRIBED, "dateCreated": "today"}, API, InvalidMetadata),
    ],
)
def test_register_agent__with_what_cannot_be__registers_nothing(
    builder: Payments, credits_did: str, metadata: Any, api: Any, error: type[Exception], requests_made: list[str]
) -> None:
    with pytest.raises(error):
        builder.agents.register_agent(metadata, api, [credits_did])
    assert "eth_sendRawTransaction" not in requests_made


# ---------------------------------------------------------------------- plans


def test_register_agent__costs_what_each_plan_says(
    builder: Payments, credits_did: str, time_did: str, usdc: str
) -> None:
    price = pricing.get_erc20_price_config(PRICE, usdc, builder.account_address)
    fixed = builder.plans.register_credits_plan(PlanMetadata("F"), price, pricing.get_fixed_credits_config(10, 2))
    plans = builder.agents.get_agent_plans(register(builder, credits_did, time_did, fixed["planId"]))["plans"]
    assert [(plan["minCredits"], plan["maxCredits"]) for plan in plans] == [(1, 1), (0, 0), (2, 2)]


def test_plans_of_an_agent__added_removed_and_paged(builder: Payments, credits_did: str, time_did: str) -> None:
    agent_id = register(builder, credits_did)
    assert builder.agents.add_plan_to_agent(time_did, agent_id)["success"]
    page = builder.agents.get_agent_plans(agent_id, PaginationOptions(page=2, offset=1))
    assert (page["total"], page["page"], page["offset"]) == (2, 2, 1)
    assert [plan["did"] for plan in page["plans"]] == [time_did]
    assert builder.agents.remove_plan_from_agent(credits_did, agent_id)["success"]
    assert [plan["did"] for plan in builder.agents.get_agent_plans(agent_id)["plans"]] == [time_did]
    assert builder.plans.get_agents_associated_to_plan(credits_did)["total"] == 0


def test_agents__of_another__are_not_changed(builder: Payments, stranger: Payments, credits_did: str) -> None:
    agent_id = register(builder, credits_did)
    with pytest.raises((NotAgentOwner, NotPlanOwner)):
        stranger.agents.add_plan_to_agent(credits_did, agent_id)
    with pytest.raises(DetachNotAllowed):
        stranger.agents.remove_plan_from_agent(credits_did, agent_id)
    with pytest.raises(NotAgentOwner):
        stranger.agents.update_agent_metadata(agent_id, DESCRIBED, API)


def test_update_agent_metadata__replaces_it(builder: Payments, credits_did: str) -> None:
    agent_id = register(builder, credits_did)
    assert builder.agents.update_agent_metadata(agent_id, {"name": "Renamed"}, {"endpoints": []})["success"]
    assert builder.agents.get_agent(agent_id)["metadata"] == {"name": "Renamed", "agentType": "agent"}


@pytest.mark.parametrize("method", ["get_agent", "get_agent_plans"])
def test_agents__that_nobody_registered__say_so(builder: Payments, method: str) -> None:
    with pytest.raises(ERC721NonexistentToken):
        getattr(builder.agents, method)("12345")


# ---------------------------------------------------------------------- both at once


@pytest.fixture
def both(builder: Payments, usdc: str) -> dict[str, Any]:
    """What `register_agent_and_plan` takes."""
    return {
        "agent_metadata": DESCRIBED,
        "agent_api": API,
        "plan_metadata": PlanMetadata("Basic"),
        "price_config": pricing.get_erc20_price_config(PRICE, usdc, builder.account_address),
        "credits_config": pricing.get_fixed_credits_config(100),
    }


def test_register_agent_and_plan__registers_both(builder: Payments, subscriber: Payments, both: dict[str, Any]) -> None:
    done = builder.agents.register_agent_and_plan(**both)
    assert [plan["planId"] for plan in builder.agents.get_agent_plans(done["agentId"])["plans"]] == [done["planId"]]
    assert done["txHash"] != done["planTxHash"]
    assert subscriber.plans.order_plan(done["planId"])["success"]


def test_register_agent_and_plan__with_an_agent_that_cannot_be__registers_no_plan(
    builder: Payments, both: dict[str, Any], requests_made: list[str]
) -> None:
    with pytest.raises(InvalidEndpoint):
        builder.agents.register_agent_and_plan(**{**both, "agent_api": {"endpoints": [{"POST": "x"}]}})
    assert "eth_sendRawTransaction" not in requests_made


def fail_to_register_agents(monkeypatch: pytest.MonkeyPatch, world: World, error: Exception) -> None:
    """Let every transaction to the registry end in an error."""
    send = world.chain.send

    def send_or_fail(signer: Any, function: Any, *more: Any, **named: Any) -> Any:
        if function.address == world.chain.agents.address:
            raise error
        return send(signer, function, *more, **named)

    monkeypatch.setattr(world.chain, "send", send_or_fail)


def test_register_agent_and_plan__whose_agent_fails__stops_the_plan_and_says_so(
    world: World, builder: Payments, both: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_to_register_agents(monkeypatch, world, RpcFailed("it is busy"))
    with pytest.raises(AgentNotRegistered) as caught:
        builder.agents.register_agent_and_plan(**both)
    assert not read_plan(world.chain, caught.value.plan_id).active
    assert isinstance(caught.value.__cause__, RpcFailed)
    assert "it is busy" in str(caught.value)
    assert "stopped" in str(caught.value)


def test_register_agent_and_plan__whose_agent_may_still_come__leaves_the_plan(
    world: World, builder: Payments, both: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told as what it is, so that scripts look it up, and says which plan stands."""
    registered = world.chain.credits.events.PlanRegistered()
    for error in (OutcomeUnknown("0x" + "12" * 32, "the node is gone"), NotMined("0x" + "12" * 32, 120)):
        with monkeypatch.context() as patch:
            fail_to_register_agents(patch, world, error)
            with pytest.raises(type(error)) as caught:
                builder.agents.register_agent_and_plan(**both)
        plan_id = registered.get_logs(from_block="latest")[0]["args"]["planId"]
        assert read_plan(world.chain, plan_id).active
        assert f"plan {format_plan_id(plan_id)} was registered before and takes orders" in caught.value.problem
        assert f"`nvm-chain transaction 0x{'12' * 32}`" in caught.value.next_step
        assert "`register_agent`" in caught.value.next_step


@pytest.mark.parametrize(
    ("second", "became"),
    [
        (OutcomeUnknown("0x" + "34" * 32, "it is gone"), "with an unknown outcome: look it up"),
        (RpcFailed("it is busy"), "could not be stopped"),
    ],
)
def test_register_agent_and_plan__whose_plan_cannot_be_stopped__says_what_is_known_of_it(
    world: World,
    builder: Payments,
    both: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    second: Exception,
    became: str,
) -> None:
    def fail(*_: Any) -> None:
        raise second

    fail_to_register_agents(monkeypatch, world, RpcFailed("it is busy"))
    monkeypatch.setattr(publishing, "set_plan_active", fail)
    with pytest.raises(AgentNotRegistered) as caught:
        builder.agents.register_agent_and_plan(**both)
    assert became in caught.value.became
    assert "call set_plan_active with False" in caught.value.became


# ---------------------------------------------------------------------- stores


def test_stores__keep_the_documents_and_are_read_back(world: World, tmp_path: Path, both: dict[str, Any]) -> None:
    store = FolderStore(tmp_path)
    builder = Payments(world.chain, world.builder, store=store)
    done = builder.agents.register_agent_and_plan(**both)
    assert len(list(tmp_path.iterdir())) == 2
    assert builder.plans.get_plan(done["planId"])["metadata"] == {"name": "Basic"}
    assert builder.agents.get_agent(done["agentId"])["metadata"]["name"] == DESCRIBED["name"]
    assert builder.get_plan_associated_services(done["planId"]) == [builder.agents.get_agent(done["agentId"])["did"]]
    assert read_agent(world.chain, done["agentId"]).uri.startswith("file://")
    # Who does not have the folder sees that there is an agent, and reads nothing that is not verified.
    assert len(Payments(world.chain, world.stranger).get_plan_associated_services(done["planId"])) == 1
    (document,) = [path for path in tmp_path.iterdir() if "Basic" in path.read_text()]
    document.write_text(document.read_text().replace("Basic", "Cheap"))
    with pytest.raises(MetadataMismatch):
        builder.plans.get_plan(done["planId"])


def test_stores__of_a_transaction_that_fails__keep_nothing(
    world: World, tmp_path: Path, both: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    builder = Payments(world.chain, world.builder, store=FolderStore(tmp_path))
    with monkeypatch.context() as patch:
        fail_to_register_agents(patch, world, RpcFailed("it is busy"))
        with pytest.raises(RpcFailed):
            builder.agents.register_agent(DESCRIBED, API, [])
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(NotPlanOwner):
        Payments(world.chain, world.stranger, store=FolderStore(tmp_path)).create_service(
            world.register(), "service", "x", "", "fixed", "none"
        )
    assert list(tmp_path.iterdir()) == []


def test_stores__of_a_transaction_that_may_be_mined__keep_the_document(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    builder = Payments(world.chain, world.builder, store=FolderStore(tmp_path))
    fail_to_register_agents(monkeypatch, world, OutcomeUnknown("0x" + "12" * 32, "the node is gone"))
    with pytest.raises(OutcomeUnknown):
        builder.agents.register_agent(DESCRIBED, API, [])
    assert len(list(tmp_path.iterdir())) == 1
