"""MAX_FEE_BPS, MAX_SPLITS, MAX_QUANTITY, ISOLATED_GAS: the limits that nobody can move."""

import pytest

from tests.support.world import World

LIMITS = {"MAX_FEE_BPS": 1000, "MAX_SPLITS": 16, "MAX_QUANTITY": 2**32 - 1, "ISOLATED_GAS": 200_000}


@pytest.mark.parametrize("name", LIMITS)
def test_constants__of_the_contract__are_as_documented(world: World, name: str) -> None:
    assert world.read(world.credits.functions[name]()) == LIMITS[name]
