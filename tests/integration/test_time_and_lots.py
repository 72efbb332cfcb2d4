"""time and lots: what is left of each purchase, until when access is open, and payments outside that are granted once."""

from typing import Any

import pytest

from nvm_chain.enums import Activation, RedemptionRule
from nvm_chain.errors import (
    InsufficientCredits,
    InvalidAmount,
    InvalidContext,
    NotMinter,
    NotRedeemable,
    PaidExternally,
    RedeemNotAllowed,
    RedeemOutOfRange,
    ReferenceUsed,
    UnknownPlan,
    WrongKind,
)
from nvm_chain.operations.credits import (
    burn_credits,
    can_redeem,
    grant_external,
    has_access,
    is_reference_used,
    mint_credits,
    read_access_until,
    read_account,
    read_balance,
    read_lots,
    redeem_credits,
)
from nvm_chain.operations.orders import order_plan
from nvm_chain.operations.plans import register_plan, set_minter, set_plan_active
from nvm_chain.types.accounts import Account, Lot, RedeemCheck
from nvm_chain.types.credits import (
    ONE_DAY_DURATION,
    CreditsConfig,
    get_expirable_duration_config,
    get_fixed_credits_config,
    get_pay_as_you_go_credits_config,
)
from nvm_chain.types.plans import RegisteredPlan
from nvm_chain.types.prices import get_external_price_config, get_free_price_config
from nvm_chain.types.receipts import CreditsReceipt
from tests.support.reverts import reverts
from tests.support.world import World

DAY = ONE_DAY_DURATION


def give_away(world: World, credits: CreditsConfig) -> int:
    """Register a free plan of the builder's, and return its id."""
    return register_plan(world.chain, world.builder, get_free_price_config(), credits).plan_id


def buy(world: World, plan_id: int, quantity: int = 1) -> int:
    """Order for the subscriber; return the second in which it was."""
    order_plan(world.chain, world.subscriber, plan_id, quantity=quantity)
    return world.now


# ---------------------------------------------------------------------- lots


def test_read_lots__of_several_purchases__tells_each_until_it_expires(world: World) -> None:
    plan_id, holder = give_away(world, get_fixed_credits_config(10, duration_seconds=DAY)), world.subscriber.address
    first = buy(world, plan_id)
    world.mine_at(first + DAY // 2)
    second = buy(world, plan_id, quantity=3)
    assert read_lots(world.chain, plan_id, holder) == [Lot(10, first + DAY), Lot(30, second + DAY)]
    redeem_credits(world.chain, world.subscriber, plan_id, 1)
    assert read_lots(world.chain, plan_id, holder) == [Lot(9, first + DAY), Lot(30, second + DAY)]
    burn_credits(world.chain, world.subscriber, plan_id, 12)
    assert read_lots(world.chain, plan_id, holder) == [Lot(27, second + DAY)]
    world.mine_at(second + DAY)
    assert read_lots(world.chain, plan_id, holder) == []
    assert read_account(world.chain, plan_id, holder) == Account(0, 0, 0, trial_taken=False)


@pytest.mark.parametrize(("late", "left"), [(-1, 40), (0, 30), (1, 30)])
def test_read_lots__around_an_expiry__counts_before_that_second(world: World, late: int, left: int) -> None:
    plan_id, holder = give_away(world, get_fixed_credits_config(10, duration_seconds=DAY)), world.subscriber.address
    first = buy(world, plan_id)
    world.mine_at(first + 100)
    buy(world, plan_id, quantity=3)
    world.mine_at(first + DAY + late)
    assert sum(lot.credits for lot in read_lots(world.chain, plan_id, holder)) == left
    assert read_balance(world.chain, plan_id, holder) == left
    assert can_redeem(world.chain, plan_id, holder, 1) == RedeemCheck(True, None)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [1, 2, 3, 4, 5]),
        ({"limit": 2}, [1, 2]),
        ({"offset": 1, "limit": 3}, [2, 3, 4]),
        ({"offset": 4}, [5]),
        ({"offset": 5}, []),
        ({"limit": 0}, []),
        ({"offset": 2**256 - 1, "limit": 2**256 - 1}, []),
    ],
)
def test_read_lots__by_pages__skips_and_stops(world: World, options: dict[str, int], expected: list[int]) -> None:
    plan_id = give_away(world, get_fixed_credits_config(1, duration_seconds=DAY))
    for quantity in range(1, 6):
        buy(world, plan_id, quantity)
    lots = read_lots(world.chain, plan_id, world.subscriber.address, **options)
    assert [lot.credits for lot in lots] == expected


