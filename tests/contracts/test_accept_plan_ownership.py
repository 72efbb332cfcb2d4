"""acceptPlanOwnership: whom a plan was offered to becomes its owner, with redeemers and minters of their own."""

import pytest
from eth_account.signers.local import LocalAccount

from nvm_chain.errors import NotMinter, NotPendingPlanOwner, NotPlanOwner, RedeemNotAllowed, UnknownPlan
from tests.support.reverts import reverts
from tests.support.world import NO_CONTEXT, ZERO, World


def _hand_over(world: World, plan_id: int, owner: LocalAccount, new_owner: LocalAccount) -> None:
    world.send(owner, world.credits.functions.transferPlanOwnership(plan_id, new_owner.address))
    world.send(new_owner, world.credits.functions.acceptPlanOwnership(plan_id))


def test_accept_plan_ownership__by_pending_owner__transfers_and_emits(world: World) -> None:
    plan_id, old, new = world.register(), world.builder.address, world.other.address
    world.send(world.builder, world.credits.functions.transferPlanOwnership(plan_id, new))
    receipt = world.send(world.other, world.credits.functions.acceptPlanOwnership(plan_id))
    assert world.events(receipt) == [
        ("PlanOwnershipTransferred", {"planId": plan_id, "previousOwner": old, "newOwner": new})
    ]
    assert world.read(world.credits.functions.stateOf(plan_id)) == (new, ZERO, True, 0)


def test_accept_plan_ownership__then__moves_every_power(world: World) -> None:
    plan_id, functions = world.register(), world.credits.functions
    _hand_over(world, plan_id, world.builder, world.other)
    world.send(world.other, functions.setPlanActive(plan_id, False))
    world.send(world.other, functions.mint(plan_id, world.stranger.address, 5))
    with reverts(NotPlanOwner(plan_id, world.builder.address)):
        world.send(world.builder, functions.setPlanActive(plan_id, True))
    with reverts(NotMinter(plan_id, world.builder.address)):
        world.grant(plan_id, world.builder.address, 1)


def test_accept_plan_ownership__then__leaves_terms_and_holders(funded: World) -> None:
    """I5: who is paid is a term, so the price still goes to the first owner."""
    plan_id = funded.register()
    funded.grant(plan_id, funded.subscriber.address, 3)
    before = funded.read(funded.credits.functions.termsOf(plan_id))
    _hand_over(funded, plan_id, funded.builder, funded.other)
    funded.order(plan_id)
    assert funded.read(funded.credits.functions.termsOf(plan_id)) == before
    assert funded.balance(plan_id, funded.subscriber.address) == 103
    assert funded.tokens(funded.builder.address) == 20_000_000


def test_accept_plan_ownership__then__ends_what_the_previous_owner_allowed(world: World, staffed_plan: int) -> None:
    """I3: a buyer of a plan does not inherit people who may take its holders' credits."""
    functions, holder = world.credits.functions, world.subscriber.address
    _hand_over(world, staffed_plan, world.builder, world.other)
    assert not world.read(functions.isRedeemer(staffed_plan, world.redeemer.address))
    assert not world.read(functions.isMinter(staffed_plan, world.minter.address))
    with reverts(RedeemNotAllowed(staffed_plan, holder, world.redeemer.address)):
        world.send(world.redeemer, functions.redeem(staffed_plan, holder, 1, NO_CONTEXT))
    with reverts(NotMinter(staffed_plan, world.minter.address)):
        world.send(world.minter, functions.mint(staffed_plan, holder, 1))


def test_accept_plan_ownership__when_it_comes_back__revives_what_that_owner_allowed(
    world: World, staffed_plan: int
) -> None:
    """Documented at setRedeemer and setMinter: what an owner allowed counts again if they get the plan back."""
    functions = world.credits.functions
    _hand_over(world, staffed_plan, world.builder, world.other)
    _hand_over(world, staffed_plan, world.other, world.builder)
    assert world.read(functions.isRedeemer(staffed_plan, world.redeemer.address))
    assert world.read(functions.isMinter(staffed_plan, world.minter.address))
    world.send(world.redeemer, functions.redeem(staffed_plan, world.subscriber.address, 1, NO_CONTEXT))
    world.send(world.minter, functions.mint(staffed_plan, world.subscriber.address, 1))


def test_accept_plan_ownership__what_the_new_owner_allows__ends_with_them(world: World) -> None:
    plan_id, functions = world.register(), world.credits.functions
    _hand_over(world, plan_id, world.builder, world.other)
    world.send(world.other, functions.setMinter(plan_id, world.minter.address, True))
    _hand_over(world, plan_id, world.other, world.builder)
    assert not world.read(functions.isMinter(plan_id, world.minter.address))


def test_accept_plan_ownership__offered_to_the_owner__changes_nothing(world: World, staffed_plan: int) -> None:
    _hand_over(world, staffed_plan, world.builder, world.builder)
    assert world.read(world.credits.functions.stateOf(staffed_plan))[:2] == (world.builder.address, ZERO)
    assert world.read(world.credits.functions.isMinter(staffed_plan, world.minter.address))


def test_accept_plan_ownership__twice__reverts(world: World) -> None:
    plan_id = world.register()
    _hand_over(world, plan_id, world.builder, world.other)
    with reverts(NotPendingPlanOwner(plan_id, world.other.address)):
        world.send(world.other, world.credits.functions.acceptPlanOwnership(plan_id))


@pytest.mark.parametrize("role", ["builder", "stranger", "redeemer", "minter", "fee_owner"])
def test_accept_plan_ownership__by_anyone_else__reverts(world: World, staffed_plan: int, role: str) -> None:
    world.send(world.builder, world.credits.functions.transferPlanOwnership(staffed_plan, world.other.address))
    caller = getattr(world, role)
    with reverts(NotPendingPlanOwner(staffed_plan, caller.address)):
        world.send(caller, world.credits.functions.acceptPlanOwnership(staffed_plan))


def test_accept_plan_ownership__without_an_offer__reverts(world: World) -> None:
    plan_id = world.register()
    with reverts(NotPendingPlanOwner(plan_id, world.stranger.address)):
        world.send(world.stranger, world.credits.functions.acceptPlanOwnership(plan_id))


def test_accept_plan_ownership__of_unknown_plan__reverts(world: World) -> None:
    with reverts(UnknownPlan(7)):
        world.send(world.other, world.credits.functions.acceptPlanOwnership(7))
