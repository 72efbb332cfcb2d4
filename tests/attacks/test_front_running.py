"""Front-running: the attacker sees a transaction before it is mined, and puts one of their own in front of it.

They are the plan's owner, the fee's owner, a minter, a relayer or a stranger. What the victim's transaction says bounds what it does:
a plan's terms and fee are in its id or frozen, the price is below the victim's limit, and whoever loses the race loses gas (C23, C24,
C26, C27, C28; I5, I8).
"""

import pytest
from web3.contract.contract import ContractFunction

from nvm_chain.errors import (
    InsufficientCredits,
    NotPendingPlanOwner,
    NotRedeemer,
    PaymentFailed,
    PlanNotActive,
    TrialAlreadyTaken,
    TrialOrderedForOther,
)
from nvm_chain.types.prices import Split
from tests.support.batches import BALANCE, register_for_two, settle_batch
from tests.support.books import Books
from tests.support.plans import outside, usage
from tests.support.reverts import reverts
from tests.support.signed import SETTLED, SHORT, bring, order_of, permit_of, settle, sign, sign_item, sign_the_permit
from tests.support.world import CREDITS, FUNDS, MAX_UINT, NO_CONTEXT, PRICE, ZERO, World

REFERENCE = b"invoice-1".ljust(32, b"\0")
MOST_BPS = 1000


def books_of(world: World) -> Books:
    """Watch who pays and who is paid."""
    return Books(
        world,
        world.usdc,
        payer=world.subscriber.address,
        builder=world.builder.address,
        protocol=world.fee_receiver.address,
        stranger=world.stranger.address,
    )


# ---------------------------------------------------------------- the plan's owner


def test_order__in_front_of_which_the_owner_makes_a_dearer_plan__is_of_the_old_one_or_none(funded: World) -> None:
    """C28: terms cannot be raised; the owner can only stop the plan that was meant, and the order is of no other."""
    plan_id = funded.register()
    dearer = funded.register(splits=(Split(funded.builder.address, 10 * PRICE),))
    order = funded.credits.functions.order(plan_id, funded.subscriber.address, 1, MAX_UINT)
    funded.send(funded.builder, funded.credits.functions.setPlanActive(plan_id, False))
    books = books_of(funded)
    with reverts(PlanNotActive(plan_id)):
        funded.send(funded.subscriber, order)
    assert (books.changes(), funded.balance(dearer, funded.subscriber.address)) == ({}, 0)
    funded.send(funded.builder, funded.credits.functions.setPlanActive(plan_id, True))
    funded.send(funded.subscriber, order)
    assert books.changes() == {"payer": -PRICE, "builder": PRICE}


def test_order__in_front_of_which_the_plan_changes_hands__pays_whom_the_terms_name(funded: World) -> None:
    """C28, I5: the new owner gets no part of the price, and the old one cannot take theirs along."""
    plan_id, functions = funded.register(), funded.credits.functions
    funded.send(funded.builder, functions.transferPlanOwnership(plan_id, funded.stranger.address))
    funded.send(funded.stranger, functions.acceptPlanOwnership(plan_id))
    books = books_of(funded)
    funded.order(plan_id)
    assert books.changes() == {"payer": -PRICE, "builder": PRICE}


def test_accept_plan_ownership__in_front_of_which_the_offer_moves_on__gets_nothing(world: World) -> None:
    """Whoever was offered a plan has it when they have accepted, and not before."""
    plan_id, functions = world.register(), world.credits.functions
    world.send(world.builder, functions.transferPlanOwnership(plan_id, world.partner.address))
    world.send(world.builder, functions.transferPlanOwnership(plan_id, world.other.address))
    with reverts(NotPendingPlanOwner(plan_id, world.partner.address)):
        world.send(world.partner, functions.acceptPlanOwnership(plan_id))


