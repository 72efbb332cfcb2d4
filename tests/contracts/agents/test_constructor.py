"""constructor: binds a registry to one Credits, for ever."""

import pytest

from nvm_chain.errors import CreditsWithoutCode, RevertedWithoutReason
from tests.support.reverts import reverts
from tests.support.world import ZERO, World


def test_constructor__with_credits__begins_empty(world: World) -> None:
    registry = world.deploy("AgentRegistry", world.credits.address)
    assert world.read(registry.functions.credits()) == world.credits.address
    assert world.read(registry.functions.agentCount()) == 0


@pytest.mark.parametrize("role", ["zero", "stranger"])
def test_constructor__with_an_address_without_code__reverts(world: World, role: str) -> None:
    address = ZERO if role == "zero" else world.stranger.address
    with reverts(CreditsWithoutCode(address)):
        world.deploy("AgentRegistry", address)


def test_constructor__with_coin__reverts(world: World) -> None:
    with reverts(RevertedWithoutReason("0x")):
        world.deploy("AgentRegistry", world.credits.address, value=1)


def test_registries__of_two_credits__have_the_same_code(world: World) -> None:
    """So that its hash tells on every chain whether it is ours; which Credits it is of is asked."""
    another = world.deploy("Credits", world.stranger.address)
    registries = [world.deploy("AgentRegistry", credits.address) for credits in (world.credits, another)]
    first, second = (world.chain.read_code(registry.address) for registry in registries)
    assert first == second
