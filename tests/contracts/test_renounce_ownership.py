"""renounceOwnership: the protocol fee stays what it is, for ever."""

import pytest

from nvm_chain.errors import OwnableUnauthorizedAccount
from tests.support.reverts import reverts
from tests.support.world import ZERO, World


def test_renounce_ownership__by_owner__freezes_the_fee_and_emits(world: World) -> None:
    functions = world.credits.functions
    world.set_fee(50)
    receipt = world.send(world.fee_owner, functions.renounceOwnership())
    assert world.events(receipt) == [
        ("OwnershipTransferred", {"previousOwner": world.fee_owner.address, "newOwner": ZERO})
    ]
    assert world.read(functions.owner()) == ZERO
    assert world.read(functions.protocolFee()) == [50, world.fee_receiver.address]
    with reverts(OwnableUnauthorizedAccount(world.fee_owner.address)):
        world.set_fee(0)


def test_renounce_ownership__with_an_offer_open__ends_the_offer(world: World) -> None:
    functions = world.credits.functions
    world.send(world.fee_owner, functions.transferOwnership(world.other.address))
    world.send(world.fee_owner, functions.renounceOwnership())
    with reverts(OwnableUnauthorizedAccount(world.other.address)):
        world.send(world.other, functions.acceptOwnership())


def test_renounce_ownership__with_fees_due__still_delivers_them(funded: World) -> None:
    """I10: no one is needed for plans to go on."""
    funded.set_fee(100)
    plan_id = funded.register()
    funded.send(funded.fee_owner, funded.credits.functions.renounceOwnership())
    funded.order(plan_id)
    assert funded.tokens(funded.fee_receiver.address) == 200_000


@pytest.mark.parametrize("role", ["builder", "stranger"])
def test_renounce_ownership__by_anyone_else__reverts(world: World, role: str) -> None:
    caller = getattr(world, role)
    with reverts(OwnableUnauthorizedAccount(caller.address)):
        world.send(caller, world.credits.functions.renounceOwnership())
