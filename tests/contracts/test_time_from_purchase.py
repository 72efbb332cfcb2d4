"""Time plans whose periods start at the purchase: the access window opens at once, and nothing is redeemed (I9, C32)."""

from collections.abc import Callable

import pytest
from web3.contract.contract import ContractFunction

from nvm_chain.errors import (
    CreditsOverflow,
    ERC1155MissingApprovalForAll,
    InsufficientCredits,
    InvalidQuantity,
    NotRedeemable,
    NotTransferable,
    RedeemNotAllowed,
    TrialAlreadyTaken,
    ZeroAmount,
)
from tests.support.events import access_changed, granted, ordered, selector, taken
from tests.support.plans import from_purchase
from tests.support.reverts import reverts
from tests.support.world import MAX_UINT, NO_CONTEXT, PRICE, World

DAY = 86_400
MAX_32 = 2**32 - 1
MAX_64 = 2**64 - 1


@pytest.fixture
def plan_id(world: World) -> int:
    """A free plan: a day from purchase."""
    return world.register(**from_purchase(DAY))


def _until(world: World, plan_id: int) -> int:
    return int(world.read(world.credits.functions.accessUntil(plan_id, world.subscriber.address)))


def _state(world: World, plan_id: int) -> tuple[int, int]:
    """Return the periods and the end of access of the subscriber."""
    return world.balance(plan_id, world.subscriber.address), _until(world, plan_id)


def _order_at(world: World, plan_id: int, timestamp: int, quantity: int = 1) -> int:
    holder = world.subscriber
    world.send_at(timestamp, holder, world.credits.functions.order(plan_id, holder.address, quantity, 0))
    return timestamp


def _burn(world: World, plan_id: int, amount: int) -> ContractFunction:
    return world.credits.functions.burn(plan_id, world.subscriber.address, amount)


# ---------------------------------------------------------------- purchases


def test_from_purchase__order__opens_access_pays_and_emits(funded: World) -> None:
    plan_id = funded.register(**from_purchase(DAY, splits=funded.terms().splits))
    holder = funded.subscriber.address
    receipt = funded.order(plan_id)
    until = funded.now + DAY
    assert _state(funded, plan_id) == (1, until)
    assert funded.tokens(funded.builder.address) == PRICE
    assert funded.events(receipt) == [
        access_changed(plan_id, holder, until),
        granted(holder, holder, plan_id, 1),
        ordered(plan_id, holder, holder, 1, PRICE),
    ]


@pytest.mark.parametrize(("periods", "quantity"), [(1, 1), (1, 12), (7, 1), (7, 12), (MAX_32, MAX_32)])
def test_from_purchase__of_several_periods__opens_them_all(world: World, periods: int, quantity: int) -> None:
    """C30: up to the longest purchase there is."""
    for duration in (1, DAY, MAX_32):
        plan_id = world.register(**from_purchase(duration, credits=periods))
        start = _order_at(world, plan_id, world.now + 10, quantity)
        assert _state(world, plan_id) == (periods * quantity, start + periods * quantity * duration)


