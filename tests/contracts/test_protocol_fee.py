"""protocolFee: the fee that a plan registered now would carry, and who receives the fees."""

from tests.support.world import ZERO, World


def test_protocol_fee__at_first__is_none(world: World) -> None:
    assert world.read(world.credits.functions.protocolFee()) == [0, ZERO]


def test_protocol_fee__once_set__is_what_plans_get(world: World) -> None:
    world.set_fee(250)
    plan_id = world.register()
    assert world.read(world.credits.functions.protocolFee()) == [250, world.fee_receiver.address]
    assert world.read(world.credits.functions.stateOf(plan_id))[3] == 250


def test_protocol_fee__that_is_forgone__is_told_before_the_receiver_gets_it(funded: World) -> None:
    """C11: the contract has said all there is to say before it calls the token again."""
    funded.set_fee(1000)
    plan_id = funded.register()
    funded.send(funded.fee_owner, funded.usdc.functions.blacklist(funded.fee_receiver.address))
    logs = funded.order(plan_id)["logs"]
    assert [log["address"] for log in logs[-2:]] == [funded.credits.address, funded.usdc.address]
