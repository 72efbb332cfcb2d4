"""attachPlan: who owns both an agent and a plan lets the one accept the other, at a cost per request."""

import pytest

from nvm_chain.errors import (
    ERC721NonexistentToken,
    InvalidCreditsRange,
    NotAgentOwner,
    NotPlanOwner,
    PlanAlreadyAttached,
    TooManyPlans,
    UnknownPlan,
)
from tests.support.agents import MAX_PLANS, MAX_UINT32, Agents, attached
from tests.support.reverts import reverts
from tests.support.world import World


@pytest.mark.parametrize(("least", "most"), [(0, 0), (0, 1), (1, 1), (1, MAX_UINT32), (MAX_UINT32, MAX_UINT32)])
def test_attach_plan__by_owner_of_both__keeps_the_cost_and_emits(
    agents: Agents, plan_id: int, least: int, most: int
) -> None:
    agent_id = agents.register()
    assert agents.events(agents.attach(agent_id, plan_id, least, most)) == [attached(agent_id, plan_id, least, most)]
    assert agents.plans_of(agent_id) == [(plan_id, least, most)]
    assert agents.agents_of(plan_id) == [agent_id]
    assert agents.cost_of(agent_id, plan_id) == [least, most]


@pytest.mark.parametrize(("least", "most"), [(1, 0), (6, 5), (MAX_UINT32, MAX_UINT32 - 1)])
def test_attach_plan__with_a_range_upside_down__reverts(agents: Agents, plan_id: int, least: int, most: int) -> None:
    agent_id = agents.register()
    with reverts(InvalidCreditsRange(plan_id, least, most)):
        agents.attach(agent_id, plan_id, least, most)


def test_attach_plan__to_several_agents__costs_what_each_says(agents: Agents, plan_id: int) -> None:
    first, second = agents.register((plan_id, 1, 1)), agents.register((plan_id, 2, 9))
    assert (agents.cost_of(first, plan_id), agents.cost_of(second, plan_id)) == ([1, 1], [2, 9])
    assert agents.agents_of(plan_id) == [first, second]


def test_attach_plan__that_takes_no_orders__succeeds(world: World, agents: Agents, plan_id: int) -> None:
    """Holders keep their credits, and may use them with agents that come later."""
    world.send(world.builder, world.credits.functions.setPlanActive(plan_id, False))
    agent_id = agents.register()
    agents.attach(agent_id, plan_id)
    assert agents.agents_of(plan_id) == [agent_id]


def test_attach_plan__twice__reverts(agents: Agents, agent_id: int, plan_id: int) -> None:
    with reverts(PlanAlreadyAttached(agent_id, plan_id)):
        agents.attach(agent_id, plan_id, 2, 2)
    assert agents.plans_of(agent_id) == [(plan_id, 1, 5)]


def test_attach_plan__after_detaching__succeeds(world: World, agents: Agents, agent_id: int, plan_id: int) -> None:
    world.send(world.builder, agents.functions.detachPlan(agent_id, plan_id))
    agents.attach(agent_id, plan_id, 7, 8)
    assert agents.plans_of(agent_id) == [(plan_id, 7, 8)]


def test_attach_plan__up_to_the_most_and_one_more__reverts(world: World, agents: Agents) -> None:
    plans = [world.register(splits=()) for _ in range(MAX_PLANS + 1)]
    agent_id = agents.register(*[(plan, 1, 1) for plan in plans[: MAX_PLANS - 1]])
    agents.attach(agent_id, plans[MAX_PLANS - 1])
    with reverts(TooManyPlans(MAX_PLANS + 1, MAX_PLANS)):
        agents.attach(agent_id, plans[MAX_PLANS])
    assert len(agents.plans_of(agent_id)) == MAX_PLANS


@pytest.mark.parametrize("role", ["stranger", "partner", "other"])
def test_attach_plan__to_anothers_agent__reverts(world: World, agents: Agents, agent_id: int, role: str) -> None:
    """The partner is the owner's operator and the other is approved: they may move the token, no more."""
    caller = getattr(world, role)
    own = world.register(signer=caller)
    with reverts(NotAgentOwner(agent_id, caller.address)):
        world.send(caller, agents.functions.attachPlan(agent_id, own, 1, 1))


@pytest.mark.parametrize("role", ["stranger", "redeemer", "minter", "fee_owner"])
def test_attach_plan__of_anothers_plan__reverts(world: World, agents: Agents, staffed_plan: int, role: str) -> None:
    caller = getattr(world, role)
    agent_id = agents.register(signer=caller)
    with reverts(NotPlanOwner(staffed_plan, caller.address)):
        world.send(caller, agents.functions.attachPlan(agent_id, staffed_plan, 1, 1))


def test_attach_plan__with_ownership_passed_on__follows_it(world: World, agents: Agents, plan_id: int) -> None:
    agent_id, new = agents.register(), world.stranger
    agents.transfer(agent_id, new)
    with reverts(NotAgentOwner(agent_id, world.builder.address)):
        agents.attach(agent_id, plan_id)
    with reverts(NotPlanOwner(plan_id, new.address)):
        world.send(new, agents.functions.attachPlan(agent_id, plan_id, 1, 1))
    agents.pass_plan(plan_id, new)
    world.send(new, agents.functions.attachPlan(agent_id, plan_id, 1, 1))
    assert agents.plans_of(agent_id) == [(plan_id, 1, 1)]


def test_attach_plan__by_pending_plan_owner__reverts(world: World, agents: Agents, plan_id: int) -> None:
    pending = world.stranger
    world.send(world.builder, world.credits.functions.transferPlanOwnership(plan_id, pending.address))
    agent_id = agents.register(signer=pending)
    with reverts(NotPlanOwner(plan_id, pending.address)):
        world.send(pending, agents.functions.attachPlan(agent_id, plan_id, 1, 1))


def test_attach_plan__that_nobody_registered__reverts(agents: Agents) -> None:
    agent_id = agents.register()
    with reverts(UnknownPlan(7)):
        agents.attach(agent_id, 7)


def test_attach_plan__to_unknown_agent__reverts(agents: Agents, plan_id: int) -> None:
    with reverts(ERC721NonexistentToken(1)):
        agents.attach(1, plan_id)
