"""agentsOf, agentCountOf, plansOf, costOf, agentCount, credits, MAX_PLANS: what anybody can look up."""

import pytest

from nvm_chain.errors import ERC721NonexistentToken, PlanNotAttached
from tests.support.agents import MAX_PLANS, Agents
from tests.support.gas import TRANSACTION_GAS_CAP
from tests.support.reentry import through, through_many
from tests.support.reverts import reverts
from tests.support.world import MAX_FEE_BPS, MAX_UINT, World

COUNT = 5


@pytest.mark.parametrize(
    ("offset", "limit", "expected"),
    [
        (0, COUNT - 1, [1, 2, 3, 4]),
        (0, COUNT, [1, 2, 3, 4, 5]),
        (0, COUNT + 1, [1, 2, 3, 4, 5]),
        (0, MAX_UINT, [1, 2, 3, 4, 5]),
        (0, 0, []),
        (2, 2, [3, 4]),
        (COUNT - 1, 3, [5]),
        (COUNT - 1, MAX_UINT, [5]),
        (COUNT, 1, []),
        (COUNT + 1, MAX_UINT, []),
        (MAX_UINT, MAX_UINT, []),
    ],
)
def test_agents_of__page__is_that_part_of_the_list(
    agents: Agents, plan_id: int, offset: int, limit: int, expected: list[int]
) -> None:
    for _ in range(COUNT):
        agents.register((plan_id, 1, 1))
    assert agents.agents_of(plan_id, offset, limit) == expected


def test_agents_of__hundreds__are_all_there_and_the_first_can_go(world: World, agents: Agents) -> None:
    """C30: more agents than a byte counts. A contract that owns the plan registers them, forty in a transaction."""
    owner, count = world.deploy("Actor"), 280
    plan = world.credits.functions.registerPlan(world.terms().as_tuple(), bytes(32), "", MAX_FEE_BPS)
    plan_id = int.from_bytes(world.read(through(owner, plan)), "big")
    world.send(world.other, through(owner, plan))
    forty = through_many(owner, *[agents.functions.register("", [(plan_id, 1, 1)])] * 40)
    for _ in range(count // 40):
        assert world.send_with_gas(world.other, forty, TRANSACTION_GAS_CAP)["status"] == 1
    ids = list(range(1, count + 1))
    assert world.read(agents.functions.agentCountOf(plan_id)) == count
    assert agents.agents_of(plan_id) == ids
    assert agents.agents_of(plan_id, 250, 20) == ids[250:270]
    for gone in (1, 270):
        world.send(world.other, through(owner, agents.functions.detachPlan(gone, plan_id)))
    expected = [280, *ids[1:269], 279, *ids[270:278]]
    assert agents.agents_of(plan_id) == expected


def test_agents_of__a_plan_nobody_registered__are_none(world: World, agents: Agents) -> None:
    assert agents.agents_of(7) == []
    assert world.read(agents.functions.agentCountOf(7)) == 0


def test_agent_count_of__follows_attaching_and_detaching(world: World, agents: Agents, plan_id: int) -> None:
    ids = [agents.register((plan_id, 1, 1)) for _ in range(3)]
    assert world.read(agents.functions.agentCountOf(plan_id)) == 3
    world.send(world.builder, agents.functions.detachPlan(ids[0], plan_id))
    assert world.read(agents.functions.agentCountOf(plan_id)) == 2
    assert world.read(agents.functions.agentCount()) == 3


@pytest.mark.parametrize("unknown", [0, 2, MAX_UINT])
def test_reads__of_unknown_agent__revert(world: World, agents: Agents, agent_id: int, unknown: int) -> None:
    functions = agents.functions
    reads = (functions.plansOf(unknown), functions.costOf(unknown, 7), functions.tokenURI(unknown))
    for function in reads:
        with reverts(ERC721NonexistentToken(unknown)):
            world.read(function)


def test_cost_of__a_plan_that_is_not_attached__reverts(world: World, agents: Agents, agent_id: int) -> None:
    another = world.register()
    with reverts(PlanNotAttached(agent_id, another)):
        agents.cost_of(agent_id, another)


def test_credits__is_the_contract_it_was_deployed_for(world: World, agents: Agents) -> None:
    assert world.read(agents.functions.credits()) == world.credits.address
    assert world.read(agents.functions.MAX_PLANS()) == MAX_PLANS
    assert world.read(agents.functions.agentCount()) == 0
