"""protocolFee: the fee that a plan registered now would carry, and who receives the fees."""

from tests.support.world import ZERO, World


def test_protocol_fee__at_first__is_none(world: World) -> None:
    assert world.read(world.credits.functions.protocolFee()) == [0, ZERO]


def test_protocol_fee__once_set__is_what_plans_get(world: World) -> None:
    world.set_fee(250)
    plan_id = world.register()
    assert world.read(world.credits.functions.protocolFee()) == [250, world.fee_receiver.address]
    assert world.read(world.credits.functions.stateOf(plan_id))[3] == 250
