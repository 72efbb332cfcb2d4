"""acceptOwnership: whom the contract was offered to becomes the one who sets the protocol fee."""

import pytest

from nvm_chain.errors import OwnableUnauthorizedAccount
from tests.support.reverts import reverts
from tests.support.world import ZERO, World


@pytest.fixture
def offered(world: World) -> World:
    world.send(world.fee_owner, world.credits.functions.transferOwnership(world.other.address))
    return world


def test_accept_ownership__by_pending_owner__transfers_and_emits(offered: World) -> None:
    functions = offered.credits.functions
    old, new = offered.fee_owner.address, offered.other.address
    receipt = offered.send(offered.other, functions.acceptOwnership())
    assert offered.events(receipt) == [("OwnershipTransferred", {"previousOwner": old, "newOwner": new})]
    assert (offered.read(functions.owner()), offered.read(functions.pendingOwner())) == (new, ZERO)


def test_accept_ownership__then__moves_the_power_over_the_fee(offered: World) -> None:
    functions = offered.credits.functions
    offered.send(offered.other, functions.acceptOwnership())
    offered.send(offered.other, functions.setProtocolFee(7, offered.other.address))
    assert offered.read(functions.protocolFee()) == [7, offered.other.address]
    with reverts(OwnableUnauthorizedAccount(offered.fee_owner.address)):
        offered.set_fee(8)


@pytest.mark.parametrize("role", ["fee_owner", "stranger"])
def test_accept_ownership__by_anyone_else__reverts(offered: World, role: str) -> None:
    caller = getattr(offered, role)
    with reverts(OwnableUnauthorizedAccount(caller.address)):
        offered.send(caller, offered.credits.functions.acceptOwnership())


def test_accept_ownership__twice__reverts(offered: World) -> None:
    offered.send(offered.other, offered.credits.functions.acceptOwnership())
    with reverts(OwnableUnauthorizedAccount(offered.other.address)):
        offered.send(offered.other, offered.credits.functions.acceptOwnership())


def test_accept_ownership__does_not_touch__plans_of_anyone(offered: World) -> None:
    """DESIGN 3.7: the contract's owner can do nothing but set the fee."""
    plan_id = offered.register()
    before = offered.read(offered.credits.functions.stateOf(plan_id))
    offered.send(offered.other, offered.credits.functions.acceptOwnership())
    assert offered.read(offered.credits.functions.stateOf(plan_id)) == before
