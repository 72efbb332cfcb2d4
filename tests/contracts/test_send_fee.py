"""sendFee: the delivery of a protocol fee, which the contract keeps for itself."""

import pytest

from nvm_chain.errors import NotSelf
from tests.support.reverts import reverts
from tests.support.world import FUNDS, ZERO, World

# py-evm warns of the opcode by which coin is forced on a contract.
pytestmark = pytest.mark.filterwarnings("ignore:SELFDESTRUCT opcode:DeprecationWarning")


@pytest.mark.parametrize("role", ["builder", "fee_owner", "fee_receiver", "stranger", "subscriber"])
def test_send_fee__by_anyone__reverts(funded: World, role: str) -> None:
    """C14: it would spend anybody's allowance, so nobody may call it."""
    caller = getattr(funded, role)
    call = (funded.usdc.address, funded.subscriber.address, caller.address, FUNDS)
    with reverts(NotSelf(caller.address)):
        funded.send(caller, funded.credits.functions.sendFee(*call))


def test_send_fee__of_native_coin_by_anyone__reverts(world: World) -> None:
    """C34: nor does it give away coin that was forced on the contract."""
    world.deploy("ForcesCoin", world.credits.address, value=1000)
    thief = world.stranger.address
    with reverts(NotSelf(thief)):
        world.send(world.stranger, world.credits.functions.sendFee(ZERO, thief, thief, 1000))


def test_send_fee__through_a_token__reverts(funded: World) -> None:
    """C10: a token is called by the contract, and is not the contract for that."""
    token = funded.deploy("CallsBack")
    steal = funded.credits.functions.sendFee(
        funded.usdc.address, funded.subscriber.address, funded.stranger.address, FUNDS
    )
    funded.send(funded.stranger, token.functions.arm(funded.credits.address, 0, steal._encode_transaction_data()))
    funded.set_fee(1000)
    plan_id = funded.register(token=token.address)
    funded.fund(funded.subscriber, token)
    funded.order(plan_id)
    assert funded.read(token.functions.count()) == 2
    assert funded.read(token.functions.success()) is False
    assert funded.tokens(funded.subscriber.address) == FUNDS
