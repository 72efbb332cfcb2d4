"""detachPlan: the agent's owner or the plan's ends that the one accepts the other, in any order."""

from itertools import permutations

import pytest

from nvm_chain.errors import DetachNotAllowed, ERC721NonexistentToken, PlanNotAttached
from tests.support.agents import Agents, detached
from tests.support.reverts import reverts
from tests.support.world import World


def test_detach_plan__by_owner__ends_it_on_both_sides_and_emits(
    world: World, agents: Agents, agent_id: int, plan_id: int
) -> None:
    receipt = world.send(world.builder, agents.functions.detachPlan(agent_id, plan_id))
    assert agents.events(receipt) == [detached(agent_id, plan_id, world.builder.address)]
    assert agents.plans_of(agent_id) == []
    assert agents.agents_of(plan_id) == []
    with reverts(PlanNotAttached(agent_id, plan_id)):
        agents.cost_of(agent_id, plan_id)


def test_detach_plan__of_a_transferred_agent__is_its_new_owners_and_the_plan_owners(
    world: World, agents: Agents, plan_id: int
) -> None:
    new = world.stranger
    first, second = agents.register((plan_id, 1, 1)), agents.register((plan_id, 1, 1))
    for agent_id in (first, second):
        agents.transfer(agent_id, new)
    world.send(new, agents.functions.detachPlan(first, plan_id))
    world.send(world.builder, agents.functions.detachPlan(second, plan_id))
    assert agents.agents_of(plan_id) == []


def test_detach_plan__of_a_plan_passed_on__is_its_new_owners(
    world: World, agents: Agents, agent_id: int, plan_id: int
) -> None:
    agents.pass_plan(plan_id, world.stranger)
    receipt = world.send(world.stranger, agents.functions.detachPlan(agent_id, plan_id))
    assert agents.events(receipt) == [detached(agent_id, plan_id, world.stranger.address)]


def test_detach_plan__by_who_owned_both__reverts(world: World, agents: Agents, agent_id: int, plan_id: int) -> None:
    agents.transfer(agent_id, world.stranger)
    agents.pass_plan(plan_id, world.subscriber)
    with reverts(DetachNotAllowed(agent_id, plan_id, world.builder.address)):
        world.send(world.builder, agents.functions.detachPlan(agent_id, plan_id))


@pytest.mark.parametrize("role", ["stranger", "partner", "other", "subscriber", "fee_owner"])
def test_detach_plan__by_anyone_else__reverts(
    world: World, agents: Agents, agent_id: int, plan_id: int, role: str
) -> None:
    """The partner is the owner's operator and the other is approved: they may move the token, no more."""
    caller = getattr(world, role)
    with reverts(DetachNotAllowed(agent_id, plan_id, caller.address)):
        world.send(caller, agents.functions.detachPlan(agent_id, plan_id))


def test_detach_plan__that_is_not_attached__reverts(world: World, agents: Agents, agent_id: int) -> None:
    another = world.register()
    for plan in (another, 7):
        with reverts(PlanNotAttached(agent_id, plan)):
            world.send(world.builder, agents.functions.detachPlan(agent_id, plan))


def test_detach_plan__twice__reverts(world: World, agents: Agents, agent_id: int, plan_id: int) -> None:
    world.send(world.builder, agents.functions.detachPlan(agent_id, plan_id))
    with reverts(PlanNotAttached(agent_id, plan_id)):
        world.send(world.builder, agents.functions.detachPlan(agent_id, plan_id))


def test_detach_plan__of_unknown_agent__reverts(world: World, agents: Agents, plan_id: int) -> None:
    with reverts(ERC721NonexistentToken(1)):
        world.send(world.builder, agents.functions.detachPlan(1, plan_id))


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_detach_plan__of_three_in_any_order__leaves_the_others(
    world: World, agents: Agents, order: tuple[int, ...]
) -> None:
    plans = [(world.register(), index, index + 1) for index in range(3)]
    agent_id = agents.register(*plans)
    for count, index in enumerate(order, 1):
        world.send(world.builder, agents.functions.detachPlan(agent_id, plans[index][0]))
        left = {plans[other] for other in order[count:]}
        assert set(agents.plans_of(agent_id)) == left
        assert len(agents.plans_of(agent_id)) == len(left)
        assert all(agents.cost_of(agent_id, plan) == [least, most] for plan, least, most in left)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_detach_plan__from_three_agents_in_any_order__leaves_the_others(
    world: World, agents: Agents, plan_id: int, order: tuple[int, ...]
) -> None:
    ids = [agents.register((plan_id, index, 9)) for index in range(3)]
    for count, index in enumerate(order, 1):
        world.send(world.builder, agents.functions.detachPlan(ids[index], plan_id))
        assert sorted(agents.agents_of(plan_id)) == sorted(ids[other] for other in order[count:])
        assert all(agents.cost_of(ids[other], plan_id) == [other, 9] for other in order[count:])
