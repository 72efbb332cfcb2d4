"""stateOf: what of a plan may change, and its frozen fee."""

import pytest

from nvm_chain.errors import UnknownPlan
from tests.support.reverts import reverts
from tests.support.world import ZERO, World


def test_state_of__new_plan__is_active_with_the_fee_of_the_day(world: World) -> None:
    world.set_fee(321)
    plan_id = world.register()
    assert world.read(world.credits.functions.stateOf(plan_id)) == (world.builder.address, ZERO, True, 321)


def test_state_of__stopped_and_offered_plan__shows_both(world: World) -> None:
    plan_id, functions = world.register(), world.credits.functions
    world.send(world.builder, functions.setPlanActive(plan_id, False))
    world.send(world.builder, functions.transferPlanOwnership(plan_id, world.other.address))
    assert world.read(functions.stateOf(plan_id)) == (world.builder.address, world.other.address, False, 0)


@pytest.mark.parametrize("plan_id", [0, 7, 2**256 - 1])
def test_state_of__unknown_plan__reverts(world: World, plan_id: int) -> None:
    with reverts(UnknownPlan(plan_id)):
        world.read(world.credits.functions.stateOf(plan_id))