@pytest.mark.parametrize("second", [1, DAY // 2, DAY - 1, DAY])
def test_from_purchase__renewed_early__loses_nothing(world: World, plan_id: int, second: int) -> None:
    start = _order_at(world, plan_id, world.now + 10)
    _order_at(world, plan_id, start + second)
    assert _until(world, plan_id) == start + 2 * DAY


@pytest.mark.parametrize("lapse", [0, 1, DAY, 1000 * DAY])
def test_from_purchase__renewed_after_a_lapse__begins_then(world: World, plan_id: int, lapse: int) -> None:
    start = _order_at(world, plan_id, world.now + 10)
    renewed = _order_at(world, plan_id, start + DAY + lapse)
    assert _state(world, plan_id) == (1, renewed + DAY)


@pytest.mark.parametrize(
    ("second", "periods"),
    [(0, 3), (1, 3), (DAY - 1, 3), (DAY, 2), (DAY + 1, 2), (2 * DAY, 1), (3 * DAY - 1, 1), (3 * DAY, 0), (9 * DAY, 0)],
)
def test_from_purchase__balance__is_periods_of_which_something_is_left(
    world: World, plan_id: int, second: int, periods: int
) -> None:
    """I9: access is there before its last second is over, and not after."""
    start = _order_at(world, plan_id, world.now + 10, 3)
    world.mine_at(start + second)
    assert _state(world, plan_id) == (periods, start + 3 * DAY)
    assert (world.now < _until(world, plan_id)) == (periods > 0)


def test_from_purchase__ordered_by_a_stranger_for_a_holder__only_adds(world: World, plan_id: int) -> None:
    """I3, I8."""
    start = _order_at(world, plan_id, world.now + 10)
    gift = world.credits.functions.order(plan_id, world.subscriber.address, MAX_32, 0)
    world.send_at(start + 100, world.stranger, gift)
    _order_at(world, plan_id, start + 200)
    assert _state(world, plan_id) == (MAX_32 + 2, start + (MAX_32 + 2) * DAY)
    assert world.balance(plan_id, world.stranger.address) == 0


# ---------------------------------------------------------------- grants without payment

Grant = Callable[[World, int, int], ContractFunction]
GRANTS: dict[str, Grant] = {
    "mint": lambda world, plan_id, periods: world.credits.functions.mint(plan_id, world.subscriber.address, periods),
    "mintBatch": lambda world, plan_id, periods: world.credits.functions.mintBatch(
        plan_id, [world.subscriber.address], [periods]
    ),
    "grantExternal": lambda world, plan_id, periods: world.credits.functions.grantExternal(
        plan_id, world.subscriber.address, periods, NO_CONTEXT
    ),
}


@pytest.mark.parametrize("name", GRANTS)
def test_from_purchase__granted__adds_to_what_was_bought(world: World, plan_id: int, name: str) -> None:
    start = _order_at(world, plan_id, world.now + 10)
    receipt = world.send_at(start + 100, world.builder, GRANTS[name](world, plan_id, 5))
    assert _state(world, plan_id) == (6, start + 6 * DAY)
    holder = world.subscriber.address
    assert [entry for entry in world.events(receipt) if entry[0] != "GrantedExternal"] == [
        access_changed(plan_id, holder, start + 6 * DAY),
        granted(world.builder.address, holder, plan_id, 5),
    ]


@pytest.mark.parametrize("duration", [1, MAX_32])
@pytest.mark.parametrize("periods", [MAX_64 - 1, MAX_64])
def test_from_purchase__minted_by_the_most_there_is__counts_exactly(world: World, duration: int, periods: int) -> None:
    """C30, C31: nothing wraps around, not even twice."""
    plan_id, holder = world.register(**from_purchase(duration)), world.subscriber.address
    start, mint = world.now + 10, world.credits.functions.mint(plan_id, holder, periods)
    world.send_at(start, world.builder, mint)
    assert _state(world, plan_id) == (periods, start + periods * duration)
    world.send(world.builder, mint)
    assert _until(world, plan_id) == start + 2 * periods * duration
    world.order(plan_id)
    assert _until(world, plan_id) == start + (2 * periods + 1) * duration


@pytest.mark.parametrize("periods", [MAX_64 + 1, 2**128, MAX_UINT])
def test_from_purchase__minted_by_more__reverts(world: World, plan_id: int, periods: int) -> None:
    with reverts(CreditsOverflow(plan_id, world.subscriber.address, periods)):
        world.grant(plan_id, world.subscriber.address, periods)


def test_from_purchase__as_a_trial__is_taken_once(world: World) -> None:
    """I7: also when the first access is over, or given up."""
    plan_id, holder = world.register(**from_purchase(DAY, trial=True)), world.subscriber.address
    start = _order_at(world, plan_id, world.now + 10)
    with reverts(InvalidQuantity(plan_id, 2)):
        world.order(plan_id, quantity=2)
    with reverts(TrialAlreadyTaken(plan_id, holder)):
        world.order(plan_id)
    world.send(world.subscriber, _burn(world, plan_id, 1))
    with reverts(TrialAlreadyTaken(plan_id, holder)):
        world.grant(plan_id, holder, 1)
    world.mine_at(start + 2 * DAY)
    with reverts(TrialAlreadyTaken(plan_id, holder)):
        world.order(plan_id)


# ---------------------------------------------------------------- nothing to redeem


def test_from_purchase__redeemed__reverts(world: World, plan_id: int) -> None:
    """Inside the window requests cost nothing, so there is nothing to take, for anybody."""
    world.order(plan_id)
    holder, functions = world.subscriber.address, world.credits.functions
    for amount in (0, 1, 2):
        with reverts(NotRedeemable(plan_id)):
            world.send(world.subscriber, functions.redeem(plan_id, holder, amount, NO_CONTEXT))
        answer = world.read(functions.canRedeem(plan_id, holder, amount))
        assert answer == [False, selector("NotRedeemable(uint256)")]
    world.send(world.builder, functions.setRedeemer(plan_id, world.redeemer.address, True))
    for caller in (world.builder, world.redeemer, world.stranger):
        with reverts(RedeemNotAllowed(plan_id, holder, caller.address)):
            world.send(caller, functions.redeem(plan_id, holder, 1, NO_CONTEXT))


def test_from_purchase__transferred__reverts(world: World, plan_id: int) -> None:
    world.order(plan_id)
    holder = world.subscriber.address
    function = world.credits.functions.safeTransferFrom(holder, world.other.address, plan_id, 1, b"")
    with reverts(NotTransferable(plan_id)):
        world.send(world.subscriber, function)


# ---------------------------------------------------------------- given up


@pytest.mark.parametrize("second", [1, DAY // 2, DAY - 1])
@pytest.mark.parametrize("amount", [1, 2])
def test_from_purchase__burned__gives_up_the_last_periods(world: World, plan_id: int, amount: int, second: int) -> None:
    start, holder = _order_at(world, plan_id, world.now + 10, 3), world.subscriber.address
    receipt = world.send_at(start + second, world.subscriber, _burn(world, plan_id, amount))
    until = start + (3 - amount) * DAY
    assert _state(world, plan_id) == (3 - amount, until)
    assert world.events(receipt) == [access_changed(plan_id, holder, until), taken(holder, holder, plan_id, amount)]


@pytest.mark.parametrize("second", [1, DAY - 1, DAY, 3 * DAY - 1])
def test_from_purchase__burned_to_the_last_started_period__ends_access_now(
    world: World, plan_id: int, second: int
) -> None:
    """I2: the period that has begun counts as one, and there is no access without a period."""
    start, holder = _order_at(world, plan_id, world.now + 10, 3), world.subscriber.address
    left = 3 - second // DAY
    receipt = world.send_at(start + second, world.subscriber, _burn(world, plan_id, left))
    assert _state(world, plan_id) == (0, start + second)
    assert world.events(receipt) == [
        access_changed(plan_id, holder, start + second),
        taken(holder, holder, plan_id, left),
    ]
    renewed = _order_at(world, plan_id, start + second + 10)
    assert _state(world, plan_id) == (1, renewed + DAY)


@pytest.mark.parametrize(
    ("second", "left"), [(0, 3), (DAY - 1, 3), (DAY, 2), (3 * DAY - 1, 1), (3 * DAY, 0), (4 * DAY, 0)]
)
@pytest.mark.parametrize("more", [1, 2**64, MAX_UINT - 3])
def test_from_purchase__burned_above_what_is_left__reverts(
    world: World, plan_id: int, second: int, left: int, more: int
) -> None:
    """C30."""
    start = _order_at(world, plan_id, world.now + 10, 3)
    world.mine_at(start + second)
    with reverts(InsufficientCredits(plan_id, world.subscriber.address, left, left + more)):
        world.read(_burn(world, plan_id, left + more), world.subscriber.address)


@pytest.mark.parametrize("quantity", [1, 2, MAX_32])
def test_from_purchase__with_a_window_longer_than_time_itself__is_given_up_exactly(world: World, quantity: int) -> None:
    """C31: one period of 2^32 - 1 seconds is longer than the time since 1970."""
    plan_id = world.register(**from_purchase(MAX_32))
    start = _order_at(world, plan_id, world.now + 10, quantity)
    world.send_at(start + 5, world.subscriber, _burn(world, plan_id, quantity - 1 or 1))
    assert _state(world, plan_id) == ((0, start + 5) if quantity == 1 else (1, start + MAX_32))


def test_from_purchase__burned_by_nobody_who_may__reverts(world: World, plan_id: int) -> None:
    """I3."""
    world.order(plan_id)
    with reverts(ZeroAmount()):
        world.send(world.subscriber, _burn(world, plan_id, 0))
    for caller in (world.builder, world.stranger):
        with reverts(ERC1155MissingApprovalForAll(caller.address, world.subscriber.address)):
            world.send(caller, _burn(world, plan_id, 1))


def test_from_purchase__burned_by_an_operator__gives_up_the_last_period(world: World, plan_id: int) -> None:
    """C15: an operator is approved for all plans."""
    start, holder = _order_at(world, plan_id, world.now + 10, 2), world.subscriber.address
    world.send(world.subscriber, world.credits.functions.setApprovalForAll(world.other.address, True))
    receipt = world.send(world.other, _burn(world, plan_id, 1))
    assert world.events(receipt) == [
        access_changed(plan_id, holder, start + DAY),
        taken(world.other.address, holder, plan_id, 1),
    ]


def test_from_purchase__of_one_holder_and_plan__is_apart_from_others(world: World, plan_id: int) -> None:
    another, functions = world.register(**from_purchase(DAY)), world.credits.functions
    _order_at(world, plan_id, world.now + 10)
    assert world.read(functions.accessUntil(plan_id, world.stranger.address)) == 0
    assert _state(world, another) == (0, 0)
    world.order(plan_id, world.stranger)
    before = _state(world, plan_id)
    world.send(world.stranger, functions.burn(plan_id, world.stranger.address, 1))
    assert _state(world, plan_id) == before
