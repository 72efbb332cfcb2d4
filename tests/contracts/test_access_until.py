"""accessUntil: when a holder's access to a time plan ends. How it comes about is in the files of the two time plans."""

import pytest

from tests.support.plans import expiring, from_first_use, from_purchase, usage
from tests.support.world import NO_CONTEXT, ZERO, World

DAY = 86_400


def _until(world: World, plan_id: int) -> int:
    return int(world.read(world.credits.functions.accessUntil(plan_id, world.subscriber.address)))


def test_access_until__after_a_purchase__is_its_end(world: World) -> None:
    plan_id = world.register(**from_purchase(DAY))
    world.order(plan_id)
    assert _until(world, plan_id) == world.now + DAY


@pytest.mark.parametrize("second", [-1, 0, 1])
def test_access_until__when_access_ends__stays_what_it_was(world: World, second: int) -> None:
    """It is open before that second: whoever reads it compares it with the time."""
    plan_id = world.register(**from_purchase(DAY))
    world.order(plan_id)
    until = _until(world, plan_id)
    world.mine_at(until + second)
    assert _until(world, plan_id) == until
    assert world.balance(plan_id, world.subscriber.address) == (1 if second < 0 else 0)


def test_access_until__before_first_use__is_zero(world: World) -> None:
    plan_id, holder = world.register(**from_first_use(DAY)), world.subscriber
    world.order(plan_id)
    assert _until(world, plan_id) == 0
    world.send(holder, world.credits.functions.redeem(plan_id, holder.address, 1, NO_CONTEXT))
    assert _until(world, plan_id) == world.now + DAY


def test_access_until__plans_without_access__is_zero(world: World) -> None:
    for terms in ({}, expiring(DAY), {"transferable": True}):
        plan_id = world.register(**terms)
        world.grant(plan_id, world.subscriber.address, 5)
        assert _until(world, plan_id) == 0
    assert _until(world, world.register(**usage())) == 0


@pytest.mark.parametrize("plan_id", [0, 7, 2**256 - 1])
def test_access_until__unknown_plan_or_nobody__is_zero(world: World, plan_id: int) -> None:
    assert world.read(world.credits.functions.accessUntil(plan_id, ZERO)) == 0
    assert _until(world, plan_id) == 0
