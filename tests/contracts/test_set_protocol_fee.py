"""setProtocolFee: the contract's owner sets the fee of plans to come, and who gets the fees of all."""

import pytest

from nvm_chain.errors import FeeAboveCap, InvalidFeeReceiver, OwnableUnauthorizedAccount
from tests.support.reverts import reverts
from tests.support.world import ZERO, World


@pytest.mark.parametrize("bps", [0, 1, 999, 1000])
def test_set_protocol_fee__up_to_cap__sets_and_emits(world: World, bps: int) -> None:
    receiver = world.fee_receiver.address
    receipt = world.send(world.fee_owner, world.credits.functions.setProtocolFee(bps, receiver))
    assert world.read(world.credits.functions.protocolFee()) == [bps, receiver]
    assert world.events(receipt) == [("ProtocolFeeSet", {"feeBps": bps, "receiver": receiver})]


@pytest.mark.parametrize("bps", [1001, 10_000, 2**16 - 1])
def test_set_protocol_fee__above_cap__reverts(world: World, bps: int) -> None:
    with reverts(FeeAboveCap(bps, 1000)):
        world.set_fee(bps)


def test_set_protocol_fee__above_zero_without_receiver__reverts(world: World) -> None:
    with reverts(InvalidFeeReceiver(ZERO)):
        world.set_fee(1, ZERO)


def test_set_protocol_fee__zero_without_receiver__sets(world: World) -> None:
    world.set_fee(10)
    world.set_fee(0, ZERO)
    assert world.read(world.credits.functions.protocolFee()) == [0, ZERO]


@pytest.mark.parametrize("bps", [0, 1])
def test_set_protocol_fee__to_the_contract_itself__reverts(world: World, bps: int) -> None:
    """I1: a fee that the contract sent to itself would be stuck."""
    with reverts(InvalidFeeReceiver(world.credits.address)):
        world.set_fee(bps, world.credits.address)


@pytest.mark.parametrize("role", ["builder", "stranger", "fee_receiver"])
def test_set_protocol_fee__by_anyone_else__reverts(world: World, role: str) -> None:
    caller = getattr(world, role)
    with reverts(OwnableUnauthorizedAccount(caller.address)):
        world.send(caller, world.credits.functions.setProtocolFee(1, caller.address))


def test_set_protocol_fee__with_plans_there__leaves_their_fee(world: World) -> None:
    """DESIGN 3.7 and I5: the fee is frozen into each plan at registration."""
    world.set_fee(100)
    before = world.register()
    world.set_fee(200)
    after = world.register()
    states = [world.read(world.credits.functions.stateOf(plan_id)) for plan_id in (before, after)]
    assert [state[3] for state in states] == [100, 200]


def test_set_protocol_fee__with_another_receiver__redirects_fees_of_old_plans(funded: World) -> None:
    funded.set_fee(100)
    plan_id = funded.register()
    funded.set_fee(0, funded.other.address)
    funded.order(plan_id)
    assert funded.tokens(funded.fee_receiver.address) == 0
    assert funded.tokens(funded.other.address) == 200_000
