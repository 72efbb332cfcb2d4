"""Trials and references: the attacker wants for nothing, or twice, what is given once.

They take a trial again by every way there is to get credits, through a hook, a batch, a friend, an expiry, a change of owner; and they
bring one payment outside the chain twice. Once is once for each holder and each reference (I7); that somebody with many addresses has
many trials is said and not solved (SECURITY.md).
"""

from typing import Any

import pytest
from web3.contract.contract import ContractFunction

from nvm_chain.errors import InvalidQuantity, NotMinter, ReferenceUsed, TrialAlreadyTaken, TrialOrderedForOther
from tests.support.events import selector, skipped
from tests.support.plans import expiring, from_first_use, from_purchase, outside
from tests.support.reentry import arm, outcome_of, through, through_many
from tests.support.reverts import reverts
from tests.support.world import CREDITS, NO_CONTEXT, World

DAY = 86_400
TAKEN = selector("TrialAlreadyTaken(uint256,address)")
REFERENCE = b"invoice-1".ljust(32, b"\0")

KINDS: dict[str, dict[str, Any]] = {
    "credits": {"splits": ()},
    "expiring": expiring(DAY),
    "from purchase": from_purchase(DAY),
    "from first use": from_first_use(DAY),
}
ORDERS = ("order", "orderWithPermit")
kinds = pytest.mark.parametrize("kind", KINDS)


def ways(world: World, plan_id: int, holder: str) -> dict[str, ContractFunction]:
    """Return every call that grants credits of a free plan; the last is a batch, which leaves out what it cannot grant."""
    functions = world.credits.functions
    return {
        "order": functions.order(plan_id, holder, 1, 0),
        "orderWithPermit": functions.orderWithPermit(plan_id, holder, 1, 0, (0, 27, NO_CONTEXT, NO_CONTEXT)),
        "mint": functions.mint(plan_id, holder, 1),
        "grantExternal": functions.grantExternal(plan_id, holder, 1, REFERENCE),
        "mintBatch": functions.mintBatch(plan_id, [holder], [1]),
    }


@kinds
def test_trial__asked_for_in_every_way_after_it_was_taken__is_refused(world: World, kind: str) -> None:
    """I7: nor when all of it was burned, nor when it has expired, nor of another owner."""
    plan_id, holder, functions = world.register(trial=True, **KINDS[kind]), world.subscriber, world.credits.functions
    world.order(plan_id)
    world.send(holder, functions.burn(plan_id, holder.address, 1))
    world.send(world.builder, functions.transferPlanOwnership(plan_id, world.partner.address))
    world.send(world.partner, functions.acceptPlanOwnership(plan_id))
    world.mine_at(world.now + 2 * DAY)
    for name, function in ways(world, plan_id, holder.address).items():
        if name == "mintBatch":
            receipt = world.send(world.partner, function)
            assert world.events(receipt) == [skipped(plan_id, holder.address, 1, TAKEN)]
            continue
        if name in ORDERS:
            with reverts(TrialOrderedForOther(plan_id, world.partner.address, holder.address)):
                world.send(world.partner, function)
        with reverts(TrialAlreadyTaken(plan_id, holder.address)):
            world.send(holder if name in ORDERS else world.partner, function)


@kinds
@pytest.mark.parametrize("again", [*ORDERS, "mint", "grantExternal", "mintBatch"])
def test_trial__asked_for_again_in_its_own_hook__is_granted_once(world: World, kind: str, again: str) -> None:
    """I7, C11: the trial is marked as taken before the hook runs."""
    greedy = world.deploy("ReentersInHook")
    plan_id = world.register(trial=True, **KINDS[kind])
    world.send(world.builder, world.credits.functions.setMinter(plan_id, greedy.address, True))
    arm(world, greedy, ways(world, plan_id, greedy.address)[again])
    order = through(greedy, world.credits.functions.order(plan_id, greedy.address, 1, 0))
    receipt = world.send_with_gas(world.builder, order, 2_000_000)
    assert receipt["status"] == 1
    outcome = outcome_of(world, greedy)
    assert (outcome.count, outcome.success) == (1, again == "mintBatch")
    assert world.balance(plan_id, greedy.address) == {"credits": CREDITS, "expiring": CREDITS}.get(kind, 1)


