"""replacePlans: all plans of an agent at once, or none."""

import pytest

from nvm_chain.errors import (
    ERC721NonexistentToken,
    InvalidCreditsRange,
    NotAgentOwner,
    NotPlanOwner,
    NvmChainError,
    PlanAlreadyAttached,
    TooManyPlans,
    UnknownPlan,
)
from tests.support.agents import MAX_PLANS, Agents, attached, detached
from tests.support.gas import TRANSACTION_GAS_CAP
from tests.support.reverts import reverts
from tests.support.world import World


def test_replace_plans__with_others__detaches_and_attaches(
    world: World, agents: Agents, agent_id: int, plan_id: int
) -> None:
    second, third = world.register(), world.register()
    agents.attach(agent_id, second, 2, 2)
    receipt = world.send(world.builder, agents.functions.replacePlans(agent_id, [(third, 3, 4), (plan_id, 9, 9)]))
    assert agents.events(receipt) == [
        detached(agent_id, second, world.builder.address),
        detached(agent_id, plan_id, world.builder.address),
        attached(agent_id, third, 3, 4),
        attached(agent_id, plan_id, 9, 9),
    ]
    assert agents.plans_of(agent_id) == [(third, 3, 4), (plan_id, 9, 9)]
    assert agents.agents_of(second) == []
    assert agents.agents_of(third) == agents.agents_of(plan_id) == [agent_id]


def test_replace_plans__with_none__detaches_all(world: World, agents: Agents, agent_id: int, plan_id: int) -> None:
    world.send(world.builder, agents.functions.replacePlans(agent_id, []))
    assert agents.plans_of(agent_id) == []
    assert agents.agents_of(plan_id) == []


def test_replace_plans__of_none_with_none__does_nothing(world: World, agents: Agents) -> None:
    agent_id = agents.register()
    assert agents.events(world.send(world.builder, agents.functions.replacePlans(agent_id, []))) == []


def test_replace_plans__of_one_agent__leaves_another(world: World, agents: Agents, agent_id: int, plan_id: int) -> None:
    another = agents.register((plan_id, 3, 3))
    world.send(world.builder, agents.functions.replacePlans(agent_id, []))
    assert agents.plans_of(another) == [(plan_id, 3, 3)]
    assert agents.agents_of(plan_id) == [another]


@pytest.mark.parametrize("role", ["stranger", "partner", "other", "subscriber"])
def test_replace_plans__by_anyone_else__reverts(world: World, agents: Agents, agent_id: int, role: str) -> None:
    """The partner is the owner's operator and the other is approved: they may move the token, no more."""
    caller = getattr(world, role)
    with reverts(NotAgentOwner(agent_id, caller.address)):
        world.send(caller, agents.functions.replacePlans(agent_id, []))


def test_replace_plans__with_one_that_cannot_be__leaves_all_as_it_was(
    world: World, agents: Agents, agent_id: int, plan_id: int
) -> None:
    good, theirs = world.register(), world.register(signer=world.stranger)
    bad: list[tuple[tuple[int, int, int], NvmChainError]] = [
        ((theirs, 1, 1), NotPlanOwner(theirs, world.builder.address)),
        ((7, 1, 1), UnknownPlan(7)),
        ((good, 1, 1), PlanAlreadyAttached(agent_id, good)),
        ((plan_id, 2, 1), InvalidCreditsRange(plan_id, 2, 1)),
    ]
    for plan, error in bad:
        with reverts(error):
            world.send(world.builder, agents.functions.replacePlans(agent_id, [(good, 1, 1), plan]))
        assert agents.plans_of(agent_id) == [(plan_id, 1, 5)]
        assert agents.agents_of(good) == []


def test_replace_plans__by_new_owner__cannot_keep_the_old_owners_plan(
    world: World, agents: Agents, agent_id: int, plan_id: int
) -> None:
    new = world.stranger
    agents.transfer(agent_id, new)
    with reverts(NotPlanOwner(plan_id, new.address)):
        world.send(new, agents.functions.replacePlans(agent_id, [(plan_id, 1, 1)]))
    own = world.register(signer=new)
    world.send(new, agents.functions.replacePlans(agent_id, [(own, 1, 1)]))
    assert agents.plans_of(agent_id) == [(own, 1, 1)]


def test_replace_plans__of_unknown_agent__reverts(world: World, agents: Agents) -> None:
    with reverts(ERC721NonexistentToken(1)):
        world.send(world.builder, agents.functions.replacePlans(1, []))


def test_replace_plans__with_one_more_than_the_most__reverts(world: World, agents: Agents, agent_id: int) -> None:
    with reverts(TooManyPlans(MAX_PLANS + 1, MAX_PLANS)):
        world.send(world.builder, agents.functions.replacePlans(agent_id, [(7, 1, 1)] * (MAX_PLANS + 1)))


def test_replace_plans__of_the_most_with_the_most__fits_in_a_transaction(world: World, agents: Agents) -> None:
    """EIP-7825 lets no transaction have more than 2^24 gas."""
    plans = [(world.register(splits=()), 1, 1) for _ in range(2 * MAX_PLANS)]
    agent_id = agents.register(*plans[:MAX_PLANS])
    function = agents.functions.replacePlans(agent_id, plans[MAX_PLANS:])
    receipt = world.send_with_gas(world.builder, function, TRANSACTION_GAS_CAP)
    assert receipt["status"] == 1
    assert receipt["gasUsed"] < 8_000_000
    assert agents.plans_of(agent_id) == plans[MAX_PLANS:]
