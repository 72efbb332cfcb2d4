"""register: an agent comes into being with its plans, and is its caller's."""

import pytest

from nvm_chain.errors import InvalidCreditsRange, NotPlanOwner, PlanAlreadyAttached, TooManyPlans, UnknownPlan
from tests.support.agents import MAX_PLANS, MAX_UINT32, URI, Agents, attached, moved
from tests.support.reentry import through
from tests.support.reverts import reverts
from tests.support.world import ZERO, World


def test_register__with_plans__emits_in_order_and_keeps_them(world: World, agents: Agents) -> None:
    first, second, owner = world.register(), world.register(), world.builder.address
    plans = [(first, 1, 5), (second, 0, 0)]
    receipt = world.send(world.builder, agents.functions.register(URI, plans))
    assert agents.events(receipt) == [
        moved(ZERO, owner, 1),
        ("Registered", {"agentId": 1, "agentUri": URI, "owner": owner}),
        attached(1, first, 1, 5),
        attached(1, second, 0, 0),
    ]
    assert agents.plans_of(1) == plans
    assert agents.agents_of(first) == agents.agents_of(second) == [1]
    assert world.read(agents.functions.ownerOf(1)) == owner
    assert world.read(agents.functions.tokenURI(1)) == URI


def test_register__without_plans_or_uri__is_an_agent_all_the_same(world: World, agents: Agents) -> None:
    agent_id = agents.register(uri="", signer=world.stranger)
    assert agents.plans_of(agent_id) == []
    assert world.read(agents.functions.ownerOf(agent_id)) == world.stranger.address
    assert world.read(agents.functions.tokenURI(agent_id)) == ""


def test_register__again_and_by_others__counts_up_from_1(world: World, agents: Agents) -> None:
    signers = (world.builder, world.stranger, world.builder)
    assert [agents.register(signer=signer) for signer in signers] == [1, 2, 3]
    assert world.read(agents.functions.agentCount()) == 3
    assert world.read(agents.functions.balanceOf(world.builder.address)) == 2


def test_register__that_reverts__uses_no_id(world: World, agents: Agents) -> None:
    with reverts(UnknownPlan(7)):
        agents.register((7, 1, 1))
    assert world.read(agents.functions.agentCount()) == 0
    assert agents.register() == 1


def test_register__returns__the_id(world: World, agents: Agents) -> None:
    assert world.read(agents.functions.register(URI, []), world.builder.address) == 1


@pytest.mark.parametrize("size", [0, 31, 32, 33, 5000])
def test_register__with_a_uri_of_any_length__keeps_it_whole(world: World, agents: Agents, size: int) -> None:
    assert world.read(agents.functions.tokenURI(agents.register(uri="é" + "x" * size))) == "é" + "x" * size


def test_register__by_a_contract_without_the_hook__succeeds(world: World, agents: Agents) -> None:
    """A wallet asks for the token itself: no hook is called, and none is needed."""
    wallet = world.deploy("Actor")
    world.send(world.builder, through(wallet, agents.functions.register(URI, [])))
    assert world.read(agents.functions.ownerOf(1)) == wallet.address


@pytest.mark.parametrize(("least", "most"), [(0, 0), (0, 1), (1, 1), (0, MAX_UINT32), (MAX_UINT32, MAX_UINT32)])
def test_register__with_a_range__keeps_it(agents: Agents, plan_id: int, least: int, most: int) -> None:
    assert agents.cost_of(agents.register((plan_id, least, most)), plan_id) == [least, most]


@pytest.mark.parametrize(("least", "most"), [(1, 0), (2, 1), (MAX_UINT32, MAX_UINT32 - 1)])
def test_register__with_a_range_upside_down__reverts(agents: Agents, plan_id: int, least: int, most: int) -> None:
    with reverts(InvalidCreditsRange(plan_id, least, most)):
        agents.register((plan_id, least, most))


def test_register__with_another_builders_plan__reverts(world: World, agents: Agents, plan_id: int) -> None:
    with reverts(NotPlanOwner(plan_id, world.stranger.address)):
        agents.register((plan_id, 1, 1), signer=world.stranger)


def test_register__with_a_plan_twice__reverts(agents: Agents, plan_id: int) -> None:
    with reverts(PlanAlreadyAttached(1, plan_id)):
        agents.register((plan_id, 1, 1), (plan_id, 1, 2))


@pytest.mark.parametrize("count", [MAX_PLANS - 1, MAX_PLANS])
def test_register__with_plans_up_to_the_most__attaches_all(world: World, agents: Agents, count: int) -> None:
    plans = [(world.register(splits=()), 1, index + 1) for index in range(count)]
    assert agents.plans_of(agents.register(*plans)) == plans


def test_register__with_one_plan_more__reverts(agents: Agents, plan_id: int) -> None:
    with reverts(TooManyPlans(MAX_PLANS + 1, MAX_PLANS)):
        agents.register(*[(plan_id, 1, 1)] * (MAX_PLANS + 1))
