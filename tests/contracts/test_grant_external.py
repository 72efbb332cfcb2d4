"""grantExternal: a plan is granted for a payment outside the chain, once per reference."""

from typing import Any

import pytest
from web3.contract.contract import ContractFunction

from nvm_chain.enums import Activation, PlanKind
from nvm_chain.errors import (
    CreditsOverflow,
    ERC1155InvalidReceiver,
    InvalidQuantity,
    NotMinter,
    ReferenceUsed,
    TrialAlreadyTaken,
    UnknownPlan,
    WrongKind,
)
from tests.support.events import granted, selector
from tests.support.reentry import arm, outcome_of
from tests.support.reverts import reverts
from tests.support.signed import granted_external, send_at, usage
from tests.support.world import CREDITS, MAX_UINT, ZERO, World

REFERENCE = b"invoice-1".ljust(32, b"\0")
MAX_QUANTITY = 2**32 - 1
OUTSIDE: dict[str, Any] = {"paid_externally": True, "token": ZERO, "splits": ()}


def _grant(
    world: World, plan_id: int, *, to: str | None = None, quantity: int = 1, reference: bytes = REFERENCE
) -> ContractFunction:
    receiver = world.subscriber.address if to is None else to
    return world.credits.functions.grantExternal(plan_id, receiver, quantity, reference)


# ---------------------------------------------------------------- success


@pytest.mark.parametrize("quantity", [1, 2, 50])
def test_grant_external__by_the_owner__grants_and_emits(world: World, quantity: int) -> None:
    plan_id, to, owner = world.register(**OUTSIDE), world.subscriber.address, world.builder
    receipt = world.send(owner, _grant(world, plan_id, quantity=quantity))
    assert world.events(receipt) == [
        granted_external(plan_id, to, quantity, REFERENCE),
        granted(owner.address, to, plan_id, quantity * CREDITS),
    ]
    assert world.balance(plan_id, to) == quantity * CREDITS


def test_grant_external__by_a_minter__grants_in_the_minters_name(world: World) -> None:
    plan_id, minter = world.register(**OUTSIDE), world.minter
    world.send(world.builder, world.credits.functions.setMinter(plan_id, minter.address, True))
    receipt = world.send(minter, _grant(world, plan_id))
    assert world.events(receipt)[1] == granted(minter.address, world.subscriber.address, plan_id, CREDITS)


def test_grant_external__of_a_plan_that_is_sold_too__grants(world: World) -> None:
    """Some of a plan's buyers pay by card."""
    plan_id = world.register()
    world.send(world.builder, _grant(world, plan_id))
    assert world.balance(plan_id, world.subscriber.address) == CREDITS


def test_grant_external__of_an_inactive_plan__grants(world: World) -> None:
    plan_id = world.register(**OUTSIDE)
    world.send(world.builder, world.credits.functions.setPlanActive(plan_id, False))
    world.send(world.builder, _grant(world, plan_id))
    assert world.balance(plan_id, world.subscriber.address) == CREDITS


def test_grant_external__of_expiring_credits__begins_now(world: World) -> None:
    plan_id, start = world.register(**OUTSIDE, duration=1000), world.now + 10
    send_at(world, start, world.builder, _grant(world, plan_id, quantity=2))
    lots = world.read(world.credits.functions.lotsOf(plan_id, world.subscriber.address, 0, 9))
    assert [tuple(lot) for lot in lots] == [(2 * CREDITS, start + 1000)]


def test_grant_external__of_a_time_plan__opens_the_window(world: World) -> None:
    time: dict[str, Any] = {"kind": PlanKind.TIME, "credits": 2, "duration": 1000, "min_redeem": 0, "max_redeem": 0}
    plan_id, holder, start = world.register(**OUTSIDE, **time), world.subscriber.address, world.now + 10
    receipt = send_at(world, start, world.builder, _grant(world, plan_id, quantity=3))
    assert world.events(receipt) == [
        granted_external(plan_id, holder, 3, REFERENCE),
        ("AccessChanged", {"planId": plan_id, "holder": holder, "accessUntil": start + 6000}),
        granted(world.builder.address, holder, plan_id, 6),
    ]


