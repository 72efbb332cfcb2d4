"""Costs of single endpoints, which agent metadata has under ``nvmCosts``: credits by method and URL pattern.

The chain has one range of costs for each plan of an agent. ``nvmCosts`` says for an endpoint which part of that range a
request costs. A number is a fixed cost, a list of two numbers is a range, and ``*`` stands for all endpoints that the
object does not name. An endpoint without a cost costs what the chain says.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

from nvm_chain.errors import CostOutOfRange, InvalidConfig, InvalidMetadata
from nvm_chain.metadata.documents import AgentMetadata
from nvm_chain.metadata.endpoints import Endpoint
from nvm_chain.types.agents import AttachedPlan
from nvm_chain.types.amounts import check_uint
from nvm_chain.types.credits import CREDITS_BITS

COSTS_KEY: Final = "nvmCosts"
"""The name of the costs in the JSON of agent metadata. In Python they are a part of ``extras``."""
OTHERS: Final = "*"
"""The name that stands for all endpoints without a cost of their own."""
CostRange: TypeAlias = tuple[int, int]
"""The lowest and the highest number of credits that a request costs."""


def read_cost_range(value: int | Iterable[int], name: str = "cost") -> CostRange:
    """Return the lowest and the highest cost, from a number of credits or from two.

    Raises InvalidAmount for a number that the contract cannot hold, and InvalidConfig for a range that is not one.

    >>> read_cost_range(5), read_cost_range((1, 5))
    ((5, 5), (1, 5))
    """
    numbers = (value, value) if isinstance(value, int) else tuple(value) if isinstance(value, list | tuple) else ()
    if len(numbers) != 2:
        raise InvalidConfig(
            f"{name} is neither a number of credits nor two of them", "give 5, or a range such as (1, 5)"
        )
    least, most = (check_uint(number, CREDITS_BITS, name) for number in numbers)
    if least > most:
        raise InvalidConfig(f"{name} has a lowest cost of {least}, which is above the highest, {most}")
    return least, most


def describe_costs(endpoints: Iterable[Endpoint], costs: Mapping[Endpoint, CostRange]) -> dict[str, Any]:
    """Return the part of an agent's ``extras`` that has the costs of endpoints. Empty if no endpoint has a cost.

    If all endpoints have one, ``*`` has the most frequent, because each byte of metadata costs gas.

    >>> tasks, page = (Endpoint("POST", f"https://example.com/{name}") for name in ("tasks", "page"))
    >>> describe_costs([tasks, page], {tasks: (1, 5)})
    {'nvmCosts': {'POST https://example.com/tasks': [1, 5]}}
    """
    known = list(endpoints)
    written = {_name(endpoint): _write(costs[endpoint]) for endpoint in known if endpoint in costs}
    if written and len(written) == len(set(known)):
        usual = _write(Counter(costs[endpoint] for endpoint in known).most_common(1)[0][0])
        written = {OTHERS: usual, **{name: cost for name, cost in written.items() if cost != usual}}
    return {COSTS_KEY: written} if written else {}


def read_costs(metadata: AgentMetadata) -> dict[Endpoint, CostRange]:
    """Return the cost of each endpoint that has one of its own in an agent's metadata. No network.

    Raises:
        InvalidMetadata: ``nvmCosts`` is malformed, or names an endpoint that the agent does not have.

    >>> tasks = Endpoint("POST", "https://example.com/tasks")
    >>> read_costs(AgentMetadata("Echo", endpoints=[tasks], extras={"nvmCosts": {"*": 3}}))[tasks]
    (3, 3)
    """
    written = metadata.extras.get(COSTS_KEY, {})
    if not isinstance(written, Mapping):
        raise InvalidMetadata(COSTS_KEY, "it is not an object of costs by method and URL pattern")
    unknown = set(written) - {_name(endpoint) for endpoint in metadata.endpoints} - {OTHERS}
    if unknown:
        raise InvalidMetadata(COSTS_KEY, f"the agent has no endpoint {min(map(str, unknown))}")
    costs = {name: _read(value) for name, value in written.items()}
    found = {endpoint: costs.get(_name(endpoint), costs.get(OTHERS)) for endpoint in metadata.endpoints}
    return {endpoint: cost for endpoint, cost in found.items() if cost is not None}


def fit_cost_range(cost: CostRange | None, plan: AttachedPlan) -> CostRange:
    """Return the cost of a request on a plan: that of its endpoint, or without one that of the plan. No network.

    A plan that costs nothing beyond access stays so. Raises CostOutOfRange if the agent does not take the endpoint's
    cost on this plan.

    >>> fit_cost_range((3, 3), AttachedPlan(255, 1, 5)), fit_cost_range(None, AttachedPlan(255, 1, 5))
    ((3, 3), (1, 5))
    """
    if cost is None or plan.max_credits == 0:
        return plan.min_credits, plan.max_credits
    if cost[0] < plan.min_credits or cost[1] > plan.max_credits:
        raise CostOutOfRange(plan.plan_id, *cost, plan.min_credits, plan.max_credits)
    return cost


def _name(endpoint: Endpoint) -> str:
    return f"{endpoint.method} {endpoint.url_pattern}"


def _write(cost: CostRange) -> int | list[int]:
    return cost[0] if cost[0] == cost[1] else list(cost)


def _read(value: Any) -> CostRange:
    try:
        return read_cost_range(value)
    except ValueError:  # both errors are
        raise InvalidMetadata(COSTS_KEY, "a cost is a number of credits, or a list of two") from None
