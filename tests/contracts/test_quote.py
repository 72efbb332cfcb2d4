"""quote: what an order would cost, to the base unit."""

import pytest

from nvm_chain.errors import InvalidQuantity, PaidExternally, QuoteFailed, UnknownPlan
from nvm_chain.types.prices import Split
from tests.support.reverts import reverts
from tests.support.signed import usage
from tests.support.world import ZERO, World

MAX_QUANTITY = 2**32 - 1
MAX_AMOUNT = 2**96 - 1


def _quote(world: World, plan_id: int, quantity: int) -> int:
    return int(world.read(world.credits.functions.quote(plan_id, world.subscriber.address, quantity)))


@pytest.mark.parametrize("quantity", [1, 2, 1000, MAX_QUANTITY - 1, MAX_QUANTITY])
def test_quote__of_two_splits__is_their_sum_times_quantity(world: World, quantity: int) -> None:
    plan_id = world.register(splits=(Split(world.builder.address, 7), Split(world.partner.address, 5)))
    assert _quote(world, plan_id, quantity) == 12 * quantity


def test_quote__of_the_dearest_plan_there_can_be__does_not_overflow(world: World) -> None:
    """C30: 16 splits of 2^96 - 1, bought 2^32 - 1 times."""
    plan_id = world.register(splits=(Split(world.builder.address, MAX_AMOUNT),) * 16)
    assert _quote(world, plan_id, MAX_QUANTITY) == 16 * MAX_AMOUNT * MAX_QUANTITY


def test_quote__of_a_free_plan__is_nothing(world: World) -> None:
    assert _quote(world, world.register(splits=()), 5) == 0


def test_quote__with_a_protocol_fee__is_the_price_all_the_same(world: World) -> None:
    """DESIGN 3.7: the fee comes out of the price."""
    world.set_fee(1000)
    assert _quote(world, world.register(), 1) == 20_000_000


def test_quote__for_any_payer__is_the_same(world: World) -> None:
    plan_id = world.register()
    assert world.read(world.credits.functions.quote(plan_id, ZERO, 3)) == _quote(world, plan_id, 3)


def test_quote__of_an_inactive_plan__still_says(world: World) -> None:
    plan_id = world.register()
    world.send(world.builder, world.credits.functions.setPlanActive(plan_id, False))
    assert _quote(world, plan_id, 1) == 20_000_000


@pytest.mark.parametrize("quantity", [0, MAX_QUANTITY + 1, 2**256 - 1])
def test_quote__out_of_range__reverts(world: World, quantity: int) -> None:
    plan_id = world.register()
    with reverts(InvalidQuantity(plan_id, quantity)):
        _quote(world, plan_id, quantity)


@pytest.mark.parametrize("quantity", [0, 2])
def test_quote__of_a_trial_other_than_one__reverts(world: World, quantity: int) -> None:
    plan_id = world.register(trial=True)
    with reverts(InvalidQuantity(plan_id, quantity)):
        _quote(world, plan_id, quantity)


def test_quote__of_one_trial__is_its_price(world: World) -> None:
    assert _quote(world, world.register(trial=True), 1) == 20_000_000


def test_quote__of_unknown_plan__reverts(world: World) -> None:
    with reverts(UnknownPlan(7)):
        _quote(world, 7, 1)


@pytest.mark.parametrize("quantity", [1, 3])
def test_quote__before_an_order__is_what_the_order_takes(funded: World, quantity: int) -> None:
    plan_id = funded.register()
    before = funded.tokens(funded.subscriber.address)
    cost = _quote(funded, plan_id, quantity)
    funded.order(plan_id, quantity=quantity)
    assert before - funded.tokens(funded.subscriber.address) == cost


# ---------------------------------------------------------------- quoted prices; more in test_quoters


@pytest.mark.parametrize(("quantity", "cost"), [(1, 100), (9, 900), (10, 900), (11, 990), (MAX_QUANTITY, 386547056550)])
def test_quote__of_a_quoted_plan__is_what_the_quoter_says(world: World, quantity: int, cost: int) -> None:
    quoter = world.deploy("VolumeDiscount", [(1, 100), (10, 90)])
    assert _quote(world, world.register(quoter=quoter.address), quantity) == cost


def test_quote__of_a_quoted_plan__does_not_look_at_the_weights(world: World) -> None:
    quoter = world.deploy("ChangesPrice", 3)
    splits = (Split(world.builder.address, MAX_AMOUNT),) * 16
    assert _quote(world, world.register(quoter=quoter.address, splits=splits), MAX_QUANTITY) == 3


@pytest.mark.parametrize("quantity", [0, MAX_QUANTITY + 1])
def test_quote__of_a_quoted_plan_out_of_range__does_not_ask_the_quoter(world: World, quantity: int) -> None:
    plan_id = world.register(quoter=world.deploy("RevertsOnQuote").address)
    with reverts(InvalidQuantity(plan_id, quantity)):
        _quote(world, plan_id, quantity)


def test_quote__without_a_price_from_the_quoter__reverts(world: World) -> None:
    quoter = world.deploy("RevertsOnQuote").address
    plan_id = world.register(quoter=quoter)
    with reverts(QuoteFailed(plan_id, quoter)):
        _quote(world, plan_id, 1)


def test_quote__of_a_plan_paid_externally__reverts(world: World) -> None:
    plan_id = world.register(paid_externally=True, token=ZERO, splits=())
    with reverts(PaidExternally(plan_id)):
        _quote(world, plan_id, 1)


def test_quote__of_a_usage_plan__is_the_price_of_a_payment(world: World) -> None:
    assert _quote(world, world.register(**usage(world)), 3) == 3000