def test_read_lots__where_nothing_expires__is_empty(world: World, plan: RegisteredPlan) -> None:
    world.grant(plan.plan_id, world.subscriber.address, 5)
    assert read_lots(world.chain, plan.plan_id, world.subscriber.address) == []
    assert read_lots(world.chain, 7, world.subscriber.address) == []


@pytest.mark.parametrize("name", ["offset", "limit"])
def test_read_lots__with_no_number__is_refused(world: World, name: str) -> None:
    with reverts(InvalidAmount(f"{name} -1", f"must be from 0 to {2**256 - 1}")):
        read_lots(world.chain, 7, world.subscriber.address, **{name: -1})


# ---------------------------------------------------------------------- time from purchase on


def test_time_plan__from_purchase_on__opens_and_early_renewal_loses_nothing(world: World) -> None:
    plan_id, holder = give_away(world, get_expirable_duration_config(DAY, 2)), world.subscriber.address
    assert (read_access_until(world.chain, plan_id, holder), has_access(world.chain, plan_id, holder)) == (0, False)
    end = buy(world, plan_id) + 2 * DAY
    assert (read_access_until(world.chain, plan_id, holder), has_access(world.chain, plan_id, holder)) == (end, True)
    world.mine_at(end - DAY)
    buy(world, plan_id, quantity=3)
    assert read_access_until(world.chain, plan_id, holder) == end + 6 * DAY
    world.mine_at(end + 20 * DAY)
    assert buy(world, plan_id) + 2 * DAY == read_access_until(world.chain, plan_id, holder)
    assert read_account(world.chain, plan_id, holder) == Account(2, 0, world.now + 2 * DAY, trial_taken=False)


@pytest.mark.parametrize(("late", "open_"), [(-1, True), (0, False), (1, False)])
@pytest.mark.parametrize("cost", [0, 1, 2**64 - 1])
def test_has_access__around_its_end__is_open_before_that_second(
    world: World, late: int, open_: bool, cost: int
) -> None:
    plan_id = give_away(world, get_expirable_duration_config(DAY))
    end = buy(world, plan_id) + DAY
    world.mine_at(end + late)
    assert has_access(world.chain, plan_id, world.subscriber.address, cost) is open_


def test_redeem_credits__of_a_plan_that_starts_on_purchase__is_refused(world: World) -> None:
    plan_id = give_away(world, get_expirable_duration_config(DAY))
    buy(world, plan_id)
    with reverts(NotRedeemable(plan_id)):
        redeem_credits(world.chain, world.subscriber, plan_id, 1)
    assert can_redeem(world.chain, plan_id, world.subscriber.address, 1) == RedeemCheck(False, "NotRedeemable")


def test_burn_credits__of_a_plan_that_starts_on_purchase__gives_up_the_last_periods(world: World) -> None:
    plan_id, holder = give_away(world, get_expirable_duration_config(DAY, 5)), world.subscriber.address
    end = buy(world, plan_id) + 5 * DAY
    burn_credits(world.chain, world.subscriber, plan_id, 2)
    assert (read_access_until(world.chain, plan_id, holder), read_balance(world.chain, plan_id, holder)) == (
        end - 2 * DAY,
        3,
    )
    with reverts(InsufficientCredits(plan_id, holder, 3, 4)):
        burn_credits(world.chain, world.subscriber, plan_id, 4)


# ---------------------------------------------------------------------- time from first use on


def unopened(world: World, **options: Any) -> int:
    """Register a free plan of days that start when redeemed, of which the subscriber has five."""
    config = get_expirable_duration_config(DAY, 5, activation=Activation.ON_FIRST_USE, **options)
    plan_id = give_away(world, config)
    buy(world, plan_id)
    return plan_id


