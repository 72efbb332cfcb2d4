"""Time plans whose periods start on first use: purchases are unopened periods, redeeming one opens the window."""

from typing import Any

import pytest
from web3.contract.contract import ContractFunction

from nvm_chain.enums import RedemptionRule
from nvm_chain.errors import (
    CreditsOverflow,
    InsufficientCredits,
    InvalidQuantity,
    NotTransferable,
    RedeemNotAllowed,
    RedeemOutOfRange,
    TrialAlreadyTaken,
)
from tests.support.events import access_changed, granted, ordered, redeemed, selector, taken
from tests.support.plans import from_first_use
from tests.support.reverts import reverts
from tests.support.world import NO_CONTEXT, PRICE, World

DAY = 86_400
YEARS = 20 * 365 * DAY
MAX_32 = 2**32 - 1
MAX_ACCOUNT = 2**54 - 1
INSUFFICIENT = selector("InsufficientCredits(uint256,address,uint256,uint256)")
OUT_OF_RANGE = selector("RedeemOutOfRange(uint256,uint256,uint256,uint256)")


@pytest.fixture
def plan_id(world: World) -> int:
    """A free plan: a day from first use, at most ten days at once."""
    return world.register(**from_first_use(DAY))


def _redeem(world: World, plan_id: int, amount: int = 1) -> ContractFunction:
    return world.credits.functions.redeem(plan_id, world.subscriber.address, amount, NO_CONTEXT)


def _redeem_at(world: World, plan_id: int, timestamp: int, amount: int = 1) -> Any:
    return world.send_at(timestamp, world.subscriber, _redeem(world, plan_id, amount))


def _state(world: World, plan_id: int) -> tuple[int, int]:
    """Return the unopened periods and the end of access of the subscriber."""
    holder = world.subscriber.address
    until = int(world.read(world.credits.functions.accessUntil(plan_id, holder)))
    return world.balance(plan_id, holder), until


def test_from_first_use__order__opens_nothing_and_emits(funded: World) -> None:
    plan_id = funded.register(**from_first_use(DAY, splits=funded.terms().splits, credits=3))
    holder = funded.subscriber.address
    receipt = funded.order(plan_id, quantity=2)
    assert _state(funded, plan_id) == (6, 0)
    assert funded.events(receipt) == [
        granted(holder, holder, plan_id, 6),
        ordered(plan_id, holder, holder, 2, 2 * PRICE),
    ]


def test_from_first_use__unopened__never_expires(world: World, plan_id: int) -> None:
    world.order(plan_id, quantity=2)
    later = world.now + YEARS
    world.mine_at(later)
    assert _state(world, plan_id) == (2, 0)
    _redeem_at(world, plan_id, later + 10)
    assert _state(world, plan_id) == (1, later + 10 + DAY)


@pytest.mark.parametrize("amount", [1, 2, 9, 10])
def test_from_first_use__redeemed__opens_so_many_periods_and_emits(world: World, plan_id: int, amount: int) -> None:
    world.order(plan_id, quantity=12)
    holder, start = world.subscriber.address, world.now + 10
    receipt = _redeem_at(world, plan_id, start, amount)
    until = start + amount * DAY
    assert _state(world, plan_id) == (12 - amount, until)
    assert world.events(receipt) == [
        taken(holder, holder, plan_id, amount),
        access_changed(plan_id, holder, until),
        redeemed(plan_id, holder, holder, amount),
    ]


@pytest.mark.parametrize("second", [1, DAY - 1, DAY])
def test_from_first_use__redeemed_inside_the_window__extends_it(world: World, plan_id: int, second: int) -> None:
    world.order(plan_id, quantity=3)
    start = world.now + 10
    _redeem_at(world, plan_id, start)
    _redeem_at(world, plan_id, start + second, 2)
    assert _state(world, plan_id) == (0, start + 3 * DAY)


@pytest.mark.parametrize("lapse", [0, 1, YEARS])
def test_from_first_use__redeemed_after_a_lapse__opens_a_new_window(world: World, plan_id: int, lapse: int) -> None:
    world.order(plan_id, quantity=2)
    start = world.now + 10
    _redeem_at(world, plan_id, start)
    _redeem_at(world, plan_id, start + DAY + lapse)
    assert _state(world, plan_id) == (0, start + 2 * DAY + lapse)


def test_from_first_use__when_the_window_is_over__keeps_what_is_unopened(world: World, plan_id: int) -> None:
    world.order(plan_id, quantity=2)
    start = world.now + 10
    _redeem_at(world, plan_id, start)
    world.mine_at(start + 2 * DAY)
    assert _state(world, plan_id) == (1, start + DAY)


@pytest.mark.parametrize(
    ("amount", "reason"), [(1, OUT_OF_RANGE), (2, None), (3, None), (4, INSUFFICIENT), (6, OUT_OF_RANGE)]
)
def test_from_first_use__redeemed_outside_range_or_balance__reverts(
    world: World, amount: int, reason: bytes | None
) -> None:
    """canRedeem says the same as redeem."""
    plan_id = world.register(**from_first_use(DAY, min_redeem=2, max_redeem=5))
    world.order(plan_id, quantity=3)
    holder = world.subscriber.address
    answer = world.read(world.credits.functions.canRedeem(plan_id, holder, amount))
    assert answer == [reason is None, reason or bytes(4)]
    errors = {
        OUT_OF_RANGE: RedeemOutOfRange(plan_id, amount, 2, 5),
        INSUFFICIENT: InsufficientCredits(plan_id, holder, 3, amount),
    }
    if reason is None:
        world.send(world.subscriber, _redeem(world, plan_id, amount))
        return
    with reverts(errors[reason]):
        world.send(world.subscriber, _redeem(world, plan_id, amount))
    assert _state(world, plan_id) == (3, 0)


