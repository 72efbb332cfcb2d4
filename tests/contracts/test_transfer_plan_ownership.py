"""transferPlanOwnership: the plan's owner offers it to another, or withdraws the offer."""

import pytest

from nvm_chain.errors import NotPendingPlanOwner, NotPlanOwner, UnknownPlan
from tests.support.reverts import reverts
from tests.support.world import ZERO, World


def _offer(world: World, plan_id: int, new_owner: str) -> None:
    world.send(world.builder, world.credits.functions.transferPlanOwnership(plan_id, new_owner))


def test_transfer_plan_ownership__by_owner__only_offers(world: World) -> None:
    plan_id, new = world.register(), world.other.address
    receipt = world.send(world.builder, world.credits.functions.transferPlanOwnership(plan_id, new))
    assert world.events(receipt) == [
        ("PlanOwnershipOffered", {"planId": plan_id, "owner": world.builder.address, "pendingOwner": new})
    ]
    assert world.read(world.credits.functions.stateOf(plan_id)) == (world.builder.address, new, True, 0)
    with reverts(NotPlanOwner(plan_id, new)):
        world.send(world.other, world.credits.functions.setPlanActive(plan_id, False))


def test_transfer_plan_ownership__again__replaces_the_offer(world: World) -> None:
    plan_id = world.register()
    _offer(world, plan_id, world.other.address)
    _offer(world, plan_id, world.partner.address)
    with reverts(NotPendingPlanOwner(plan_id, world.other.address)):
        world.send(world.other, world.credits.functions.acceptPlanOwnership(plan_id))


def test_transfer_plan_ownership__to_zero__withdraws_the_offer(world: World) -> None:
    plan_id = world.register()
    _offer(world, plan_id, world.other.address)
    _offer(world, plan_id, ZERO)
    assert world.read(world.credits.functions.stateOf(plan_id))[1] == ZERO
    with reverts(NotPendingPlanOwner(plan_id, world.other.address)):
        world.send(world.other, world.credits.functions.acceptPlanOwnership(plan_id))


def test_transfer_plan_ownership__of_one_plan__offers_no_other(world: World) -> None:
    offered, kept = world.register(), world.register()
    _offer(world, offered, world.other.address)
    with reverts(NotPendingPlanOwner(kept, world.other.address)):
        world.send(world.other, world.credits.functions.acceptPlanOwnership(kept))


@pytest.mark.parametrize("role", ["stranger", "redeemer", "minter", "subscriber", "fee_owner"])
def test_transfer_plan_ownership__by_anyone_else__reverts(world: World, staffed_plan: int, role: str) -> None:
    caller = getattr(world, role)
    with reverts(NotPlanOwner(staffed_plan, caller.address)):
        world.send(caller, world.credits.functions.transferPlanOwnership(staffed_plan, caller.address))


def test_transfer_plan_ownership__by_pending_owner__cannot_pass_it_on(world: World) -> None:
    plan_id = world.register()
    _offer(world, plan_id, world.other.address)
    with reverts(NotPlanOwner(plan_id, world.other.address)):
        world.send(world.other, world.credits.functions.transferPlanOwnership(plan_id, world.stranger.address))


def test_transfer_plan_ownership__of_unknown_plan__reverts(world: World) -> None:
    with reverts(UnknownPlan(7)):
        _offer(world, 7, world.other.address)
