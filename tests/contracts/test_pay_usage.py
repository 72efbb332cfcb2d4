"""pay: a request of a usage plan is paid on its own; nothing is granted."""

from typing import Any

import pytest
from web3.contract.contract import ContractFunction

from nvm_chain.enums import Activation, PlanKind
from nvm_chain.errors import (
    CostAboveMax,
    InvalidQuantity,
    PaymentFailed,
    PlanNotActive,
    QuoteFailed,
    UnknownPlan,
    WrongKind,
    WrongValue,
)
from nvm_chain.types.prices import Split
from tests.support.books import COIN, Books, open_books_of_sale
from tests.support.events import fee_forgone
from tests.support.reentry import arm, outcome_of, through
from tests.support.reverts import reverts
from tests.support.signed import paid, usage
from tests.support.world import MAX_UINT, NO_CONTEXT, ZERO, World

CONTEXT = b"request-1".ljust(32, b"\0")
MAX_QUANTITY = 2**32 - 1


def _pay(
    world: World, plan_id: int, *, quantity: int = 1, max_cost: int = MAX_UINT, context: bytes = CONTEXT
) -> ContractFunction:
    return world.credits.functions.payUsage(plan_id, quantity, max_cost, context)


def _books(world: World) -> Books:
    return open_books_of_sale(world, world.usdc)


def _account(world: World, plan_id: int) -> tuple[int, int, int, bool]:
    found: tuple[int, int, int, bool] = tuple(
        world.read(world.credits.functions.accountOf(plan_id, world.subscriber.address))
    )
    return found


# ---------------------------------------------------------------- success


def test_pay__for_a_request__pays_each_split_and_says_what_for(funded: World) -> None:
    plan_id, payer = funded.register(**usage(funded)), funded.subscriber.address
    books = _books(funded)
    receipt = funded.send(funded.subscriber, _pay(funded, plan_id))
    assert books.changes() == {"payer": -1000, "first": 700, "second": 300}
    assert funded.events(receipt) == [paid(plan_id, payer, 1, 1000, CONTEXT)]


def test_pay__whatever_is_paid__grants_nothing(funded: World) -> None:
    plan_id = funded.register(**usage(funded))
    for _ in range(2):
        funded.send(funded.subscriber, _pay(funded, plan_id, quantity=7))
    assert _account(funded, plan_id) == (0, 0, 0, False)


def test_pay__for_one_request_twice__is_paid_twice(funded: World) -> None:
    """A context is only written down: whoever pays again with the same one pays again."""
    plan_id = funded.register(**usage(funded))
    books = _books(funded)
    for _ in range(2):
        funded.send(funded.subscriber, _pay(funded, plan_id))
    assert books.changes() == {"payer": -2000, "first": 1400, "second": 600}


@pytest.mark.parametrize("context", [NO_CONTEXT, b"\xff" * 32, bytes(31) + b"\1"])
def test_pay__with_any_context__emits_it_as_it_is(funded: World, context: bytes) -> None:
    plan_id, payer = funded.register(**usage(funded)), funded.subscriber.address
    receipt = funded.send(funded.subscriber, _pay(funded, plan_id, context=context))
    assert funded.events(receipt) == [paid(plan_id, payer, 1, 1000, context)]


def test_pay__of_many__multiplies_the_price(funded: World) -> None:
    plan_id, payer = funded.register(**usage(funded)), funded.subscriber.address
    books = _books(funded)
    receipt = funded.send(funded.subscriber, _pay(funded, plan_id, quantity=50))
    assert books.changes() == {"payer": -50_000, "first": 35_000, "second": 15_000}
    assert funded.events(receipt) == [paid(plan_id, payer, 50, 50_000, CONTEXT)]


def test_pay__with_a_protocol_fee__takes_it_out_of_each_split(funded: World) -> None:
    """I6."""
    funded.set_fee(999)
    plan_id = funded.register(**usage(funded))
    books = _books(funded)
    funded.send(funded.subscriber, _pay(funded, plan_id))
    assert books.changes() == {"payer": -1000, "first": 631, "second": 271, "protocol": 98}


def test_pay__with_a_fee_that_cannot_be_delivered__goes_on_and_says_so(funded: World) -> None:
    """I8: the event of the payment comes first, as it is the effect, and what happens to the money after it."""
    funded.set_fee(1000)
    plan_id, payer = funded.register(**usage(funded)), funded.subscriber.address
    funded.send(funded.fee_owner, funded.usdc.functions.blacklist(funded.fee_receiver.address))
    books = _books(funded)
    receipt = funded.send(funded.subscriber, _pay(funded, plan_id))
    assert books.changes() == {"payer": -1000, "first": 730, "second": 270}
    assert funded.events(receipt) == [
        paid(plan_id, payer, 1, 1000, CONTEXT),
        fee_forgone(plan_id, funded.fee_receiver.address, 100),
    ]