def test_grant_external__of_a_time_plan_that_starts_on_use__grants_periods(world: World) -> None:
    time: dict[str, Any] = {
        "kind": PlanKind.TIME,
        "activation": Activation.ON_FIRST_USE,
        "credits": 2,
        "duration": 1000,
    }
    plan_id = world.register(**OUTSIDE, **time)
    world.send(world.builder, _grant(world, plan_id))
    account = world.read(world.credits.functions.accountOf(plan_id, world.subscriber.address))
    assert (account[0], account[2]) == (2, 0)


@pytest.mark.parametrize("quantity", [MAX_QUANTITY - 1, MAX_QUANTITY])
def test_grant_external__of_the_largest_quantity__fits(world: World, quantity: int) -> None:
    """C30: of 2^22 - 1 credits, as often, which is below 2^54."""
    plan_id = world.register(**OUTSIDE, credits=2**22 - 1)
    world.send(world.builder, _grant(world, plan_id, quantity=quantity))
    assert world.balance(plan_id, world.subscriber.address) == quantity * (2**22 - 1)


@pytest.mark.parametrize("quantity", [MAX_QUANTITY - 1, MAX_QUANTITY])
def test_grant_external__of_the_largest_quantity_and_credits__does_not_fit(world: World, quantity: int) -> None:
    """C30: 2^32 - 1 credits, as often, are below 2^64, which no account holds; nothing is cut to size."""
    plan_id, credits, holder = world.register(**OUTSIDE, credits=2**32 - 1), 2**32 - 1, world.subscriber.address
    with reverts(CreditsOverflow(plan_id, holder, credits * quantity)):
        world.send(world.builder, _grant(world, plan_id, quantity=quantity))


# ---------------------------------------------------------------- once


@pytest.mark.parametrize("reference", [REFERENCE, bytes(32), b"\xff" * 32])
def test_grant_external__twice_for_one_reference__reverts(world: World, reference: bytes) -> None:
    """I7: a webhook that is delivered twice. Zero is a reference like any other."""
    plan_id = world.register(**OUTSIDE)
    world.send(world.builder, _grant(world, plan_id, reference=reference))
    with reverts(ReferenceUsed(plan_id, reference)):
        world.send(world.builder, _grant(world, plan_id, reference=reference))
    assert world.balance(plan_id, world.subscriber.address) == CREDITS


def test_grant_external__for_a_used_reference__reverts_whoever_it_is_for_and_from(world: World) -> None:
    """I7: neither another receiver, quantity or minter, nor a new owner makes a payment a second one."""
    plan_id, functions = world.register(**OUTSIDE), world.credits.functions
    world.send(world.builder, functions.setMinter(plan_id, world.minter.address, True))
    world.send(world.builder, _grant(world, plan_id))
    with reverts(ReferenceUsed(plan_id, REFERENCE)):
        world.send(world.minter, _grant(world, plan_id, to=world.other.address, quantity=2))
    world.send(world.builder, functions.transferPlanOwnership(plan_id, world.partner.address))
    world.send(world.partner, functions.acceptPlanOwnership(plan_id))
    with reverts(ReferenceUsed(plan_id, REFERENCE)):
        world.send(world.partner, _grant(world, plan_id))


def test_grant_external__for_another_reference_or_plan__grants(world: World) -> None:
    """References are the plan owner's own: nobody can use up another's."""
    plan_id = world.register(**OUTSIDE)
    theirs = world.register(signer=world.stranger, **OUTSIDE)
    world.send(world.stranger, _grant(world, theirs))
    world.send(world.builder, _grant(world, plan_id))
    world.send(world.builder, _grant(world, plan_id, reference=b"invoice-2".ljust(32, b"\0")))
    assert world.balance(plan_id, world.subscriber.address) == 2 * CREDITS


def test_grant_external__that_reverts__leaves_the_reference(world: World) -> None:
    plan_id, receiver = world.register(**OUTSIDE), world.deploy("RejectsCredits").address
    assert world.send_with_gas(world.builder, _grant(world, plan_id, to=receiver), 1_000_000)["status"] == 0
    world.send(world.builder, _grant(world, plan_id))


