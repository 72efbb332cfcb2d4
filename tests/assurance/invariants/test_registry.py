"""AgentRegistry agrees with a model of it over random histories: which agent accepts which plan, in both directions, at what cost."""

import pytest

from tests.assurance.invariants.registry import SIGNATURES, run_registry_history


@pytest.mark.parametrize("seed", range(1, 9))
def test_registry__over_a_random_history__agrees_with_the_model(seed: int) -> None:
    assert run_registry_history(seed, 400) == set(SIGNATURES)