@pytest.mark.parametrize("quantity", [0, 2, 2**32 - 1])
def test_trial__ordered_in_bulk__is_refused(world: World, quantity: int) -> None:
    plan_id = world.register(trial=True, splits=())
    with reverts(InvalidQuantity(plan_id, quantity)):
        world.order(plan_id, quantity=quantity)
    with reverts(InvalidQuantity(plan_id, quantity)):
        world.send(
            world.builder,
            world.credits.functions.grantExternal(plan_id, world.subscriber.address, quantity, REFERENCE),
        )


def test_trial__of_one_person_with_many_addresses__is_one_for_each(world: World) -> None:
    """Declared: an address is not a person. A trial that costs something, or is minted to known holders, is the answer."""
    plan_id, addresses = world.register(trial=True, splits=()), [world.stranger, world.other, world.partner]
    for account in addresses:
        world.order(plan_id, account)
    assert [world.balance(plan_id, account.address) for account in addresses] == [CREDITS] * 3


def test_trial__taken_many_times_in_one_transaction__is_taken_once(world: World) -> None:
    """I7, C39: all of it fails, or the contract keeps the one."""
    actor, plan_id = world.deploy("Actor"), world.register(trial=True, splits=())
    order = world.credits.functions.order(plan_id, actor.address, 1, 0)
    with reverts(TrialAlreadyTaken(plan_id, actor.address)):
        world.send(world.stranger, through_many(actor, order, order))
    world.send(world.stranger, through_many(actor, order))
    assert world.balance(plan_id, actor.address) == CREDITS


# ---------------------------------------------------------------- references


@kinds
def test_reference__of_one_payment__grants_once_whoever_asks_and_whatever_changed(world: World, kind: str) -> None:
    """I7: another minter, receiver, quantity, owner; the plan stopped; the credits burned."""
    plan_id, holder, functions = world.register(**KINDS[kind]), world.subscriber, world.credits.functions
    world.send(world.builder, functions.grantExternal(plan_id, holder.address, 1, REFERENCE))
    world.send(holder, functions.burn(plan_id, holder.address, 1))
    world.send(world.builder, functions.setMinter(plan_id, world.minter.address, True))
    world.send(world.builder, functions.setPlanActive(plan_id, False))
    with reverts(ReferenceUsed(plan_id, REFERENCE)):
        world.send(world.minter, functions.grantExternal(plan_id, world.other.address, 2, REFERENCE))
    world.send(world.builder, functions.transferPlanOwnership(plan_id, world.partner.address))
    world.send(world.partner, functions.acceptPlanOwnership(plan_id))
    with reverts(ReferenceUsed(plan_id, REFERENCE)):
        world.send(world.partner, functions.grantExternal(plan_id, holder.address, 1, REFERENCE))
    with reverts(NotMinter(plan_id, world.minter.address)):
        world.send(world.minter, functions.grantExternal(plan_id, holder.address, 1, b"\1" * 32))


def test_reference__whose_grant_failed__can_be_brought_again(world: World) -> None:
    """I7's other side: a payment is not lost with a grant that could not be made."""
    plan_id, functions = world.register(**outside()), world.credits.functions
    refusing = world.deploy("RejectsCredits").address
    failing = functions.grantExternal(plan_id, refusing, 1, REFERENCE)
    assert world.send_with_gas(world.builder, failing, 1_000_000)["status"] == 0
    assert world.read(functions.isReferenceUsed(plan_id, REFERENCE)) is False
    world.send(world.builder, functions.grantExternal(plan_id, world.subscriber.address, 1, REFERENCE))
    assert world.balance(plan_id, world.subscriber.address) == CREDITS