def test_pay__in_native_coin__pays_exactly(world: World) -> None:
    plan_id, payer = world.register(**usage(world, token=ZERO)), world.subscriber.address
    books = Books(world, COIN, payer=payer, first=world.builder.address, second=world.partner.address)
    receipt = world.send(world.subscriber, _pay(world, plan_id, quantity=3), 3000)
    assert books.changes(receipt) == {"payer": -3000, "first": 2100, "second": 900}
    assert world.events(receipt) == [paid(plan_id, payer, 3, 3000, CONTEXT)]


def test_pay__of_a_free_plan__costs_nothing_and_emits(world: World) -> None:
    plan_id, payer = world.register(**usage(world, splits=())), world.subscriber.address
    receipt = world.send(world.subscriber, _pay(world, plan_id, max_cost=0))
    assert world.events(receipt) == [paid(plan_id, payer, 1, 0, CONTEXT)]


def test_pay__as_a_call__returns_the_cost(funded: World) -> None:
    plan_id = funded.register(**usage(funded))
    assert funded.read(_pay(funded, plan_id, quantity=3), funded.subscriber.address) == 3000


def test_pay__at_a_quoted_price__pays_what_the_quoter_says(funded: World) -> None:
    quoter = funded.deploy("ChangesPrice", 55)
    plan_id, payer = funded.register(**usage(funded, quoter=quoter.address)), funded.subscriber.address
    books = _books(funded)
    receipt = funded.send(funded.subscriber, _pay(funded, plan_id, quantity=9))
    assert books.changes() == {"payer": -55, "first": 39, "second": 16}
    assert funded.events(receipt) == [paid(plan_id, payer, 9, 55, CONTEXT)]


def test_pay__by_the_receiver_of_the_price__moves_nothing(funded: World) -> None:
    """C36."""
    own = (Split(funded.subscriber.address, 1000),)
    plan_id = funded.register(**usage(funded, splits=own))
    books = _books(funded)
    funded.send(funded.subscriber, _pay(funded, plan_id))
    assert books.changes() == {}


def test_pay__again_from_within_a_payment__is_paid_for_each(world: World) -> None:
    """C10: there is no state that an inner payment could find half done."""
    token, actor = world.deploy("CallsBack"), world.deploy("Actor")
    plan_id = world.register(**usage(world, token=token.address))
    world.fund(world.subscriber, token, 10_000)
    world.send(world.subscriber, token.functions.mint(actor.address, 10_000))
    world.send(world.subscriber, through(actor, token.functions.approve(world.credits.address, 10_000)))
    arm(world, token, through(actor, _pay(world, plan_id)))
    books = Books(world, token, payer=world.subscriber.address, actor=actor.address, first=world.builder.address)
    receipt = world.send_with_gas(world.subscriber, _pay(world, plan_id), 3_000_000)
    assert (receipt["status"], outcome_of(world, token).count) == (1, 2)
    assert books.changes() == {"payer": -1000, "actor": -2000, "first": 2100}


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("terms", "kind"),
    [
        ({}, PlanKind.CREDITS),
        ({"duration": 60}, PlanKind.CREDITS),
        ({"kind": PlanKind.TIME, "duration": 60, "min_redeem": 0, "max_redeem": 0}, PlanKind.TIME),
        ({"kind": PlanKind.TIME, "duration": 60, "activation": Activation.ON_FIRST_USE}, PlanKind.TIME),
        ({"paid_externally": True, "token": ZERO, "splits": ()}, PlanKind.CREDITS),
    ],
    ids=["credits", "expiring", "time", "time-on-use", "outside"],
)
def test_pay__of_a_plan_that_is_ordered__reverts(funded: World, terms: dict[str, Any], kind: PlanKind) -> None:
    plan_id = funded.register(**terms)
    with reverts(WrongKind(plan_id, kind)):
        funded.send(funded.subscriber, _pay(funded, plan_id))


def test_order__of_a_usage_plan__reverts(funded: World) -> None:
    plan_id, payer = funded.register(**usage(funded)), funded.subscriber
    with reverts(WrongKind(plan_id, PlanKind.USAGE)):
        funded.send(payer, funded.credits.functions.order(plan_id, payer.address, 1, MAX_UINT))


@pytest.mark.parametrize("plan_id", [0, 7, MAX_UINT])
def test_pay__of_unknown_plan__reverts(world: World, plan_id: int) -> None:
    with reverts(UnknownPlan(plan_id)):
        world.send(world.subscriber, _pay(world, plan_id))


