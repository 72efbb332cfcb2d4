"""accountOf: credits granted and spent, and whether the trial was taken."""

from tests.support.world import NO_CONTEXT, World


def _account(world: World, plan_id: int, holder: str) -> tuple[int, int, bool]:
    granted, spent, trial_taken = world.read(world.credits.functions.accountOf(plan_id, holder))
    return granted, spent, trial_taken


def test_account_of__someone_unknown__is_zero(world: World) -> None:
    assert _account(world, world.register(), world.stranger.address) == (0, 0, False)


def test_account_of__unknown_plan__is_zero(world: World) -> None:
    assert _account(world, 7, world.stranger.address) == (0, 0, False)


def test_account_of__after_order_mint_redeem_and_burn__adds_up(funded: World) -> None:
    """I2: granted - redeemed - burned is the balance."""
    plan_id, holder, functions = funded.register(), funded.subscriber.address, funded.credits.functions
    funded.order(plan_id, quantity=2)
    funded.grant(plan_id, holder, 7)
    funded.send(funded.subscriber, functions.redeem(plan_id, holder, 5, NO_CONTEXT))
    funded.send(funded.subscriber, functions.burn(plan_id, holder, 11))
    assert _account(funded, plan_id, holder) == (207, 16, False)
    assert funded.balance(plan_id, holder) == 191


def test_account_of__after_a_transfer__counts_it_on_both_sides(world: World, transferable_plan: int) -> None:
    holder, other = world.subscriber.address, world.other.address
    function = world.credits.functions.safeTransferFrom(holder, other, transferable_plan, 4, b"")
    world.send(world.subscriber, function)
    assert _account(world, transferable_plan, holder) == (10, 4, False)
    assert _account(world, transferable_plan, other) == (4, 0, False)


def test_account_of__after_a_trial__says_so(world: World) -> None:
    plan_id = world.register(trial=True, splits=())
    world.order(plan_id)
    assert _account(world, plan_id, world.subscriber.address) == (100, 0, True)


def test_account_of__on_one_plan__is_apart_from_another(world: World) -> None:
    first, second = world.register(), world.register()
    world.grant(first, world.subscriber.address, 5)
    assert _account(world, second, world.subscriber.address) == (0, 0, False)
