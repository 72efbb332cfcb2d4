"""mintItem: one item of a batch mint, which the contract keeps for itself."""

import pytest

from nvm_chain.errors import NotSelf
from tests.support.reverts import reverts
from tests.support.world import World


@pytest.mark.parametrize("role", ["builder", "minter", "fee_owner", "stranger"])
def test_mint_item__by_anyone__reverts(world: World, staffed_plan: int, role: str) -> None:
    """C14: who pretends that the owner mints gets nothing, not even the owner."""
    caller = getattr(world, role)
    function = world.credits.functions.mintItem(staffed_plan, world.builder.address, caller.address, 1)
    with reverts(NotSelf(caller.address)):
        world.send(caller, function)


def test_mint_item__through_a_hook__reverts(world: World, staffed_plan: int) -> None:
    """C11: a receiver is called by the contract, and is not the contract for that."""
    thief = world.deploy("ReentersInHook")
    function = world.credits.functions.mintItem(staffed_plan, world.builder.address, thief.address, 1000)
    data = function._encode_transaction_data()
    world.send(world.stranger, thief.functions.arm(world.credits.address, 0, data))
    world.grant(staffed_plan, thief.address, 1)
    assert world.read(thief.functions.count()) == 1
    assert world.read(thief.functions.success()) is False
    assert world.balance(staffed_plan, thief.address) == 1