def test_time_plan__from_first_use_on__opens_when_redeemed(world: World) -> None:
    plan_id, holder = unopened(world), world.subscriber.address
    world.mine_at(world.now + 30 * DAY)  # unopened periods do not expire
    assert read_account(world.chain, plan_id, holder) == Account(5, 0, 0, trial_taken=False)
    assert not has_access(world.chain, plan_id, holder)
    receipt = redeem_credits(world.chain, world.subscriber, plan_id, 1, context="first use")
    assert receipt == CreditsReceipt(plan_id, holder, 1, receipt.transaction)
    end = world.now + DAY
    assert read_account(world.chain, plan_id, holder) == Account(4, 0, end, trial_taken=False)
    assert has_access(world.chain, plan_id, holder)
    redeem_credits(world.chain, world.subscriber, plan_id, 1)
    assert read_access_until(world.chain, plan_id, holder) == end + DAY
    world.mine_at(end + DAY)
    assert (has_access(world.chain, plan_id, holder), read_balance(world.chain, plan_id, holder)) == (False, 3)


@pytest.mark.parametrize(("amount", "opens"), [(1, True), (3, True), (4, False)])
def test_redeem_credits__of_several_periods__is_bounded_by_the_plan(world: World, amount: int, opens: bool) -> None:
    plan_id = unopened(world, max_periods_per_redemption=3)
    if not opens:
        with reverts(RedeemOutOfRange(plan_id, amount, 1, 3)):
            redeem_credits(world.chain, world.subscriber, plan_id, amount)
        return
    redeem_credits(world.chain, world.subscriber, plan_id, amount)
    assert read_access_until(world.chain, plan_id, world.subscriber.address) == world.now + amount * DAY


def test_redeem_credits__of_a_period_by_the_builder__is_as_the_rule_says(world: World) -> None:
    holder = world.subscriber.address
    own, theirs = unopened(world), unopened(world, rule=RedemptionRule.OWNER)
    with reverts(RedeemNotAllowed(own, holder, world.builder.address)):
        redeem_credits(world.chain, world.builder, own, 1, holder=holder)
    redeem_credits(world.chain, world.builder, theirs, 1, holder=holder)
    assert has_access(world.chain, theirs, holder)


# ---------------------------------------------------------------------- has_access of other kinds


@pytest.mark.parametrize(("cost", "expected"), [(0, True), (1, True), (6, True), (7, False)])
def test_has_access__of_a_credits_plan__is_whether_the_balance_covers_the_cost(
    world: World, plan: RegisteredPlan, cost: int, expected: bool
) -> None:
    world.grant(plan.plan_id, world.subscriber.address, 6)
    assert has_access(world.chain, plan.plan_id, world.subscriber.address, cost) is expected


@pytest.mark.parametrize(("cost", "expected"), [(0, True), (1, False), (2, True), (5, True), (6, False)])
def test_has_access__outside_the_plans_range_for_a_request__is_not_there(
    world: World, cost: int, expected: bool
) -> None:
    """A request of such a cost is never redeemed."""
    plan_id = world.register(min_redeem=2, max_redeem=5)
    world.grant(plan_id, world.subscriber.address, 6)
    assert has_access(world.chain, plan_id, world.subscriber.address, cost) is expected


def test_has_access__of_a_usage_or_an_unknown_plan__is_never_there(world: World) -> None:
    assert not has_access(
        world.chain, give_away(world, get_pay_as_you_go_credits_config()), world.subscriber.address, 0
    )
    with reverts(UnknownPlan(7)):
        has_access(world.chain, 7, world.subscriber.address)


def test_has_access__asks_the_chain_two_or_three_times(
    world: World, plan: RegisteredPlan, requests_made: list[str]
) -> None:
    time_plan = give_away(world, get_expirable_duration_config(DAY))
    for plan_id, expected in ((plan.plan_id, 2), (time_plan, 3)):
        requests_made.clear()
        has_access(world.chain, plan_id, world.other.address)
        assert len(requests_made) == expected