def test_settle__in_front_of_which_the_redeemer_is_removed__takes_nothing(world: World) -> None:
    """A removal counts at once, for a batch that is under way too."""
    plan_id = register_for_two(world)
    call = settle(world, plan_id, sign_item(world, plan_id, world.subscriber, 5))
    world.send(world.builder, world.credits.functions.setRedeemer(plan_id, world.redeemer.address, False))
    with reverts(NotRedeemer(plan_id, world.redeemer.address)):
        world.send(world.redeemer, call)
    assert world.balance(plan_id, world.subscriber.address) == BALANCE


def test_settle__in_front_of_which_the_plan_is_given_away__takes_nothing(world: World) -> None:
    """A voucher names its redeemer, not whoever owns the plan when it comes."""
    plan_id, functions = register_for_two(world), world.credits.functions
    item = sign_item(world, plan_id, world.subscriber, 5, redeemer=world.builder.address)
    world.send(world.builder, functions.transferPlanOwnership(plan_id, world.partner.address))
    world.send(world.partner, functions.acceptPlanOwnership(plan_id))
    with reverts(NotRedeemer(plan_id, world.builder.address)):
        world.send(world.builder, settle(world, plan_id, item))
    outcomes = world.read(settle(world, plan_id, item), world.partner.address)
    assert [amount for amount, _ in outcomes] == [0]


# ---------------------------------------------------------------- the fee's owner


