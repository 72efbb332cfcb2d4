"""mint: the plan's owner or a minter gives credits without payment."""

import pytest

from nvm_chain.errors import (
    CreditsOverflow,
    ERC1155InvalidReceiver,
    NotMinter,
    TrialAlreadyTaken,
    UnknownPlan,
    ZeroAmount,
)
from tests.support.events import granted
from tests.support.reverts import reverts
from tests.support.world import ZERO, World

MAX_ACCOUNT = 2**54 - 1


@pytest.mark.parametrize("role", ["builder", "minter"])
def test_mint__by_owner_or_minter__grants_and_emits(world: World, staffed_plan: int, role: str) -> None:
    caller, receiver = getattr(world, role), world.other.address
    receipt = world.send(caller, world.credits.functions.mint(staffed_plan, receiver, 4))
    assert world.balance(staffed_plan, receiver) == 4
    assert world.events(receipt) == [granted(caller.address, receiver, staffed_plan, 4)]


def test_mint__to_the_minter_itself__grants(world: World, staffed_plan: int) -> None:
    """C36: giver and receiver are one."""
    world.send(world.minter, world.credits.functions.mint(staffed_plan, world.minter.address, 4))
    assert world.balance(staffed_plan, world.minter.address) == 4


@pytest.mark.parametrize("amount", [1, MAX_ACCOUNT - 1, MAX_ACCOUNT])
def test_mint__up_to_a_full_account__grants(world: World, amount: int) -> None:
    """C31: 2^54 - 1 is the most that an account holds."""
    plan_id = world.register()
    world.grant(plan_id, world.other.address, amount)
    assert world.balance(plan_id, world.other.address) == amount


@pytest.mark.parametrize("amount", [MAX_ACCOUNT + 1, MAX_ACCOUNT + 2, 2**128, 2**256 - 1])
def test_mint__more_than_an_account_holds__reverts(world: World, amount: int) -> None:
    """C30, C31: nothing wraps around and nothing is cut off."""
    plan_id, receiver = world.register(), world.other.address
    with reverts(CreditsOverflow(plan_id, receiver, amount)):
        world.grant(plan_id, receiver, amount)


@pytest.mark.parametrize("amount", [2, 2**256 - MAX_ACCOUNT, 2**256 - 1])
def test_mint__past_a_full_account__reverts(world: World, amount: int) -> None:
    plan_id, receiver = world.register(), world.other.address
    world.grant(plan_id, receiver, MAX_ACCOUNT - 1)
    with reverts(CreditsOverflow(plan_id, receiver, amount)):
        world.grant(plan_id, receiver, amount)


@pytest.mark.parametrize("burned", [1, MAX_ACCOUNT - 1, MAX_ACCOUNT])
def test_mint__to_an_account_that_spent_something__has_that_much_room(world: World, burned: int) -> None:
    """I10: CreditsOverflow is about credits that are there: whoever spends can always get as much again, and no more."""
    plan_id, holder = world.register(), world.other
    world.grant(plan_id, holder.address, MAX_ACCOUNT)
    world.send(holder, world.credits.functions.burn(plan_id, holder.address, burned))
    with reverts(CreditsOverflow(plan_id, holder.address, burned + 1)):
        world.grant(plan_id, holder.address, burned + 1)
    world.grant(plan_id, holder.address, burned)
    assert world.balance(plan_id, holder.address) == MAX_ACCOUNT


@pytest.mark.parametrize("role", ["stranger", "redeemer", "subscriber", "fee_owner"])
def test_mint__by_anyone_else__reverts(world: World, staffed_plan: int, role: str) -> None:
    caller = getattr(world, role)
    with reverts(NotMinter(staffed_plan, caller.address)):
        world.send(caller, world.credits.functions.mint(staffed_plan, caller.address, 1))


def test_mint__by_a_minter_no_more__reverts(world: World, staffed_plan: int) -> None:
    functions = world.credits.functions
    world.send(world.builder, functions.setMinter(staffed_plan, world.minter.address, False))
    with reverts(NotMinter(staffed_plan, world.minter.address)):
        world.send(world.minter, functions.mint(staffed_plan, world.minter.address, 1))


def test_mint__by_the_minter_of_another_plan__reverts(world: World, staffed_plan: int) -> None:
    another = world.register()
    with reverts(NotMinter(another, world.minter.address)):
        world.send(world.minter, world.credits.functions.mint(another, world.minter.address, 1))


def test_mint__zero__reverts(world: World) -> None:
    plan_id = world.register()
    with reverts(ZeroAmount()):
        world.grant(plan_id, world.other.address, 0)


def test_mint__to_nobody__reverts(world: World) -> None:
    plan_id = world.register()
    with reverts(ERC1155InvalidReceiver(ZERO)):
        world.grant(plan_id, ZERO, 1)


def test_mint__to_the_contract_itself__reverts(world: World) -> None:
    plan_id = world.register()
    with reverts(ERC1155InvalidReceiver(world.credits.address)):
        world.grant(plan_id, world.credits.address, 1)


def test_mint__of_a_trial_twice__reverts(world: World) -> None:
    """I7; more in test_trial."""
    plan_id, receiver = world.register(trial=True), world.other.address
    world.grant(plan_id, receiver, 3)
    with reverts(TrialAlreadyTaken(plan_id, receiver)):
        world.grant(plan_id, receiver, 3)


def test_mint__of_unknown_plan__reverts(world: World) -> None:
    with reverts(UnknownPlan(7)):
        world.grant(7, world.other.address, 1)
