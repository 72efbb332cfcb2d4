"""safeBatchTransferFrom: credits of several plans go to another holder, all of them or none."""

import pytest

from nvm_chain.errors import (
    ERC1155InvalidArrayLength,
    ERC1155InvalidReceiver,
    ERC1155MissingApprovalForAll,
    InsufficientCredits,
    NotTransferable,
    UnknownPlan,
)
from tests.support.events import moved_batch
from tests.support.reverts import reverts
from tests.support.world import ZERO, World


@pytest.fixture
def plans(world: World) -> list[int]:
    """Three transferable plans; the subscriber holds 10 credits of each."""
    plans = [world.register(transferable=True) for _ in range(3)]
    for plan_id in plans:
        world.grant(plan_id, world.subscriber.address, 10)
    return plans


def test_safe_batch_transfer_from__of_several__moves_each_and_emits(world: World, plans: list[int]) -> None:
    sender, receiver = world.subscriber.address, world.other.address
    function = world.credits.functions.safeBatchTransferFrom(sender, receiver, plans, [1, 10, 0], b"")
    receipt = world.send(world.subscriber, function)
    assert [world.balance(plan_id, sender) for plan_id in plans] == [9, 0, 10]
    assert [world.balance(plan_id, receiver) for plan_id in plans] == [1, 10, 0]
    assert world.events(receipt) == [moved_batch(sender, sender, receiver, plans, [1, 10, 0])]


def test_safe_batch_transfer_from__of_hundreds__moves_each(world: World, plans: list[int]) -> None:
    """C30: more than a byte counts, and every one of them counts."""
    sender, receiver, ids, amounts = world.subscriber.address, world.other.address, plans * 100, [0] * 300
    for position in (0, 127, 128, 254, 255, 256, 299):
        amounts[position] = 2
    function = world.credits.functions.safeBatchTransferFrom(sender, receiver, ids, amounts, b"")
    receipt = world.send(world.subscriber, function)
    moved = [sum(amounts[number::3]) for number in range(3)]
    assert [world.balance(plan_id, receiver) for plan_id in plans] == moved
    assert [world.balance(plan_id, sender) for plan_id in plans] == [10 - amount for amount in moved]
    assert world.events(receipt) == [moved_batch(sender, sender, receiver, ids, amounts)]


def test_safe_batch_transfer_from__of_one__emits_a_batch_of_one(world: World, plans: list[int]) -> None:
    sender, receiver = world.subscriber.address, world.other.address
    function = world.credits.functions.safeBatchTransferFrom(sender, receiver, plans[:1], [4], b"")
    assert world.events(world.send(world.subscriber, function)) == [
        moved_batch(sender, sender, receiver, plans[:1], [4])
    ]


def test_safe_batch_transfer_from__of_nothing__emits_an_empty_batch(world: World) -> None:
    sender, receiver = world.subscriber.address, world.other.address
    function = world.credits.functions.safeBatchTransferFrom(sender, receiver, [], [], b"")
    assert world.events(world.send(world.subscriber, function)) == [moved_batch(sender, sender, receiver, [], [])]


def test_safe_batch_transfer_from__of_one_plan_twice__moves_both(world: World, plans: list[int]) -> None:
    sender, receiver = world.subscriber.address, world.other.address
    twice = [plans[0], plans[0]]
    function = world.credits.functions.safeBatchTransferFrom(sender, receiver, twice, [4, 6], b"")
    world.send(world.subscriber, function)
    assert (world.balance(plans[0], sender), world.balance(plans[0], receiver)) == (0, 10)


def test_safe_batch_transfer_from__of_one_plan_twice_above_balance__reverts(world: World, plans: list[int]) -> None:
    """Each part is within the balance, both together are not."""
    sender = world.subscriber.address
    function = world.credits.functions.safeBatchTransferFrom(
        sender, world.other.address, [plans[0], plans[0]], [6, 5], b""
    )
    with reverts(InsufficientCredits(plans[0], sender, 4, 5)):
        world.send(world.subscriber, function)