def test_register_plan__in_front_of_which_the_fee_is_raised__shows_it_and_is_bounded(funded: World) -> None:
    """The fee owner's worst, as SECURITY.md says: the cap, for the plan's life, and to be seen before anyone buys."""
    funded.set_fee(MOST_BPS)
    plan_id = funded.register()
    assert funded.read(funded.credits.functions.stateOf(plan_id))[3] == MOST_BPS
    books = books_of(funded)
    funded.order(plan_id)
    assert books.changes() == {"payer": -PRICE, "builder": PRICE * 9 // 10, "protocol": PRICE // 10}
    funded.set_fee(0)
    assert funded.read(funded.credits.functions.stateOf(plan_id))[3] == MOST_BPS
    assert funded.read(funded.credits.functions.stateOf(funded.register()))[3] == 0


@pytest.mark.parametrize("way", ["order", "orderWithPermit", "orderWithAuthorization", "payUsage"])
def test_order__in_front_of_which_the_fee_is_raised__is_as_registered(funded: World, way: str) -> None:
    """DESIGN 3.7: the fee of an old plan is frozen, in every way of paying."""
    plan_id = funded.register(**(usage() if way == "payUsage" else {}))
    funded.set_fee(MOST_BPS)
    books = books_of(funded)
    funded.send(funded.subscriber, call_of(funded, way, plan_id))
    assert books.changes() == {"payer": -PRICE, "builder": PRICE}


def call_of(world: World, way: str, plan_id: int) -> ContractFunction:
    """Return a purchase of the subscriber's, by one of the ways of paying."""
    functions, holder = world.credits.functions, world.subscriber.address
    if way == "order":
        return functions.order(plan_id, holder, 1, PRICE)
    if way == "payUsage":
        return functions.payUsage(plan_id, 1, PRICE, NO_CONTEXT)
    if way == "orderWithPermit":
        permit = permit_of(world, PRICE)
        signature = sign_the_permit(world, permit)
        signed = (permit.deadline, signature.v, signature.r, signature.s)
        return functions.orderWithPermit(plan_id, holder, 1, PRICE, signed)
    order = order_of(world, plan_id, max_cost=PRICE)
    return bring(world, order, sign(world, order))


# ---------------------------------------------------------------- strangers


def test_order__of_a_trial_in_front_of_which_a_stranger_would_take_it__is_made_all_the_same(funded: World) -> None:
    """I7: a stranger who would pay cannot use up somebody's one trial."""
    plan_id, holder = funded.register(trial=True), funded.subscriber
    funded.fund(funded.stranger)
    with reverts(TrialOrderedForOther(plan_id, funded.stranger.address, holder.address)):
        funded.order(plan_id, funded.stranger, receiver=holder.address)
    funded.order(plan_id)
    assert funded.balance(plan_id, holder.address) == CREDITS


def test_order__of_a_trial_in_front_of_which_it_is_minted__costs_nothing(funded: World) -> None:
    """I7's price: the plan's owner can give the trial before; the holder has the credits, and the own order pays nothing."""
    plan_id, holder = funded.register(trial=True), funded.subscriber
    funded.grant(plan_id, holder.address, CREDITS)
    books = books_of(funded)
    with reverts(TrialAlreadyTaken(plan_id, holder.address)):
        funded.order(plan_id)
    assert (books.changes(), funded.balance(plan_id, holder.address)) == ({}, CREDITS)


def test_order_with_permit__in_front_of_which_the_permit_is_brought__is_made_all_the_same(funded: World) -> None:
    """C23: by a stranger, who can do nothing with the allowance but let it be."""
    world = funded
    world.send(world.subscriber, world.usdc.functions.approve(world.credits.address, 0))
    plan_id, holder = world.register(), world.subscriber.address
    permit = permit_of(world, PRICE)
    signature = sign_the_permit(world, permit)
    signed = (permit.deadline, signature.v, signature.r, signature.s)
    brought = world.usdc.functions.permit(holder, world.credits.address, PRICE, *signed)
    world.send(world.stranger, brought)
    with reverts(PaymentFailed(world.usdc.address, world.stranger.address, world.builder.address, PRICE)):
        world.send(world.stranger, world.credits.functions.order(plan_id, world.stranger.address, 1, PRICE))
    world.send(world.subscriber, world.credits.functions.orderWithPermit(plan_id, holder, 1, PRICE, signed))
    assert (world.balance(plan_id, holder), world.tokens(holder)) == (CREDITS, FUNDS - PRICE)


def test_settle__in_front_of_which_the_holder_burns__harms_the_holder_alone(world: World) -> None:
    """I8: the redeemer gets what is left, and all of the other vouchers."""
    plan_id = register_for_two(world)
    items = [sign_item(world, plan_id, holder, 9) for holder in (world.subscriber, world.other)]
    world.send(world.subscriber, world.credits.functions.burn(plan_id, world.subscriber.address, BALANCE - 4))
    assert settle_batch(world, plan_id, *items) == [(4, SHORT), (9, SETTLED)]


def test_redeem__in_front_of_which_another_takes_the_last__names_what_is_left(world: World, staffed_plan: int) -> None:
    """Two redeemers race for one holder's last credits: one gets them, and no credit is taken twice."""
    functions, holder = world.credits.functions, world.subscriber.address
    world.send(world.redeemer, functions.redeem(staffed_plan, holder, 6, NO_CONTEXT))
    with reverts(InsufficientCredits(staffed_plan, holder, 4, 6)):
        world.send(world.redeemer, functions.redeem(staffed_plan, holder, 6, NO_CONTEXT))


def test_grant_external__in_front_of_which_a_stranger_uses_the_reference__is_the_owners_all_the_same(
    world: World,
) -> None:
    """I7: references are counted by plan, so a copy on a plan of the stranger's own uses up nothing."""
    plan_id, theirs = world.register(**outside()), world.register(signer=world.stranger, **outside())
    functions, holder = world.credits.functions, world.subscriber.address
    world.send(world.stranger, functions.grantExternal(theirs, holder, 1, REFERENCE))
    world.send(world.builder, functions.grantExternal(plan_id, holder, 1, REFERENCE))
    assert world.balance(plan_id, holder) == CREDITS


def test_order__in_coin_in_front_of_which_the_plan_is_stopped__gives_the_coin_back(world: World) -> None:
    """Nothing is kept of an order that fails."""
    plan_id = world.register(token=ZERO, splits=(Split(world.builder.address, 1000),))
    world.send(world.builder, world.credits.functions.setPlanActive(plan_id, False))
    function = world.credits.functions.order(plan_id, world.subscriber.address, 1, 1000)
    receipt = world.send_with_gas(world.subscriber, function, 300_000, 1000)
    assert (receipt["status"], world.coins(world.credits.address)) == (0, 0)
