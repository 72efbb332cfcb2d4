"""order: the caller pays the price, the receiver gets the credits.

What tokens and receivers can do to an order is in tests/attacks: test_museum, test_receivers and test_coin.
"""

from typing import Any

import pytest

from nvm_chain.errors import (
    CostAboveMax,
    CreditsOverflow,
    ERC1155InvalidReceiver,
    InvalidQuantity,
    PaymentFailed,
    PlanNotActive,
    TrialAlreadyTaken,
    UnknownPlan,
    WrongValue,
)
from nvm_chain.types.prices import Split
from tests.support.books import COIN, Books
from tests.support.events import granted, ordered
from tests.support.reverts import reverts
from tests.support.world import CREDITS, MAX_UINT, PRICE, ZERO, World

MAX_QUANTITY = 2**32 - 1
MAX_ACCOUNT = 2**54 - 1
COIN_PRICE = 10**15


def _two_ways(world: World) -> tuple[Split, Split]:
    return Split(world.builder.address, 700), Split(world.partner.address, 300)


# ---------------------------------------------------------------- success


def test_order__by_a_new_holder__pays_grants_and_emits(funded: World) -> None:
    plan_id, payer = funded.register(), funded.subscriber.address
    books = Books(funded, funded.usdc, payer=payer, builder=funded.builder.address)
    receipt = funded.order(plan_id)
    assert books.changes() == {"payer": -PRICE, "builder": PRICE}
    assert funded.balance(plan_id, payer) == CREDITS
    assert funded.events(receipt) == [
        granted(payer, payer, plan_id, CREDITS),
        ordered(plan_id, payer, payer, 1, PRICE),
    ]


def test_order__again__adds_up(funded: World) -> None:
    plan_id = funded.register()
    for _ in range(3):
        funded.order(plan_id)
    assert funded.balance(plan_id, funded.subscriber.address) == 3 * CREDITS
    assert funded.tokens(funded.builder.address) == 3 * PRICE


def test_order__for_someone_else__grants_to_them_and_emits(funded: World) -> None:
    plan_id, payer, receiver = funded.register(), funded.subscriber.address, funded.other.address
    receipt = funded.order(plan_id, receiver=receiver)
    assert (funded.balance(plan_id, payer), funded.balance(plan_id, receiver)) == (0, CREDITS)
    assert funded.events(receipt) == [
        granted(payer, receiver, plan_id, CREDITS),
        ordered(plan_id, payer, receiver, 1, PRICE),
    ]


def test_order__as_a_call__returns_the_cost(funded: World) -> None:
    payer = funded.subscriber.address
    function = funded.credits.functions.order(funded.register(), payer, 3, MAX_UINT)
    assert funded.read(function, payer) == 3 * PRICE


@pytest.mark.parametrize("quantity", [1, 2, 50])
def test_order__of_many__multiplies_price_and_grant(funded: World, quantity: int) -> None:
    plan_id, payer = funded.register(), funded.subscriber.address
    books = Books(funded, funded.usdc, payer=payer, builder=funded.builder.address)
    receipt = funded.order(plan_id, quantity=quantity)
    assert books.changes() == {"payer": -PRICE * quantity, "builder": PRICE * quantity}
    assert funded.events(receipt) == [
        granted(payer, payer, plan_id, CREDITS * quantity),
        ordered(plan_id, payer, payer, quantity, PRICE * quantity),
    ]


def test_order__with_two_splits__pays_each(funded: World) -> None:
    plan_id = funded.register(splits=_two_ways(funded))
    books = Books(
        funded,
        funded.usdc,
        payer=funded.subscriber.address,
        builder=funded.builder.address,
        partner=funded.partner.address,
    )
    funded.order(plan_id, quantity=3)
    assert books.changes() == {"payer": -3000, "builder": 2100, "partner": 900}


def test_order__with_a_protocol_fee__takes_it_out_of_each_split(funded: World) -> None:
    """I6: receivers get exactly the split, the fee receiver exactly the fee, the payer pays exactly the sum."""
    funded.set_fee(999)
    plan_id, payer = funded.register(splits=_two_ways(funded)), funded.subscriber.address
    books = Books(
        funded,
        funded.usdc,
        payer=payer,
        builder=funded.builder.address,
        partner=funded.partner.address,
        protocol=funded.fee_receiver.address,
    )
    receipt = funded.order(plan_id)
    assert books.changes() == {"payer": -1000, "builder": 631, "partner": 271, "protocol": 98}
    assert funded.events(receipt) == [
        granted(payer, payer, plan_id, CREDITS),
        ordered(plan_id, payer, payer, 1, 1000),
    ]


