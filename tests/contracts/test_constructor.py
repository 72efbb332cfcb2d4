"""constructor: names the owner who sets the protocol fee, and settles everything else for good."""

import pytest

from nvm_chain.errors import OwnableInvalidOwner, RevertedWithoutReason
from tests.support.reverts import reverts
from tests.support.world import ZERO, World


def test_constructor__with_owner__starts_without_fee(world: World) -> None:
    credits = world.deploy("Credits", world.stranger.address)
    assert world.read(credits.functions.owner()) == world.stranger.address
    assert world.read(credits.functions.pendingOwner()) == ZERO
    assert world.read(credits.functions.protocolFee()) == [0, ZERO]


def test_constructor__by_another_account__gives_the_deployer_nothing(world: World) -> None:
    credits = world.deploy("Credits", world.stranger.address, signer=world.builder)
    assert world.read(credits.functions.owner()) == world.stranger.address


def test_constructor__without_owner__reverts(world: World) -> None:
    with reverts(OwnableInvalidOwner(ZERO)):
        world.deploy("Credits", ZERO)


@pytest.mark.parametrize("value", [1, 10**18])
def test_constructor__with_coin__reverts(world: World, value: int) -> None:
    """C34: nothing takes coin that has no use for it."""
    with reverts(RevertedWithoutReason("0x")):
        world.deploy("Credits", world.stranger.address, value=value)