# ---------------------------------------------------------------------- paid outside


@pytest.fixture
def outside(world: World) -> int:
    """A plan of 100 credits that is paid outside the chain."""
    return register_plan(world.chain, world.builder, get_external_price_config(), get_fixed_credits_config(100)).plan_id


@pytest.mark.parametrize("role", ["builder", "minter"])
def test_grant_external__by_owner_or_minter__grants_once(world: World, outside: int, role: str) -> None:
    set_minter(world.chain, world.builder, outside, world.minter.address, True)
    signer, holder = getattr(world, role), world.subscriber.address
    assert not is_reference_used(world.chain, outside, "invoice 7")
    receipt = grant_external(world.chain, signer, outside, holder.lower(), reference="invoice 7", quantity=3)
    assert receipt == CreditsReceipt(outside, holder, 300, receipt.transaction)
    assert is_reference_used(world.chain, outside, b"invoice 7")
    assert not is_reference_used(world.chain, outside, "invoice 8")
    for again in (world.builder, signer):
        with reverts(ReferenceUsed(outside, b"invoice 7".ljust(32, b"\0"))):
            grant_external(world.chain, again, outside, world.other.address, reference="invoice 7")
    assert read_balance(world.chain, outside, holder) == 300


def test_grant_external__of_another_plan__has_references_of_its_own(
    world: World, outside: int, plan: RegisteredPlan
) -> None:
    for plan_id in (outside, plan.plan_id):  # the second can be ordered too
        grant_external(world.chain, world.builder, plan_id, world.subscriber.address, reference="invoice 7")
        assert read_balance(world.chain, plan_id, world.subscriber.address) == 100


def test_grant_external__of_each_kind__is_what_an_order_grants(world: World) -> None:
    holder, price = world.subscriber.address, get_external_price_config()
    time_plan = register_plan(world.chain, world.builder, price, get_expirable_duration_config(DAY, 2)).plan_id
    receipt = grant_external(world.chain, world.builder, time_plan, holder, reference="1", quantity=2)
    assert (receipt.amount, read_access_until(world.chain, time_plan, holder)) == (4, world.now + 4 * DAY)
    expiring = register_plan(
        world.chain, world.builder, price, get_fixed_credits_config(5, duration_seconds=DAY)
    ).plan_id
    grant_external(world.chain, world.builder, expiring, holder, reference="1")
    assert read_lots(world.chain, expiring, holder) == [Lot(5, world.now + DAY)]


def test_grant_external__while_the_plan_takes_no_orders__grants(world: World, outside: int) -> None:
    set_plan_active(world.chain, world.builder, outside, False)
    grant_external(world.chain, world.builder, outside, world.subscriber.address, reference=b"\xff" * 32)
    assert read_balance(world.chain, outside, world.subscriber.address) == 100


def test_grant_external__where_it_may_not_be__is_refused(world: World, outside: int, unchanged: Any) -> None:
    holder, usage = world.subscriber.address, give_away(world, get_pay_as_you_go_credits_config())
    with unchanged(world.stranger, world.builder, plan_ids=[outside]):
        with reverts(NotMinter(outside, world.stranger.address)):
            grant_external(world.chain, world.stranger, outside, holder, reference="1")
        with reverts(WrongKind(usage, 2)):
            grant_external(world.chain, world.builder, usage, holder, reference="1")
        with reverts(InvalidAmount("quantity 0", f"must be from 1 to {2**32 - 1}")):
            grant_external(world.chain, world.builder, outside, holder, reference="1", quantity=0)
        with reverts(InvalidContext(33)):
            grant_external(world.chain, world.builder, outside, holder, reference="a" * 33)
        with reverts(UnknownPlan(7)):
            grant_external(world.chain, world.builder, 7, holder, reference="1")
    with reverts(PaidExternally(outside)):
        order_plan(world.chain, world.subscriber, outside)


def test_mint_credits__of_an_outside_plan__uses_no_reference(world: World, outside: int) -> None:
    mint_credits(world.chain, world.builder, outside, world.subscriber.address, 5)
    assert not is_reference_used(world.chain, outside, b"")