def test_grant_external__re_entered_by_the_receivers_hook__grants_once(world: World) -> None:
    """C11: the receiver is a minter and asks for the same payment again in the middle of its grant."""
    receiver = world.deploy("ReentersInHook")
    plan_id = world.register(**OUTSIDE)
    world.send(world.builder, world.credits.functions.setMinter(plan_id, receiver.address, True))
    function = _grant(world, plan_id, to=receiver.address)
    arm(world, receiver, function)
    receipt = world.send_with_gas(world.builder, function, 2_000_000)
    outcome = outcome_of(world, receiver)
    assert (receipt["status"], outcome.count, outcome.success) == (1, 1, False)
    assert outcome.answer[:4] == selector("ReferenceUsed(uint256,bytes32)")
    assert world.balance(plan_id, receiver.address) == CREDITS


def test_grant_external__of_a_trial__counts_as_the_one_grant(world: World) -> None:
    """I7: and a refused one does not use the reference up."""
    plan_id = world.register(trial=True)
    world.send(world.builder, _grant(world, plan_id))
    second = _grant(world, plan_id, reference=bytes(32))
    with reverts(TrialAlreadyTaken(plan_id, world.subscriber.address)):
        world.send(world.builder, second)
    assert world.read(world.credits.functions.isReferenceUsed(plan_id, bytes(32))) is False


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize("role", ["stranger", "subscriber", "redeemer", "fee_owner"])
def test_grant_external__by_anyone_else__reverts(world: World, role: str) -> None:
    plan_id, caller = world.register(**OUTSIDE), getattr(world, role)
    world.send(world.builder, world.credits.functions.setRedeemer(plan_id, world.redeemer.address, True))
    with reverts(NotMinter(plan_id, caller.address)):
        world.send(caller, _grant(world, plan_id))


def test_grant_external__of_a_usage_plan__reverts(world: World) -> None:
    plan_id = world.register(**usage(world))
    with reverts(WrongKind(plan_id, PlanKind.USAGE)):
        world.send(world.builder, _grant(world, plan_id))


@pytest.mark.parametrize("plan_id", [0, 7, MAX_UINT])
def test_grant_external__of_unknown_plan__reverts(world: World, plan_id: int) -> None:
    with reverts(UnknownPlan(plan_id)):
        world.send(world.builder, _grant(world, plan_id))


@pytest.mark.parametrize("quantity", [0, MAX_QUANTITY + 1, MAX_UINT])
def test_grant_external__of_an_impossible_quantity__reverts(world: World, quantity: int) -> None:
    plan_id = world.register(**OUTSIDE)
    with reverts(InvalidQuantity(plan_id, quantity)):
        world.send(world.builder, _grant(world, plan_id, quantity=quantity))


def test_grant_external__of_two_trials__reverts(world: World) -> None:
    plan_id = world.register(**OUTSIDE, trial=True)
    with reverts(InvalidQuantity(plan_id, 2)):
        world.send(world.builder, _grant(world, plan_id, quantity=2))


def test_grant_external__to_nobody__reverts(world: World) -> None:
    plan_id = world.register(**OUTSIDE)
    with reverts(ERC1155InvalidReceiver(ZERO)):
        world.send(world.builder, _grant(world, plan_id, to=ZERO))


def test_grant_external__beyond_what_an_account_holds__reverts(world: World) -> None:
    """C30."""
    plan_id, holder = world.register(**OUTSIDE), world.subscriber.address
    world.grant(plan_id, holder, 2**54 - CREDITS)
    with reverts(CreditsOverflow(plan_id, holder, CREDITS)):
        world.send(world.builder, _grant(world, plan_id))


def test_grant_external__with_several_things_wrong__names_the_caller_first(world: World) -> None:
    """Checks come in this order: plan, caller, kind, quantity, reference, and then what the grant asks."""
    plan_id = world.register(**OUTSIDE)
    world.send(world.builder, _grant(world, plan_id))
    with reverts(ReferenceUsed(plan_id, REFERENCE)):
        world.send(world.builder, _grant(world, plan_id, to=ZERO))
    with reverts(InvalidQuantity(plan_id, 0)):
        world.send(world.builder, _grant(world, plan_id, to=ZERO, quantity=0))
    with reverts(NotMinter(plan_id, world.stranger.address)):
        world.send(world.stranger, _grant(world, plan_id, to=ZERO, quantity=0))
