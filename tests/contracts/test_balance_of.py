"""balanceOf: a holder's credits of one plan."""

import pytest

from tests.support.world import ZERO, World


@pytest.mark.parametrize("amount", [1, 2**54 - 1])
def test_balance_of__after_a_grant__is_its_amount(world: World, amount: int) -> None:
    plan_id = world.register()
    world.grant(plan_id, world.other.address, amount)
    assert world.read(world.credits.functions.balanceOf(world.other.address, plan_id)) == amount


def test_balance_of__another_holder_or_plan__is_zero(world: World) -> None:
    plan_id, another = world.register(), world.register()
    world.grant(plan_id, world.other.address, 5)
    functions = world.credits.functions
    assert world.read(functions.balanceOf(world.stranger.address, plan_id)) == 0
    assert world.read(functions.balanceOf(world.other.address, another)) == 0


@pytest.mark.parametrize("plan_id", [0, 7, 2**256 - 1])
def test_balance_of__unknown_plan_or_nobody__is_zero(world: World, plan_id: int) -> None:
    assert world.read(world.credits.functions.balanceOf(ZERO, plan_id)) == 0


def test_balance_of__in_sum__is_granted_less_spent(world: World) -> None:
    """I2: for each plan, granted - burned is the sum of live balances."""
    plan_id = world.register(transferable=True)
    holders, functions = (world.subscriber, world.other, world.partner), world.credits.functions
    for holder in holders:
        world.grant(plan_id, holder.address, 10)
    world.send(world.subscriber, functions.burn(plan_id, world.subscriber.address, 4))
    world.send(world.other, functions.safeTransferFrom(world.other.address, world.partner.address, plan_id, 9, b""))
    balances = [world.balance(plan_id, holder.address) for holder in holders]
    assert balances == [6, 1, 19]
    assert sum(balances) == 30 - 4
