"""setPlanActive: the plan's owner stops new orders, or takes them again; holders keep all they have."""

import pytest

from nvm_chain.errors import NotPlanOwner, PlanNotActive, UnknownPlan
from tests.support.reverts import reverts
from tests.support.world import NO_CONTEXT, World


def _set_active(world: World, plan_id: int, active: bool) -> None:
    world.send(world.builder, world.credits.functions.setPlanActive(plan_id, active))


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("active", [True, False])
def test_set_plan_active__by_owner__sets_and_emits(world: World, before: bool, active: bool) -> None:
    plan_id = world.register()
    _set_active(world, plan_id, before)
    receipt = world.send(world.builder, world.credits.functions.setPlanActive(plan_id, active))
    assert world.read(world.credits.functions.stateOf(plan_id))[2] is active
    assert world.events(receipt) == [("PlanActiveSet", {"planId": plan_id, "active": active})]


def test_set_plan_active__false__stops_orders_until_true(funded: World) -> None:
    plan_id = funded.register()
    _set_active(funded, plan_id, False)
    with reverts(PlanNotActive(plan_id)):
        funded.order(plan_id)
    _set_active(funded, plan_id, True)
    funded.order(plan_id)
    assert funded.balance(plan_id, funded.subscriber.address) == 100


def test_set_plan_active__false__leaves_holders_everything(world: World) -> None:
    """I10: an owner who stops selling takes nothing from those who bought."""
    plan_id = world.register(transferable=True)
    holder = world.subscriber.address
    world.grant(plan_id, holder, 10)
    _set_active(world, plan_id, False)
    functions = world.credits.functions
    world.send(world.subscriber, functions.redeem(plan_id, holder, 1, NO_CONTEXT))
    world.send(world.subscriber, functions.burn(plan_id, holder, 2))
    world.send(world.subscriber, functions.safeTransferFrom(holder, world.other.address, plan_id, 3, b""))
    assert world.balance(plan_id, holder) == 4


def test_set_plan_active__false__does_not_stop_mints(world: World) -> None:
    plan_id = world.register()
    _set_active(world, plan_id, False)
    world.grant(plan_id, world.subscriber.address, 1)
    assert world.balance(plan_id, world.subscriber.address) == 1


@pytest.mark.parametrize("role", ["stranger", "redeemer", "minter", "subscriber", "fee_owner"])
def test_set_plan_active__by_anyone_else__reverts(world: World, staffed_plan: int, role: str) -> None:
    caller = getattr(world, role)
    with reverts(NotPlanOwner(staffed_plan, caller.address)):
        world.send(caller, world.credits.functions.setPlanActive(staffed_plan, False))


def test_set_plan_active__of_unknown_plan__reverts(world: World) -> None:
    with reverts(UnknownPlan(7)):
        _set_active(world, 7, True)