def test_safe_batch_transfer_from__to_oneself__keeps_balances(world: World, plans: list[int]) -> None:
    """C36."""
    holder = world.subscriber.address
    function = world.credits.functions.safeBatchTransferFrom(holder, holder, plans * 2, [10] * 6, b"")
    world.send(world.subscriber, function)
    assert [world.balance(plan_id, holder) for plan_id in plans] == [10, 10, 10]


def test_safe_batch_transfer_from__by_operator__names_the_operator(world: World, plans: list[int]) -> None:
    sender, operator, functions = world.subscriber.address, world.other, world.credits.functions
    world.send(world.subscriber, functions.setApprovalForAll(operator.address, True))
    receipt = world.send(operator, functions.safeBatchTransferFrom(sender, operator.address, plans[:2], [1, 2], b""))
    assert world.events(receipt) == [moved_batch(operator.address, sender, operator.address, plans[:2], [1, 2])]


@pytest.mark.parametrize("role", ["stranger", "builder", "fee_owner", "redeemer"])
def test_safe_batch_transfer_from__by_anyone_else__reverts(world: World, plans: list[int], role: str) -> None:
    """I3, C14; also with nothing to move, and however much there is to move."""
    caller, sender = getattr(world, role), world.subscriber.address
    for ids in ([], plans, *(plans * times for times in (2, 3, 100))):
        function = world.credits.functions.safeBatchTransferFrom(sender, caller.address, ids, [1] * len(ids), b"")
        with reverts(ERC1155MissingApprovalForAll(caller.address, sender)):
            world.send(caller, function)


@pytest.mark.parametrize("position", [0, 1, 2])
def test_safe_batch_transfer_from__with_one_that_forbids_it__moves_none(
    world: World, plans: list[int], position: int
) -> None:
    sender, receiver, fixed = world.subscriber.address, world.other.address, world.register()
    world.grant(fixed, sender, 10)
    ids = [*plans[:position], fixed, *plans[position:]]
    function = world.credits.functions.safeBatchTransferFrom(sender, receiver, ids, [1] * 4, b"")
    with reverts(NotTransferable(fixed)):
        world.send(world.subscriber, function)
    assert [world.balance(plan_id, receiver) for plan_id in ids] == [0] * 4


def test_safe_batch_transfer_from__with_one_above_balance__moves_none(world: World, plans: list[int]) -> None:
    sender, receiver = world.subscriber.address, world.other.address
    function = world.credits.functions.safeBatchTransferFrom(sender, receiver, plans, [1, 1, 11], b"")
    with reverts(InsufficientCredits(plans[2], sender, 10, 11)):
        world.send(world.subscriber, function)
    assert [world.balance(plan_id, receiver) for plan_id in plans] == [0] * 3


def test_safe_batch_transfer_from__with_unknown_plan__reverts(world: World, plans: list[int]) -> None:
    sender = world.subscriber.address
    function = world.credits.functions.safeBatchTransferFrom(sender, world.other.address, [plans[0], 7], [1, 0], b"")
    with reverts(UnknownPlan(7)):
        world.send(world.subscriber, function)


@pytest.mark.parametrize(("ids", "amounts"), [(1, 0), (0, 1), (2, 3), (3, 2)])
def test_safe_batch_transfer_from__with_lists_of_two_lengths__reverts(
    world: World, plans: list[int], ids: int, amounts: int
) -> None:
    function = world.credits.functions.safeBatchTransferFrom(
        world.subscriber.address, world.other.address, plans[:ids], [1] * amounts, b""
    )
    with reverts(ERC1155InvalidArrayLength(ids, amounts)):
        world.send(world.subscriber, function)


def test_safe_batch_transfer_from__to_nobody__reverts(world: World, plans: list[int]) -> None:
    function = world.credits.functions.safeBatchTransferFrom(world.subscriber.address, ZERO, plans, [1] * 3, b"")
    with reverts(ERC1155InvalidReceiver(ZERO)):
        world.send(world.subscriber, function)


def test_safe_batch_transfer_from__from_nobody__reverts(world: World, plans: list[int]) -> None:
    function = world.credits.functions.safeBatchTransferFrom(ZERO, world.stranger.address, plans, [0] * 3, b"")
    with reverts(ERC1155MissingApprovalForAll(world.stranger.address, ZERO)):
        world.send(world.stranger, function)
