"""safeTransferFrom: credits go to another holder, where the plan says so."""

import pytest

from nvm_chain.errors import (
    CreditsOverflow,
    ERC1155InvalidReceiver,
    ERC1155MissingApprovalForAll,
    InsufficientCredits,
    NotTransferable,
    UnknownPlan,
)
from tests.support.events import moved
from tests.support.reverts import reverts
from tests.support.world import MAX_UINT, ZERO, World

MAX_ACCOUNT = 2**54 - 1


@pytest.mark.parametrize("amount", [0, 1, 9, 10])
def test_safe_transfer_from__up_to_balance__moves_and_emits(world: World, transferable_plan: int, amount: int) -> None:
    sender, receiver = world.subscriber.address, world.other.address
    function = world.credits.functions.safeTransferFrom(sender, receiver, transferable_plan, amount, b"")
    receipt = world.send(world.subscriber, function)
    assert world.balance(transferable_plan, sender) == 10 - amount
    assert world.balance(transferable_plan, receiver) == amount
    assert world.events(receipt) == [moved(sender, sender, receiver, transferable_plan, amount)]


@pytest.mark.parametrize("amount", [11, MAX_ACCOUNT + 1, MAX_UINT])
def test_safe_transfer_from__above_balance__reverts(world: World, transferable_plan: int, amount: int) -> None:
    sender = world.subscriber.address
    function = world.credits.functions.safeTransferFrom(sender, world.other.address, transferable_plan, amount, b"")
    with reverts(InsufficientCredits(transferable_plan, sender, 10, amount)):
        world.send(world.subscriber, function)


def test_safe_transfer_from__by_a_stranger_of_more_than_there_is__names_the_stranger(
    world: World, transferable_plan: int
) -> None:
    """Who may is looked at first, so that a stranger learns nothing else."""
    sender = world.subscriber.address
    function = world.credits.functions.safeTransferFrom(sender, world.other.address, transferable_plan, 11, b"")
    with reverts(ERC1155MissingApprovalForAll(world.stranger.address, sender)):
        world.send(world.stranger, function)


def test_safe_transfer_from__by_operator__names_the_operator(world: World, transferable_plan: int) -> None:
    sender, operator, receiver = world.subscriber.address, world.other, world.partner.address
    functions = world.credits.functions
    world.send(world.subscriber, functions.setApprovalForAll(operator.address, True))
    receipt = world.send(operator, functions.safeTransferFrom(sender, receiver, transferable_plan, 3, b""))
    assert world.events(receipt) == [moved(operator.address, sender, receiver, transferable_plan, 3)]
    assert world.balance(transferable_plan, receiver) == 3


@pytest.mark.parametrize("role", ["stranger", "builder", "fee_owner", "redeemer"])
@pytest.mark.parametrize("amount", [0, 1])
def test_safe_transfer_from__by_anyone_else__reverts(
    world: World, transferable_plan: int, role: str, amount: int
) -> None:
    """I3, C14: also for the plan's owner and redeemers, and for an amount of zero."""
    caller, sender = getattr(world, role), world.subscriber.address
    functions = world.credits.functions
    world.send(world.builder, functions.setRedeemer(transferable_plan, world.redeemer.address, True))
    with reverts(ERC1155MissingApprovalForAll(caller.address, sender)):
        world.send(caller, functions.safeTransferFrom(sender, caller.address, transferable_plan, amount, b""))


@pytest.mark.parametrize("amount", [0, 4, 10])
def test_safe_transfer_from__to_oneself__keeps_the_balance(world: World, transferable_plan: int, amount: int) -> None:
    """C36: sender and receiver are one."""
    holder = world.subscriber.address
    function = world.credits.functions.safeTransferFrom(holder, holder, transferable_plan, amount, b"")
    receipt = world.send(world.subscriber, function)
    assert world.balance(transferable_plan, holder) == 10
    assert world.events(receipt) == [moved(holder, holder, holder, transferable_plan, amount)]