def test_from_first_use__with_an_open_window_and_nothing_unopened__cannot_redeem(world: World, plan_id: int) -> None:
    """Inside the window requests cost nothing; redeeming is for more time."""
    world.order(plan_id)
    world.send(world.subscriber, _redeem(world, plan_id))
    with reverts(InsufficientCredits(plan_id, world.subscriber.address, 0, 1)):
        world.send(world.subscriber, _redeem(world, plan_id))


@pytest.mark.parametrize("rule", list(RedemptionRule))
def test_from_first_use__under_each_rule__is_opened_by_those_it_names(world: World, rule: RedemptionRule) -> None:
    """I3: nobody else starts a holder's clock."""
    plan_id, holder = world.register(**from_first_use(DAY, rule=rule)), world.subscriber.address
    world.send(world.builder, world.credits.functions.setRedeemer(plan_id, world.redeemer.address, True))
    world.order(plan_id, quantity=10)
    named = {
        RedemptionRule.HOLDER: {"subscriber"},
        RedemptionRule.REDEEMER: {"subscriber", "redeemer"},
        RedemptionRule.OWNER: {"builder", "redeemer"},
    }
    for role in ("subscriber", "redeemer", "builder", "stranger"):
        caller = getattr(world, role)
        before = _state(world, plan_id)
        if role not in named[rule]:
            with reverts(RedeemNotAllowed(plan_id, holder, caller.address)):
                world.send(caller, _redeem(world, plan_id))
            assert _state(world, plan_id) == before
            continue
        world.send(caller, _redeem(world, plan_id))
        assert _state(world, plan_id)[0] == before[0] - 1


@pytest.mark.parametrize("amount", [1, 2])
def test_from_first_use__burned__gives_up_unopened_periods_alone(world: World, plan_id: int, amount: int) -> None:
    world.order(plan_id, quantity=3)
    holder, start = world.subscriber.address, world.now + 10
    _redeem_at(world, plan_id, start)
    receipt = world.send(world.subscriber, world.credits.functions.burn(plan_id, holder, amount))
    assert _state(world, plan_id) == (2 - amount, start + DAY)
    assert world.events(receipt) == [taken(holder, holder, plan_id, amount)]


@pytest.mark.parametrize("amount", [3, 4, 2**64, 2**256 - 1])
def test_from_first_use__burned_above_what_is_unopened__reverts(world: World, plan_id: int, amount: int) -> None:
    """C31: the period that is open is no credit any more."""
    world.order(plan_id, quantity=3)
    holder = world.subscriber.address
    world.send(world.subscriber, _redeem(world, plan_id))
    with reverts(InsufficientCredits(plan_id, holder, 2, amount)):
        world.send(world.subscriber, world.credits.functions.burn(plan_id, holder, amount))


@pytest.mark.parametrize("amount", [MAX_32 - 1, MAX_32])
def test_from_first_use__of_the_longest_there_is__opens_exactly(world: World, amount: int) -> None:
    """C30: 2^32 - 1 periods of 2^32 - 1 seconds, twice."""
    plan_id = world.register(**from_first_use(MAX_32, credits=MAX_32, max_redeem=MAX_32))
    world.order(plan_id, quantity=2)
    start = world.now + 10
    _redeem_at(world, plan_id, start, amount)
    world.send(world.subscriber, _redeem(world, plan_id, amount))
    assert _state(world, plan_id) == (2 * (MAX_32 - amount), start + 2 * amount * MAX_32)


def test_from_first_use__past_a_full_account__reverts(world: World, plan_id: int) -> None:
    """C31: an account holds 2^54 - 1 unopened periods, and what was opened makes room."""
    holder = world.subscriber.address
    with reverts(CreditsOverflow(plan_id, holder, MAX_ACCOUNT + 1)):
        world.grant(plan_id, holder, MAX_ACCOUNT + 1)
    world.grant(plan_id, holder, MAX_ACCOUNT)
    with reverts(CreditsOverflow(plan_id, holder, 1)):
        world.order(plan_id)
    world.send(world.subscriber, _redeem(world, plan_id))
    world.order(plan_id)
    assert _state(world, plan_id)[0] == MAX_ACCOUNT


def test_from_first_use__as_a_trial__is_taken_once(world: World) -> None:
    """I7."""
    plan_id, holder = world.register(**from_first_use(DAY, trial=True)), world.subscriber.address
    with reverts(InvalidQuantity(plan_id, 2)):
        world.order(plan_id, quantity=2)
    world.order(plan_id)
    world.send(world.subscriber, _redeem(world, plan_id))
    world.mine_at(world.now + 2 * DAY)
    with reverts(TrialAlreadyTaken(plan_id, holder)):
        world.order(plan_id)


def test_from_first_use__transferred__reverts(world: World, plan_id: int) -> None:
    world.order(plan_id)
    holder = world.subscriber.address
    with reverts(NotTransferable(plan_id)):
        world.send(
            world.subscriber, world.credits.functions.safeTransferFrom(holder, world.other.address, plan_id, 1, b"")
        )
