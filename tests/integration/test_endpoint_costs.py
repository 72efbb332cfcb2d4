"""find_cost: an endpoint's own cost counts within the range of the plan, and a malformed one refuses the request."""

from typing import Any

import pytest

from nvm_chain.errors import CostOutOfRange, InvalidMetadata
from nvm_chain.metadata.documents import AgentMetadata, build_metadata_uri
from nvm_chain.metadata.endpoints import Endpoint
from nvm_chain.operations.agents import find_cost
from nvm_chain.types.agents import RequestCost
from tests.support.agents import Agents
from tests.support.world import World

HOST = "https://example.com"
ENDPOINTS = (Endpoint("POST", f"{HOST}/tasks/:id"), Endpoint("GET", f"{HOST}/reports"))


def find(world: World, costs: Any, plan: tuple[int, int], method: str = "POST", path: str = "/tasks/7") -> RequestCost:
    """Return the cost of a request to an agent with costs of endpoints, on a plan with a range."""
    plan_id = world.register()
    extras = {} if costs is None else {"nvmCosts": costs}
    metadata = AgentMetadata("Echo", endpoints=ENDPOINTS, open_endpoints=(f"{HOST}/docs",), extras=extras)
    agent_id = Agents(world).register((plan_id, *plan), uri=build_metadata_uri(metadata))
    return find_cost(world.chain, agent_id, plan_id, method, HOST + path)


@pytest.mark.parametrize(
    ("costs", "plan", "expected"),
    [
        (None, (1, 5), (1, 5)),
        ({}, (1, 5), (1, 5)),
        ({f"POST {HOST}/tasks/:id": 3}, (1, 5), (3, 3)),
        ({f"POST {HOST}/tasks/:id": [2, 4]}, (1, 5), (2, 4)),
        ({f"GET {HOST}/reports": 3}, (1, 5), (1, 5)),
        ({"*": 2, f"GET {HOST}/reports": 3}, (1, 5), (2, 2)),
        ({"*": 2}, (0, 0), (0, 0)),
    ],
)
def test_find_cost__with_costs_of_endpoints__is_the_endpoints_within_the_plans(
    world: World, costs: Any, plan: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert find(world, costs, plan) == RequestCost(*expected)


def test_find_cost__of_an_open_endpoint__costs_nothing_whatever_the_costs_say(world: World) -> None:
    assert find(world, {"*": 9}, (1, 5), "GET", "/docs") == RequestCost(0, 0, is_open=True)


def test_find_cost__of_a_head_request__is_that_of_get(world: World) -> None:
    assert find(world, {f"GET {HOST}/reports": 4}, (1, 5), "HEAD", "/reports") == RequestCost(4, 4)


@pytest.mark.parametrize("cost", [0, 6, [1, 6], [0, 5]])
def test_find_cost__outside_the_range_of_the_plan__refuses_the_request(world: World, cost: Any) -> None:
    with pytest.raises(CostOutOfRange) as caught:
        find(world, {"*": cost}, (1, 5))
    least, most = cost if isinstance(cost, list) else (cost, cost)
    fields = caught.value.fields
    assert (fields["min_credits"], fields["max_credits"], fields["min_redeem"], fields["max_redeem"]) == (
        least,
        most,
        1,
        5,
    )


@pytest.mark.parametrize("costs", [[], {"*": "1"}, {f"PUT {HOST}/tasks/:id": 1}])
def test_find_cost__with_malformed_costs__refuses_the_request(world: World, costs: Any) -> None:
    with pytest.raises(InvalidMetadata, match="nvmCosts"):
        find(world, costs, (1, 5))
