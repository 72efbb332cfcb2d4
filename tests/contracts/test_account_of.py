"""accountOf: balance, credits taken by settlements, end of access, and whether the trial was taken.

What vouchers redeem is in test_settle.
"""

from nvm_chain.types.accounts import Account
from tests.support.plans import expiring, from_first_use, from_purchase
from tests.support.world import NO_CONTEXT, World

NOTHING = Account(balance=0, settled=0, access_until=0, trial_taken=False)
DAY = 86_400


def _account(world: World, plan_id: int, holder: str | None = None) -> Account:
    function = world.credits.functions.accountOf(plan_id, holder or world.subscriber.address)
    return Account(*world.read(function))


def test_account_of__someone_unknown__is_zero(world: World) -> None:
    for terms in ({}, expiring(DAY), from_purchase(DAY), from_first_use(DAY)):
        assert _account(world, world.register(**terms)) == NOTHING


def test_account_of__unknown_plan__is_zero(world: World) -> None:
    assert _account(world, 7) == NOTHING


def test_account_of__after_order_mint_redeem_and_burn__adds_up(funded: World) -> None:
    """I2: granted - redeemed - burned is the balance."""
    plan_id, holder, functions = funded.register(), funded.subscriber.address, funded.credits.functions
    funded.order(plan_id, quantity=2)
    funded.grant(plan_id, holder, 7)
    funded.send(funded.subscriber, functions.redeem(plan_id, holder, 5, NO_CONTEXT))
    funded.send(funded.subscriber, functions.burn(plan_id, holder, 11))
    assert _account(funded, plan_id) == Account(207 - 16, 0, 0, trial_taken=False)
    assert funded.balance(plan_id, holder) == 191


def test_account_of__after_a_transfer__counts_it_on_both_sides(world: World, transferable_plan: int) -> None:
    holder, other = world.subscriber.address, world.other.address
    function = world.credits.functions.safeTransferFrom(holder, other, transferable_plan, 4, b"")
    world.send(world.subscriber, function)
    assert _account(world, transferable_plan, holder) == Account(6, 0, 0, trial_taken=False)
    assert _account(world, transferable_plan, other) == Account(4, 0, 0, trial_taken=False)


def test_account_of__after_a_trial__says_so(world: World) -> None:
    plan_id = world.register(trial=True, splits=())
    world.order(plan_id)
    assert _account(world, plan_id) == Account(100, 0, 0, trial_taken=True)


def test_account_of__after_a_trial_was_all_used__still_says_so(world: World) -> None:
    """I7: the mark outlives the credits, also where the count of credits begins anew."""
    plan_id, holder = world.register(trial=True, splits=()), world.subscriber
    world.order(plan_id)
    world.send(holder, world.credits.functions.burn(plan_id, holder.address, 100))
    assert _account(world, plan_id) == Account(0, 0, 0, trial_taken=True)


def test_account_of__on_an_expiring_plan__counts_live_credits(world: World) -> None:
    plan_id = world.register(**expiring(DAY))
    world.order(plan_id)
    start = world.now
    world.mine_at(start + DAY - 1)
    assert _account(world, plan_id) == Account(100, 0, 0, trial_taken=False)
    world.mine_at(start + DAY)
    assert _account(world, plan_id) == NOTHING


def test_account_of__on_a_time_plan_from_purchase__has_periods_and_their_end(world: World) -> None:
    plan_id = world.register(**from_purchase(DAY))
    world.order(plan_id, quantity=2)
    start = world.now
    assert _account(world, plan_id) == Account(2, 0, start + 2 * DAY, trial_taken=False)
    world.mine_at(start + 3 * DAY)
    assert _account(world, plan_id) == Account(0, 0, start + 2 * DAY, trial_taken=False)


def test_account_of__on_a_time_plan_from_first_use__has_unopened_periods_and_the_end_of_access(world: World) -> None:
    plan_id, holder = world.register(**from_first_use(DAY)), world.subscriber
    world.order(plan_id, quantity=3)
    assert _account(world, plan_id) == Account(3, 0, 0, trial_taken=False)
    world.send(holder, world.credits.functions.redeem(plan_id, holder.address, 1, NO_CONTEXT))
    assert _account(world, plan_id) == Account(2, 0, world.now + DAY, trial_taken=False)


def test_account_of__on_one_plan__is_apart_from_another(world: World) -> None:
    first, second = world.register(), world.register()
    world.grant(first, world.subscriber.address, 5)
    assert _account(world, second) == NOTHING
