"""isReferenceUsed: whether a plan was granted for a payment made outside the chain."""

import pytest

from nvm_chain.errors import ReferenceUsed
from tests.support.reverts import reverts
from tests.support.world import World

REFERENCE = b"invoice-1".ljust(32, b"\0")


def _is_used(world: World, plan_id: int, reference: bytes = REFERENCE) -> bool:
    return bool(world.read(world.credits.functions.isReferenceUsed(plan_id, reference)))


def test_is_reference_used__before_and_after_a_grant__says_so(world: World) -> None:
    plan_id = world.register()
    assert not _is_used(world, plan_id)
    grant = world.credits.functions.grantExternal(plan_id, world.subscriber.address, 1, REFERENCE)
    world.send(world.builder, grant)
    assert _is_used(world, plan_id)


def test_is_reference_used__of_another_plan_or_reference__is_not(world: World) -> None:
    plan_id, other = world.register(), world.register()
    grant = world.credits.functions.grantExternal(plan_id, world.subscriber.address, 1, REFERENCE)
    world.send(world.builder, grant)
    assert not _is_used(world, other)
    assert not _is_used(world, plan_id, bytes(32))
    assert not _is_used(world, plan_id, REFERENCE[:31] + b"\1")


def test_is_reference_used__after_a_grant_that_failed__is_not(world: World) -> None:
    plan_id = world.register()
    receiver = world.deploy("RejectsCredits").address
    function = world.credits.functions.grantExternal(plan_id, receiver, 1, REFERENCE)
    assert world.send_with_gas(world.builder, function, 1_000_000)["status"] == 0
    assert not _is_used(world, plan_id)


def test_is_reference_used__after_a_refused_second_grant__still_is(world: World) -> None:
    plan_id = world.register()
    grant = world.credits.functions.grantExternal(plan_id, world.subscriber.address, 1, REFERENCE)
    world.send(world.builder, grant)
    with reverts(ReferenceUsed(plan_id, REFERENCE)):
        world.send(world.builder, grant)
    assert _is_used(world, plan_id)


@pytest.mark.parametrize("plan_id", [0, 7, 2**256 - 1])
def test_is_reference_used__of_unknown_plan__is_not(world: World, plan_id: int) -> None:
    assert not _is_used(world, plan_id)
