"""Random operations against a plain model: after each the registry enumerates exactly what the model has."""

import random
from collections import defaultdict

import pytest

from nvm_chain.errors import PlanAlreadyAttached, PlanNotAttached
from tests.support.agents import Agents
from tests.support.reverts import reverts
from tests.support.world import World

AGENTS, PLANS, STEPS = 4, 5, 60


class Model:
    """What should be attached to what: agent, plan, cost."""

    def __init__(self) -> None:
        self.links: dict[tuple[int, int], tuple[int, int]] = {}

    def plans_of(self, agent_id: int) -> set[tuple[int, int, int]]:
        return {(plan, *cost) for (agent, plan), cost in self.links.items() if agent == agent_id}

    def agents_of(self) -> dict[int, set[int]]:
        found: dict[int, set[int]] = defaultdict(set)
        for agent, plan in self.links:
            found[plan].add(agent)
        return found


def compare(agents: Agents, model: Model, agent_ids: list[int], plan_ids: list[int]) -> None:
    """Insist that both directions and all costs are those of the model, each once."""
    for agent_id in agent_ids:
        found = agents.plans_of(agent_id)
        assert len(found) == len(set(found))
        assert set(found) == model.plans_of(agent_id)
    expected = model.agents_of()
    for plan_id in plan_ids:
        listed = agents.agents_of(plan_id)
        assert len(listed) == len(set(listed)) == agents.world.read(agents.functions.agentCountOf(plan_id))
        assert set(listed) == expected[plan_id]
    for (agent_id, plan_id), cost in model.links.items():
        assert agents.cost_of(agent_id, plan_id) == list(cost)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_registry__after_random_operations__is_as_the_model(world: World, agents: Agents, seed: int) -> None:
    chance, model = random.Random(seed), Model()
    agent_ids = [agents.register() for _ in range(AGENTS)]
    plan_ids = [world.register(splits=()) for _ in range(PLANS)]
    for step in range(STEPS):
        agent_id, plan_id = chance.choice(agent_ids), chance.choice(plan_ids)
        cost = (chance.randrange(5), chance.randrange(5, 9))
        link = (agent_id, plan_id)
        if chance.random() < 0.15:
            chosen = chance.sample(plan_ids, chance.randrange(PLANS + 1))
            plans = [(plan, *cost) for plan in chosen]
            world.send(world.builder, agents.functions.replacePlans(agent_id, plans))
            model.links = {key: value for key, value in model.links.items() if key[0] != agent_id}
            model.links |= {(agent_id, plan): cost for plan in chosen}
        elif chance.random() < 0.5:
            if link in model.links:
                with reverts(PlanAlreadyAttached(*link)):
                    agents.attach(*link, *cost)
            else:
                agents.attach(*link, *cost)
                model.links[link] = cost
        elif link in model.links:
            world.send(world.builder, agents.functions.detachPlan(*link))
            del model.links[link]
        else:
            with reverts(PlanNotAttached(*link)):
                world.send(world.builder, agents.functions.detachPlan(*link))
        if step % 5 == 4:
            compare(agents, model, agent_ids, plan_ids)
