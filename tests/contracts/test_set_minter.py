"""setMinter: the plan's owner says who else may mint."""

import pytest

from nvm_chain.errors import NotPlanOwner, UnknownPlan
from tests.support.reverts import reverts
from tests.support.world import World


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("allowed", [True, False])
def test_set_minter__by_owner__sets_and_emits(world: World, before: bool, allowed: bool) -> None:
    plan_id = world.register()
    functions, account = world.credits.functions, world.stranger.address
    world.send(world.builder, functions.setMinter(plan_id, account, before))
    receipt = world.send(world.builder, functions.setMinter(plan_id, account, allowed))
    assert world.read(functions.isMinter(plan_id, account)) is allowed
    arguments = {"planId": plan_id, "owner": world.builder.address, "minter": account, "allowed": allowed}
    assert world.events(receipt) == [("MinterSet", arguments)]


def test_set_minter__of_one_plan__counts_for_no_other(world: World, staffed_plan: int) -> None:
    """I3: what an owner allows on one plan gives nobody anything on another."""
    another = world.register()
    assert world.read(world.credits.functions.isMinter(staffed_plan, world.minter.address))
    assert not world.read(world.credits.functions.isMinter(another, world.minter.address))


@pytest.mark.parametrize("role", ["stranger", "minter", "redeemer", "subscriber", "fee_owner"])
def test_set_minter__by_anyone_else__reverts(world: World, staffed_plan: int, role: str) -> None:
    caller = getattr(world, role)
    with reverts(NotPlanOwner(staffed_plan, caller.address)):
        world.send(caller, world.credits.functions.setMinter(staffed_plan, caller.address, True))


def test_set_minter__by_a_(world: World, staffed_plan: int) -> None:
    caller = world.minter
    with reverts(NotPlanOwner(staffed_plan, caller.address)):
        world.send(caller, world.credits.functions.setMinter(staffed_plan, world.other.address, True))


def test_set_minter__of_unknown_plan__reverts(world: World) -> None:
    with reverts(UnknownPlan(7)):
        world.send(world.builder, world.credits.functions.setMinter(7, world.builder.address, True))
