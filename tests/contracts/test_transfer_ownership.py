"""transferOwnership, owner, pendingOwner: the contract's owner offers the power to set the protocol fee."""

import pytest

from nvm_chain.errors import OwnableUnauthorizedAccount
from tests.support.reverts import reverts
from tests.support.world import ZERO, World


def _owners(world: World) -> tuple[str, str]:
    functions = world.credits.functions
    return world.read(functions.owner()), world.read(functions.pendingOwner())


def test_transfer_ownership__by_owner__only_offers(world: World) -> None:
    old, new = world.fee_owner.address, world.other.address
    receipt = world.send(world.fee_owner, world.credits.functions.transferOwnership(new))
    assert _owners(world) == (old, new)
    assert world.events(receipt) == [("OwnershipTransferStarted", {"previousOwner": old, "newOwner": new})]
    with reverts(OwnableUnauthorizedAccount(new)):
        world.send(world.other, world.credits.functions.setProtocolFee(1, new))


def test_transfer_ownership__again__replaces_the_offer(world: World) -> None:
    world.send(world.fee_owner, world.credits.functions.transferOwnership(world.other.address))
    world.send(world.fee_owner, world.credits.functions.transferOwnership(world.partner.address))
    with reverts(OwnableUnauthorizedAccount(world.other.address)):
        world.send(world.other, world.credits.functions.acceptOwnership())


def test_transfer_ownership__to_zero__withdraws_the_offer(world: World) -> None:
    world.send(world.fee_owner, world.credits.functions.transferOwnership(world.other.address))
    world.send(world.fee_owner, world.credits.functions.transferOwnership(ZERO))
    assert _owners(world) == (world.fee_owner.address, ZERO)


@pytest.mark.parametrize("role", ["builder", "stranger", "other"])
def test_transfer_ownership__by_anyone_else__reverts(world: World, role: str) -> None:
    world.send(world.fee_owner, world.credits.functions.transferOwnership(world.other.address))
    caller = getattr(world, role)
    with reverts(OwnableUnauthorizedAccount(caller.address)):
        world.send(caller, world.credits.functions.transferOwnership(caller.address))
