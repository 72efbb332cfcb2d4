"""metadata.endpoint_costs: costs of single endpoints in an agent's metadata, written and read."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvm_chain.errors import CostOutOfRange, InvalidAmount, InvalidConfig, InvalidMetadata
from nvm_chain.metadata.documents import AgentMetadata, format_metadata, parse_metadata
from nvm_chain.metadata.endpoint_costs import describe_costs, fit_cost_range, read_cost_range, read_costs
from nvm_chain.metadata.endpoints import Endpoint
from nvm_chain.types.agents import AttachedPlan

A, B, C = (Endpoint("POST", f"https://example.com/{name}") for name in "abc")
URL = "POST https://example.com/"
RANGES = st.tuples(st.integers(0, 9), st.integers(0, 9)).map(lambda pair: (min(pair), max(pair)))


@pytest.mark.parametrize(
    ("costs", "written"),
    [
        ({}, {}),
        ({A: (1, 1)}, {f"{URL}a": 1}),
        ({A: (1, 5)}, {f"{URL}a": [1, 5]}),
        ({A: (0, 0), B: (3, 3)}, {f"{URL}a": 0, f"{URL}b": 3}),
        ({A: (1, 1), B: (1, 1), C: (5, 5)}, {"*": 1, f"{URL}c": 5}),
        ({A: (1, 1), B: (1, 1), C: (1, 1)}, {"*": 1}),
        ({A: (1, 5), B: (2, 2), C: (1, 5)}, {"*": [1, 5], f"{URL}b": 2}),
    ],
)
def test_describe_costs__of_costs__writes_what_reads_back(costs: dict[Endpoint, Any], written: dict[str, Any]) -> None:
    extras = describe_costs((A, B, C), costs)
    assert extras == ({"nvmCosts": written} if written else {})
    metadata = AgentMetadata("Echo", endpoints=(A, B, C), extras=extras)
    assert read_costs(metadata) == costs
    assert read_costs(parse_metadata(format_metadata(metadata))) == costs


@given(st.lists(RANGES | st.none(), min_size=1, max_size=6))
def test_describe_costs__of_any_costs__reads_back(ranges: list[tuple[int, int] | None]) -> None:
    endpoints = [Endpoint("GET", f"https://example.com/{number}") for number in range(len(ranges))]
    costs = {endpoint: cost for endpoint, cost in zip(endpoints, ranges, strict=True) if cost is not None}
    metadata = AgentMetadata("Echo", endpoints=endpoints, extras=describe_costs(endpoints, costs))
    assert read_costs(metadata) == costs


@pytest.mark.parametrize(
    "written",
    [
        *([], "1", 5, None),
        *({"*": None}, {"*": "1"}, {"*": True}, {"*": -1}, {"*": 2**32}, {"*": 1.5}, {"*": {}}),
        *({"*": []}, {"*": [1]}, {"*": [1, 2, 3]}, {"*": [2, 1]}, {"*": [1, "2"]}, {"*": [1, True]}, {"*": [-1, 1]}),
        *({f"{URL}d": 1}, {"GET https://example.com/a": 1}, {"https://example.com/a": 1}),
    ],
)
def test_read_costs__of_malformed_ones__raises(written: object) -> None:
    metadata = AgentMetadata("Echo", endpoints=(A, B, C), extras={"nvmCosts": written})
    with pytest.raises(InvalidMetadata, match=r"\(nvmCosts\)"):
        read_costs(metadata)


@pytest.mark.parametrize("value", [True, "5", None, 1.5, (1,), (1, 2, 3), {1, 2}, b"12"])
def test_read_cost_range__of_what_is_not_a_cost__raises(value: Any) -> None:
    with pytest.raises((InvalidAmount, InvalidConfig)):
        read_cost_range(value)


@pytest.mark.parametrize(
    ("cost", "plan", "expected"),
    [
        (None, (1, 5), (1, 5)),
        ((1, 5), (1, 5), (1, 5)),
        ((1, 1), (1, 5), (1, 1)),
        ((5, 5), (1, 5), (5, 5)),
        ((0, 5), (1, 5), None),
        ((1, 6), (1, 5), None),
        ((9, 9), (0, 0), (0, 0)),
        (None, (0, 0), (0, 0)),
        ((0, 0), (0, 5), (0, 0)),
    ],
)
def test_fit_cost_range__of_a_cost_on_a_plan__is_the_endpoints_within_the_plans(
    cost: tuple[int, int] | None, plan: tuple[int, int], expected: tuple[int, int] | None
) -> None:
    if expected is not None:
        assert fit_cost_range(cost, AttachedPlan(255, *plan)) == expected
        return
    with pytest.raises(CostOutOfRange) as caught:
        fit_cost_range(cost, AttachedPlan(255, *plan))
    assert caught.value.fields == dict(
        zip(
            ("plan_id", "min_credits", "max_credits", "min_redeem", "max_redeem"),
            (255, *(cost or ()), *plan),
            strict=True,
        )
    )
