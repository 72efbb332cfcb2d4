"""balanceOfBatch: balances of many pairs of holder and plan in one call."""

import pytest

from nvm_chain.errors import ERC1155InvalidArrayLength
from tests.support.reverts import reverts
from tests.support.world import World


def test_balance_of_batch__of_pairs__is_what_balance_of_says(world: World) -> None:
    first, second = world.register(), world.register()
    one, two = world.other.address, world.partner.address
    world.grant(first, one, 5)
    world.grant(second, two, 7)
    pairs = [(one, first), (one, second), (two, first), (two, second), (one, first), (one, 99)]
    function = world.credits.functions.balanceOfBatch([pair[0] for pair in pairs], [pair[1] for pair in pairs])
    answer = world.read(function)
    assert answer == [5, 0, 0, 7, 5, 0]
    assert answer == [world.balance(plan_id, holder) for holder, plan_id in pairs]


def test_balance_of_batch__of_nothing__is_nothing(world: World) -> None:
    assert world.read(world.credits.functions.balanceOfBatch([], [])) == []


@pytest.mark.parametrize(("holders", "ids"), [(0, 1), (1, 0), (2, 3)])
def test_balance_of_batch__with_lists_of_two_lengths__reverts(world: World, holders: int, ids: int) -> None:
    with reverts(ERC1155InvalidArrayLength(ids, holders)):
        world.read(world.credits.functions.balanceOfBatch([world.other.address] * holders, [1] * ids))
