"""The registry of a world, and an agent and plans that several files start from."""

import pytest

from tests.support.agents import Agents
from tests.support.world import World


@pytest.fixture
def agents(world: World) -> Agents:
    """The registry as freshly deployed."""
    return Agents(world)


@pytest.fixture
def plan_id(world: World) -> int:
    """A plan of the builder's."""
    return world.register()


@pytest.fixture
def agent_id(agents: Agents, plan_id: int) -> int:
    """An agent of the builder's with that plan, at 1 to 5 credits; the partner is operator, the other is approved."""
    agent_id = agents.register((plan_id, 1, 5))
    world = agents.world
    world.send(world.builder, agents.functions.setApprovalForAll(world.partner.address, True))
    world.send(world.builder, agents.functions.approve(world.other.address, agent_id))
    return agent_id
