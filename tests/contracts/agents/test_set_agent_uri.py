"""setAgentUri: the agent's owner says where its metadata is."""

import pytest

from nvm_chain.errors import ERC721NonexistentToken, NotAgentOwner
from tests.support.agents import Agents
from tests.support.reverts import reverts
from tests.support.world import World


@pytest.mark.parametrize("uri", ["", "ipfs://second", "y" * 31, "y" * 32, "y" * 500], ids=len)
@pytest.mark.parametrize("first", ["", "x" * 31, "x" * 100], ids=len)
def test_set_agent_uri__by_owner__replaces_and_emits(world: World, agents: Agents, first: str, uri: str) -> None:
    agent_id = agents.register(uri=first)
    receipt = world.send(world.builder, agents.functions.setAgentUri(agent_id, uri))
    assert world.read(agents.functions.tokenURI(agent_id)) == uri
    owner = world.builder.address
    assert agents.events(receipt) == [("URIUpdated", {"agentId": agent_id, "agentUri": uri, "owner": owner})]


def test_set_agent_uri__of_one_agent__leaves_another(world: World, agents: Agents) -> None:
    first, second = agents.register(uri="one"), agents.register(uri="two")
    world.send(world.builder, agents.functions.setAgentUri(first, "three"))
    assert world.read(agents.functions.tokenURI(second)) == "two"


@pytest.mark.parametrize("role", ["stranger", "partner", "other"])
def test_set_agent_uri__by_anyone_else__reverts(world: World, agents: Agents, agent_id: int, role: str) -> None:
    """The partner is the owner's operator and the other is approved: they may move the token, no more."""
    caller = getattr(world, role)
    with reverts(NotAgentOwner(agent_id, caller.address)):
        world.send(caller, agents.functions.setAgentUri(agent_id, "evil"))


def test_set_agent_uri__after_a_transfer__is_the_new_owners(world: World, agents: Agents, agent_id: int) -> None:
    agents.transfer(agent_id, world.stranger)
    with reverts(NotAgentOwner(agent_id, world.builder.address)):
        world.send(world.builder, agents.functions.setAgentUri(agent_id, "mine"))
    world.send(world.stranger, agents.functions.setAgentUri(agent_id, "theirs"))
    assert world.read(agents.functions.tokenURI(agent_id)) == "theirs"


@pytest.mark.parametrize("unknown", [0, 1, 2**256 - 1])
def test_set_agent_uri__of_unknown_agent__reverts(world: World, agents: Agents, unknown: int) -> None:
    with reverts(ERC721NonexistentToken(unknown)):
        world.send(world.builder, agents.functions.setAgentUri(unknown, ""))
