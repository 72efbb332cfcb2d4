"""burn: a holder, or an ERC-1155 operator of theirs, destroys credits."""

import pytest

from nvm_chain.errors import ERC1155MissingApprovalForAll, InsufficientCredits, ZeroAmount
from tests.support.reverts import reverts
from tests.support.world import ZERO, World


@pytest.fixture
def plan_id(world: World) -> int:
    plan_id = world.register()
    world.grant(plan_id, world.subscriber.address, 10)
    return plan_id


def test_burn__by_holder__lowers_balance_and_emits(world: World, plan_id: int) -> None:
    holder = world.subscriber.address
    receipt = world.send(world.subscriber, world.credits.functions.burn(plan_id, holder, 4))
    assert world.balance(plan_id, holder) == 6
    assert world.events(receipt) == [
        ("TransferSingle", {"operator": holder, "from": holder, "to": ZERO, "id": plan_id, "value": 4})
    ]


@pytest.mark.parametrize("amount", [9, 10])
def test_burn__up_to_balance__succeeds(world: World, plan_id: int, amount: int) -> None:
    world.send(world.subscriber, world.credits.functions.burn(plan_id, world.subscriber.address, amount))
    assert world.balance(plan_id, world.subscriber.address) == 10 - amount


def test_burn__above_balance__reverts(world: World, plan_id: int) -> None:
    holder = world.subscriber.address
    with reverts(InsufficientCredits(plan_id, holder, 10, 11)):
        world.send(world.subscriber, world.credits.functions.burn(plan_id, holder, 11))


def test_burn__zero__reverts(world: World, plan_id: int) -> None:
    with reverts(ZeroAmount()):
        world.send(world.subscriber, world.credits.functions.burn(plan_id, world.subscriber.address, 0))


@pytest.mark.parametrize("role", ["stranger", "builder", "fee_owner"])
def test_burn__by_anyone_else__reverts(world: World, plan_id: int, role: str) -> None:
    caller, holder = getattr(world, role), world.subscriber.address
    with reverts(ERC1155MissingApprovalForAll(caller.address, holder)):
        world.send(caller, world.credits.functions.burn(plan_id, holder, 1))


def test_burn__by_operator__takes_holders_credits(world: World, plan_id: int) -> None:
    holder, operator = world.subscriber, world.stranger
    world.send(holder, world.credits.functions.setApprovalForAll(operator.address, True))
    receipt = world.send(operator, world.credits.functions.burn(plan_id, holder.address, 3))
    assert world.balance(plan_id, holder.address) == 7
    assert world.events(receipt)[0][1]["operator"] == operator.address


def test_burn__of_unknown_plan__reverts_for_lack_of_credits(world: World) -> None:
    holder = world.subscriber.address
    with reverts(InsufficientCredits(7, holder, 0, 1)):
        world.send(world.subscriber, world.credits.functions.burn(7, holder, 1))