def test_safe_transfer_from__to_oneself_above_balance__reverts(world: World, transferable_plan: int) -> None:
    holder = world.subscriber.address
    function = world.credits.functions.safeTransferFrom(holder, holder, transferable_plan, 11, b"")
    with reverts(InsufficientCredits(transferable_plan, holder, 10, 11)):
        world.send(world.subscriber, function)


@pytest.mark.parametrize("amount", [0, 1])
def test_safe_transfer_from__of_a_plan_that_forbids_it__reverts(world: World, amount: int) -> None:
    plan_id, sender = world.register(), world.subscriber.address
    world.grant(plan_id, sender, 10)
    function = world.credits.functions.safeTransferFrom(sender, world.other.address, plan_id, amount, b"")
    with reverts(NotTransferable(plan_id)):
        world.send(world.subscriber, function)


def test_safe_transfer_from__by_operator_of_a_plan_that_forbids_it__reverts(world: World) -> None:
    """C15: an approval is no way around the terms."""
    plan_id, sender, functions = world.register(), world.subscriber.address, world.credits.functions
    world.grant(plan_id, sender, 10)
    world.send(world.subscriber, functions.setApprovalForAll(world.other.address, True))
    with reverts(NotTransferable(plan_id)):
        world.send(world.other, functions.safeTransferFrom(sender, world.other.address, plan_id, 1, b""))


@pytest.mark.parametrize("amount", [0, 1])
def test_safe_transfer_from__of_unknown_plan__reverts(world: World, amount: int) -> None:
    sender = world.subscriber.address
    with reverts(UnknownPlan(7)):
        world.send(
            world.subscriber,
            world.credits.functions.safeTransferFrom(sender, world.other.address, 7, amount, b""),
        )


def test_safe_transfer_from__to_nobody__reverts(world: World, transferable_plan: int) -> None:
    function = world.credits.functions.safeTransferFrom(world.subscriber.address, ZERO, transferable_plan, 1, b"")
    with reverts(ERC1155InvalidReceiver(ZERO)):
        world.send(world.subscriber, function)


def test_safe_transfer_from__from_nobody__reverts(world: World, transferable_plan: int) -> None:
    """Nobody has approved anyone, so what was burned cannot be fetched from the zero address."""
    function = world.credits.functions.safeTransferFrom(ZERO, world.stranger.address, transferable_plan, 0, b"")
    with reverts(ERC1155MissingApprovalForAll(world.stranger.address, ZERO)):
        world.send(world.stranger, function)


def test_safe_transfer_from__to_the_contract_itself__reverts(world: World, transferable_plan: int) -> None:
    credits = world.credits
    function = credits.functions.safeTransferFrom(world.subscriber.address, credits.address, transferable_plan, 1, b"")
    with reverts(ERC1155InvalidReceiver(credits.address)):
        world.send(world.subscriber, function)


@pytest.mark.parametrize("room", [3, 4])
def test_safe_transfer_from__up_to_a_full_account__moves(world: World, transferable_plan: int, room: int) -> None:
    """C31."""
    receiver = world.other.address
    world.grant(transferable_plan, receiver, MAX_ACCOUNT - room)
    function = world.credits.functions.safeTransferFrom(world.subscriber.address, receiver, transferable_plan, 3, b"")
    world.send(world.subscriber, function)
    assert world.balance(transferable_plan, receiver) == MAX_ACCOUNT - room + 3


def test_safe_transfer_from__past_a_full_account__reverts(world: World, transferable_plan: int) -> None:
    receiver = world.other.address
    world.grant(transferable_plan, receiver, MAX_ACCOUNT - 2)
    function = world.credits.functions.safeTransferFrom(world.subscriber.address, receiver, transferable_plan, 3, b"")
    with reverts(CreditsOverflow(transferable_plan, receiver, 3)):
        world.send(world.subscriber, function)