@pytest.mark.parametrize("amount", [10**18 // 3, 10**18, 10**19, 2**64, 2**96 - 1])
def test_order__of_a_great_price__pays_its_fee(world: World, amount: int) -> None:
    """C30, I6: in full, however great it is."""
    world.set_fee(1000)
    plan_id = world.register(splits=(Split(world.builder.address, amount),))
    world.fund(world.subscriber, amount=amount)
    books = Books(
        world,
        world.usdc,
        payer=world.subscriber.address,
        builder=world.builder.address,
        protocol=world.fee_receiver.address,
    )
    world.order(plan_id)
    fee = amount // 10
    assert books.changes() == {"payer": -amount, "builder": amount - fee, "protocol": fee}


def test_order__of_a_plan_registered_before_the_fee__pays_none(funded: World) -> None:
    plan_id = funded.register()
    funded.set_fee(1000)
    funded.order(plan_id)
    assert funded.tokens(funded.fee_receiver.address) == 0
    assert funded.tokens(funded.builder.address) == PRICE


def test_order__of_a_free_plan__costs_nothing_and_emits(world: World) -> None:
    """I8: a protocol fee and a token without allowance do not matter where there is no price."""
    world.set_fee(1000)
    plan_id, holder = world.register(splits=()), world.stranger.address
    receipt = world.send(world.stranger, world.credits.functions.order(plan_id, holder, 2, 0))
    assert world.events(receipt) == [
        granted(holder, holder, plan_id, 2 * CREDITS),
        ordered(plan_id, holder, holder, 2, 0),
    ]


def test_order__in_native_coin__pays_exactly_and_emits(world: World) -> None:
    world.set_fee(100)
    payer = world.subscriber.address
    splits = (Split(world.builder.address, COIN_PRICE), Split(world.partner.address, 3 * COIN_PRICE))
    plan_id = world.register(token=ZERO, splits=splits)
    books = Books(
        world,
        COIN,
        payer=payer,
        builder=world.builder.address,
        partner=world.partner.address,
        protocol=world.fee_receiver.address,
    )
    receipt = world.order(plan_id, quantity=2, value=8 * COIN_PRICE)
    unit = COIN_PRICE // 100
    assert books.changes(receipt) == {
        "payer": -800 * unit,
        "builder": 198 * unit,
        "partner": 594 * unit,
        "protocol": 8 * unit,
    }
    assert world.events(receipt) == [
        granted(payer, payer, plan_id, 2 * CREDITS),
        ordered(plan_id, payer, payer, 2, 8 * COIN_PRICE),
    ]


def test_order__leaves__the_rest_of_the_allowance(funded: World) -> None:
    plan_id = funded.register()
    functions, pair = funded.usdc.functions, (funded.subscriber.address, funded.credits.address)
    before = funded.read(functions.allowance(*pair))
    funded.order(plan_id)
    assert before - funded.read(functions.allowance(*pair)) == PRICE


# ---------------------------------------------------------------- boundaries


@pytest.mark.parametrize("max_cost", [PRICE, PRICE + 1])
def test_order__at_most_for_max_cost__succeeds(funded: World, max_cost: int) -> None:
    plan_id, payer = funded.register(), funded.subscriber
    funded.send(payer, funded.credits.functions.order(plan_id, payer.address, 1, max_cost))
    assert funded.balance(plan_id, payer.address) == CREDITS


@pytest.mark.parametrize("max_cost", [0, PRICE - 1])
def test_order__above_max_cost__reverts(funded: World, max_cost: int) -> None:
    """C28: whatever happened between quote and order, the payer pays no more than they said."""
    plan_id, payer = funded.register(), funded.subscriber
    with reverts(CostAboveMax(PRICE, max_cost)):
        funded.send(payer, funded.credits.functions.order(plan_id, payer.address, 1, max_cost))


def test_order__above_max_cost_in_native_coin__reverts(world: World) -> None:
    plan_id, payer = world.register(token=ZERO), world.subscriber
    with reverts(CostAboveMax(PRICE, PRICE - 1)):
        world.send(payer, world.credits.functions.order(plan_id, payer.address, 1, PRICE - 1), PRICE)


@pytest.mark.parametrize("quantity", [0, MAX_QUANTITY + 1, 2**72, MAX_UINT])
def test_order__of_a_quantity_out_of_range__reverts(funded: World, quantity: int) -> None:
    """C30: nothing wraps around."""
    plan_id = funded.register()
    with reverts(InvalidQuantity(plan_id, quantity)):
        funded.order(plan_id, quantity=quantity)


@pytest.mark.parametrize("quantity", [MAX_QUANTITY - 1, MAX_QUANTITY])
def test_order__of_the_largest_quantity__multiplies_exactly(world: World, quantity: int) -> None:
    """C30: 2^32 - 1 purchases at 2^96 - 1 base units each."""
    token = world.deploy("HonestToken")
    amount = 2**96 - 1
    world.fund(world.subscriber, token, amount * quantity)
    plan_id = world.register(token=token.address, splits=(Split(world.builder.address, amount),), credits=1)
    world.order(plan_id, quantity=quantity)
    assert world.tokens(world.builder.address, token) == amount * quantity
    assert world.balance(plan_id, world.subscriber.address) == quantity


@pytest.mark.parametrize(("room", "quantity"), [(3, 1), (3, 2), (3, 3)])
def test_order__up_to_a_full_account__succeeds(world: World, room: int, quantity: int) -> None:
    """C31: an account holds 2^54 - 1 credits."""
    plan_id, holder = world.register(splits=(), credits=1), world.subscriber.address
    world.grant(plan_id, holder, MAX_ACCOUNT - room)
    world.order(plan_id, quantity=quantity)
    assert world.balance(plan_id, holder) == MAX_ACCOUNT - room + quantity


@pytest.mark.parametrize(("room", "quantity"), [(3, 4), (0, 1), (3, MAX_QUANTITY)])
def test_order__past_a_full_account__reverts(world: World, room: int, quantity: int) -> None:
    plan_id, holder = world.register(splits=(), credits=1), world.subscriber.address
    world.grant(plan_id, holder, MAX_ACCOUNT - room)
    with reverts(CreditsOverflow(plan_id, holder, quantity)):
        world.order(plan_id, quantity=quantity)


def test_order__of_a_free_plan_for_someone__does_not_fill_their_account(world: World) -> None:
    """I8: a stranger cannot make another holder's order fail by giving them all that an order can give."""
    plan_id, victim = world.register(splits=()), world.subscriber.address
    for _ in range(3):
        world.order(plan_id, world.stranger, receiver=victim, quantity=MAX_QUANTITY)
    world.order(plan_id)
    assert world.balance(plan_id, victim) == (3 * MAX_QUANTITY + 1) * CREDITS


# ---------------------------------------------------------------- reverts


def test_order__of_unknown_plan__reverts(funded: World) -> None:
    with reverts(UnknownPlan(7)):
        funded.order(7)


def test_order__of_an_inactive_plan__reverts(funded: World) -> None:
    plan_id = funded.register()
    funded.send(funded.builder, funded.credits.functions.setPlanActive(plan_id, False))
    with reverts(PlanNotActive(plan_id)):
        funded.order(plan_id)


def test_order__for_nobody__reverts(funded: World) -> None:
    with reverts(ERC1155InvalidReceiver(ZERO)):
        funded.order(funded.register(), receiver=ZERO)


def test_order__for_the_contract_itself__reverts(funded: World) -> None:
    """Credits that Credits held would be lost."""
    with reverts(ERC1155InvalidReceiver(funded.credits.address)):
        funded.order(funded.register(), receiver=funded.credits.address)


@pytest.mark.parametrize("value", [0, COIN_PRICE - 1, COIN_PRICE + 1, 2 * COIN_PRICE, COIN_PRICE + 10**18])
def test_order__in_native_coin_with_another_value__reverts(world: World, value: int) -> None:
    plan_id = world.register(token=ZERO, splits=(Split(world.builder.address, COIN_PRICE),))
    with reverts(WrongValue(COIN_PRICE, value)):
        world.order(plan_id, value=value)


@pytest.mark.parametrize("changes", [{}, {"splits": ()}, {"token": ZERO, "splits": ()}], ids=str)
def test_order__with_coin_that_buys_nothing__reverts(funded: World, changes: dict[str, Any]) -> None:
    """C34: coin sent along by mistake is not kept."""
    with reverts(WrongValue(0, 1)):
        funded.order(funded.register(**changes), value=1)


@pytest.mark.parametrize("approved", [0, PRICE - 1])
def test_order__without_enough_allowance__reverts(world: World, approved: int) -> None:
    payer = world.subscriber
    world.send(payer, world.usdc.functions.mint(payer.address, PRICE))
    world.send(payer, world.usdc.functions.approve(world.credits.address, approved))
    with reverts(PaymentFailed(world.usdc.address, payer.address, world.builder.address, PRICE)):
        world.order(world.register())


@pytest.mark.parametrize("owned", [1, PRICE - 1])
def test_order__without_enough_tokens__reverts(world: World, owned: int) -> None:
    payer = world.subscriber
    world.send(payer, world.usdc.functions.mint(payer.address, owned))
    world.send(payer, world.usdc.functions.approve(world.credits.address, MAX_UINT))
    with reverts(PaymentFailed(world.usdc.address, payer.address, world.builder.address, PRICE)):
        world.order(world.register())


def test_order__short_of_the_split_that_is_paid_last__takes_back_the_others(world: World) -> None:
    """I6: all receivers are paid or none. The first receiver comes last."""
    payer = world.subscriber
    world.send(payer, world.usdc.functions.mint(payer.address, 999))
    world.send(payer, world.usdc.functions.approve(world.credits.address, MAX_UINT))
    plan_id = world.register(splits=_two_ways(world))
    with reverts(PaymentFailed(world.usdc.address, payer.address, world.builder.address, 700)):
        world.order(plan_id)
    assert (world.tokens(world.partner.address), world.balance(plan_id, payer.address)) == (0, 0)


def test_order__by_one__cannot_spend_the_allowance_of_another(funded: World) -> None:
    """C14: the subscriber's approval pays for nobody else's order, though the credits would be theirs."""
    plan_id, thief = funded.register(), funded.stranger
    with reverts(PaymentFailed(funded.usdc.address, thief.address, funded.builder.address, PRICE)):
        funded.order(plan_id, thief, receiver=funded.subscriber.address)


def test_order__by_a_plan_owner__cannot_price_in_credits_itself(funded: World) -> None:
    """Credits has code, so it may be named as token; it has no transferFrom, so nobody can pay with it."""
    splits = (Split(funded.builder.address, 5),)
    plan_id = funded.register(token=funded.credits.address, splits=splits)
    payer = funded.subscriber.address
    with reverts(PaymentFailed(funded.credits.address, payer, funded.builder.address, 5)):
        funded.order(plan_id)


@pytest.mark.parametrize("quantity", [0, 2, MAX_QUANTITY])
def test_order__of_a_trial_other_than_one__reverts(funded: World, quantity: int) -> None:
    plan_id = funded.register(trial=True)
    with reverts(InvalidQuantity(plan_id, quantity)):
        funded.order(plan_id, quantity=quantity)


def test_order__of_a_trial_twice__reverts(funded: World) -> None:
    """I7; more in test_trial."""
    plan_id = funded.register(trial=True)
    funded.order(plan_id)
    with reverts(TrialAlreadyTaken(plan_id, funded.subscriber.address)):
        funded.order(plan_id)


def test_order__with_several_things_wrong__names_the_plan_first(world: World) -> None:
    """Checks come in this order: plan, quantity, cost, receiver, and then what is paid."""
    plan_id, payer = world.register(), world.subscriber
    functions = world.credits.functions
    with reverts(CostAboveMax(PRICE, 0)):
        world.send(payer, functions.order(plan_id, ZERO, 1, 0), 1)
    with reverts(ERC1155InvalidReceiver(ZERO)):
        world.send(payer, functions.order(plan_id, ZERO, 1, PRICE), 1)
    with reverts(WrongValue(0, 1)):
        world.send(payer, functions.order(plan_id, payer.address, 1, PRICE), 1)
    with reverts(PaymentFailed(world.usdc.address, payer.address, world.builder.address, PRICE)):
        world.send(payer, functions.order(plan_id, payer.address, 1, PRICE))
    world.send(world.builder, functions.setPlanActive(plan_id, False))
    with reverts(PlanNotActive(plan_id)):
        world.send(payer, functions.order(plan_id, ZERO, 0, 0), 1)