def test_pay__of_an_inactive_plan__reverts(funded: World) -> None:
    plan_id = funded.register(**usage(funded))
    funded.send(funded.builder, funded.credits.functions.setPlanActive(plan_id, False))
    with reverts(PlanNotActive(plan_id)):
        funded.send(funded.subscriber, _pay(funded, plan_id))
    funded.send(funded.builder, funded.credits.functions.setPlanActive(plan_id, True))
    funded.send(funded.subscriber, _pay(funded, plan_id))


@pytest.mark.parametrize("quantity", [0, MAX_QUANTITY + 1, MAX_UINT])
def test_pay__of_an_impossible_quantity__reverts(funded: World, quantity: int) -> None:
    plan_id = funded.register(**usage(funded))
    with reverts(InvalidQuantity(plan_id, quantity)):
        funded.send(funded.subscriber, _pay(funded, plan_id, quantity=quantity))


@pytest.mark.parametrize("quantity", [MAX_QUANTITY - 1, MAX_QUANTITY])
def test_pay__of_the_largest_quantity__is_paid(world: World, quantity: int) -> None:
    plan_id = world.register(**usage(world))
    world.fund(world.subscriber, amount=1000 * quantity)
    world.send(world.subscriber, _pay(world, plan_id, quantity=quantity))
    assert world.tokens(world.builder.address) == 700 * quantity


def test_pay__above_the_payers_limit__reverts(funded: World) -> None:
    plan_id = funded.register(**usage(funded))
    with reverts(CostAboveMax(3000, 2999)):
        funded.send(funded.subscriber, _pay(funded, plan_id, quantity=3, max_cost=2999))


@pytest.mark.parametrize("max_cost", [3000, 3001])
def test_pay__within_the_payers_limit__pays_the_cost(funded: World, max_cost: int) -> None:
    plan_id = funded.register(**usage(funded))
    funded.send(funded.subscriber, _pay(funded, plan_id, quantity=3, max_cost=max_cost))
    assert funded.tokens(funded.partner.address) == 900


@pytest.mark.parametrize("value", [0, 999, 1001])
def test_pay__in_coin_with_another_value__reverts(world: World, value: int) -> None:
    plan_id = world.register(**usage(world, token=ZERO))
    with reverts(WrongValue(1000, value)):
        world.send(world.subscriber, _pay(world, plan_id), value)


def test_pay__of_a_token_plan_with_coin__reverts(funded: World) -> None:
    plan_id = funded.register(**usage(funded))
    with reverts(WrongValue(0, 1)):
        funded.send(funded.subscriber, _pay(funded, plan_id), 1)


def test_pay__without_allowance__reverts(world: World) -> None:
    plan_id, payer = world.register(**usage(world)), world.subscriber
    world.send(payer, world.usdc.functions.mint(payer.address, 1000))
    with reverts(PaymentFailed(world.usdc.address, payer.address, world.partner.address, 300)):
        world.send(payer, _pay(world, plan_id))


def test_pay__with_one_base_unit_too_little_allowance__moves_nothing(world: World) -> None:
    plan_id, payer = world.register(**usage(world)), world.subscriber
    world.fund(payer, amount=1000)
    world.send(payer, world.usdc.functions.approve(world.credits.address, 999))
    books = _books(world)
    with reverts(PaymentFailed(world.usdc.address, payer.address, world.builder.address, 700)):
        world.send(payer, _pay(world, plan_id))
    assert books.changes() == {}


def test_pay__with_a_blocked_receiver__reverts(funded: World) -> None:
    plan_id, payer = funded.register(**usage(funded)), funded.subscriber
    funded.send(funded.fee_owner, funded.usdc.functions.blacklist(funded.partner.address))
    with reverts(PaymentFailed(funded.usdc.address, payer.address, funded.partner.address, 300)):
        funded.send(payer, _pay(funded, plan_id))


def test_pay__without_a_price_from_the_quoter__reverts(funded: World) -> None:
    quoter = funded.deploy("RevertsOnQuote").address
    plan_id = funded.register(**usage(funded, quoter=quoter))
    with reverts(QuoteFailed(plan_id, quoter)):
        funded.send(funded.subscriber, _pay(funded, plan_id))


def test_pay__with_several_things_wrong__names_the_plan_first(world: World) -> None:
    """Checks come in this order: plan, quantity, cost, value."""
    plan_id, payer = world.register(**usage(world)), world.subscriber
    with reverts(CostAboveMax(1000, 0)):
        world.send(payer, _pay(world, plan_id, max_cost=0), 1)
    with reverts(InvalidQuantity(plan_id, 0)):
        world.send(payer, _pay(world, plan_id, quantity=0, max_cost=0), 1)
    world.send(world.builder, world.credits.functions.setPlanActive(plan_id, False))
    with reverts(PlanNotActive(plan_id)):
        world.send(payer, _pay(world, plan_id, quantity=0, max_cost=0), 1)
