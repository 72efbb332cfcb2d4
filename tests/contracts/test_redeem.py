"""redeem: whoever the plan's rule names takes a holder's credits for a request."""

import pytest

from nvm_chain.enums import RedemptionRule
from nvm_chain.errors import InsufficientCredits, RedeemNotAllowed, RedeemOutOfRange, UnknownPlan
from tests.support.events import redeemed, taken
from tests.support.reverts import reverts
from tests.support.world import MAX_UINT, NO_CONTEXT, World

CONTEXT = bytes(range(32))
NAMED = {
    RedemptionRule.HOLDER: {"subscriber"},
    RedemptionRule.REDEEMER: {"subscriber", "redeemer"},
    RedemptionRule.OWNER: {"builder", "redeemer"},
}
ROLES = ["subscriber", "redeemer", "builder", "minter", "stranger", "fee_owner", "other"]


def _plan(world: World, rule: RedemptionRule) -> int:
    """Return a plan with a redeemer and a minter; the subscriber has 10 credits, and other as ERC-1155 operator."""
    plan_id, functions = world.register(rule=rule), world.credits.functions
    world.send(world.builder, functions.setRedeemer(plan_id, world.redeemer.address, True))
    world.send(world.builder, functions.setMinter(plan_id, world.minter.address, True))
    world.send(world.subscriber, functions.setApprovalForAll(world.other.address, True))
    world.grant(plan_id, world.subscriber.address, 10)
    return plan_id


@pytest.mark.parametrize("rule", list(RedemptionRule))
@pytest.mark.parametrize("role", ROLES)
def test_redeem__under_each_rule__is_for_those_it_names(world: World, rule: RedemptionRule, role: str) -> None:
    """I3, C14, C15: an ERC-1155 operator is not among them, nor a minter, nor the contract's owner."""
    plan_id, caller, holder = _plan(world, rule), getattr(world, role), world.subscriber.address
    function = world.credits.functions.redeem(plan_id, holder, 4, CONTEXT)
    if role not in NAMED[rule]:
        with reverts(RedeemNotAllowed(plan_id, holder, caller.address)):
            world.send(caller, function)
        return
    receipt = world.send(caller, function)
    assert world.balance(plan_id, holder) == 6
    assert world.events(receipt) == [
        taken(caller.address, holder, plan_id, 4),
        redeemed(plan_id, holder, caller.address, 4, CONTEXT),
    ]


def test_redeem__of_own_credits_by_the_owner_under_owner_rule__succeeds(world: World) -> None:
    """C36: the plan owner is a holder too."""
    plan_id, owner = world.register(rule=RedemptionRule.OWNER), world.builder.address
    world.grant(plan_id, owner, 5)
    world.send(world.builder, world.credits.functions.redeem(plan_id, owner, 5, NO_CONTEXT))
    assert world.balance(plan_id, owner) == 0


def test_redeem__by_a_redeemer_no_more__reverts(world: World) -> None:
    plan_id, holder = _plan(world, RedemptionRule.REDEEMER), world.subscriber.address
    world.send(world.builder, world.credits.functions.setRedeemer(plan_id, world.redeemer.address, False))
    with reverts(RedeemNotAllowed(plan_id, holder, world.redeemer.address)):
        world.send(world.redeemer, world.credits.functions.redeem(plan_id, holder, 1, NO_CONTEXT))


def test_redeem__by_the_redeemer_of_another_plan__reverts(world: World) -> None:
    _plan(world, RedemptionRule.REDEEMER)
    another, holder = world.register(rule=RedemptionRule.REDEEMER), world.subscriber.address
    world.grant(another, holder, 10)
    with reverts(RedeemNotAllowed(another, holder, world.redeemer.address)):
        world.send(world.redeemer, world.credits.functions.redeem(another, holder, 1, NO_CONTEXT))


@pytest.mark.parametrize("amount", [3, 4, 6, 7])
def test_redeem__within_range__succeeds(world: World, amount: int) -> None:
    plan_id, holder = world.register(min_redeem=3, max_redeem=7), world.subscriber.address
    world.grant(plan_id, holder, 100)
    world.send(world.subscriber, world.credits.functions.redeem(plan_id, holder, amount, NO_CONTEXT))
    assert world.balance(plan_id, holder) == 100 - amount


@pytest.mark.parametrize("amount", [0, 2, 8, 2**32 + 3, 2**64 + 3, MAX_UINT])
def test_redeem__out_of_range__reverts(world: World, amount: int) -> None:
    """C31: 2^32 + 3 is not taken for 3."""
    plan_id, holder = world.register(min_redeem=3, max_redeem=7), world.subscriber.address
    world.grant(plan_id, holder, 100)
    with reverts(RedeemOutOfRange(plan_id, amount, 3, 7)):
        world.send(world.subscriber, world.credits.functions.redeem(plan_id, holder, amount, NO_CONTEXT))


@pytest.mark.parametrize("amount", [4, 6])
def test_redeem__at_a_fixed_cost__takes_no_other(world: World, amount: int) -> None:
    plan_id, holder = world.register(min_redeem=5, max_redeem=5), world.subscriber.address
    world.grant(plan_id, holder, 100)
    with reverts(RedeemOutOfRange(plan_id, amount, 5, 5)):
        world.send(world.subscriber, world.credits.functions.redeem(plan_id, holder, amount, NO_CONTEXT))


@pytest.mark.parametrize("amount", [2**32 - 2, 2**32 - 1])
def test_redeem__of_the_most_a_plan_allows__succeeds(world: World, amount: int) -> None:
    """C31."""
    plan_id, holder = world.register(max_redeem=2**32 - 1), world.subscriber.address
    world.grant(plan_id, holder, 2**33)
    world.send(world.subscriber, world.credits.functions.redeem(plan_id, holder, amount, NO_CONTEXT))
    assert world.balance(plan_id, holder) == 2**33 - amount


@pytest.mark.parametrize("amount", [1, 2])
def test_redeem__up_to_balance__succeeds(world: World, amount: int) -> None:
    plan_id, holder = world.register(), world.subscriber.address
    world.grant(plan_id, holder, 2)
    world.send(world.subscriber, world.credits.functions.redeem(plan_id, holder, amount, NO_CONTEXT))
    assert world.balance(plan_id, holder) == 2 - amount


@pytest.mark.parametrize("owned", [0, 2])
def test_redeem__above_balance__reverts(world: World, owned: int) -> None:
    plan_id, holder = world.register(), world.subscriber.address
    if owned:
        world.grant(plan_id, holder, owned)
    with reverts(InsufficientCredits(plan_id, holder, owned, owned + 1)):
        world.send(world.subscriber, world.credits.functions.redeem(plan_id, holder, owned + 1, NO_CONTEXT))


def test_redeem__one_context_twice__takes_twice(world: World) -> None:
    """The context is only written to the event: it is no idempotence key."""
    plan_id, holder = world.register(), world.subscriber.address
    world.grant(plan_id, holder, 10)
    for _ in range(2):
        world.send(world.subscriber, world.credits.functions.redeem(plan_id, holder, 3, CONTEXT))
    assert world.balance(plan_id, holder) == 4


def test_redeem__of_one_holder__leaves_the_others(world: World) -> None:
    plan_id, holder = _plan(world, RedemptionRule.REDEEMER), world.subscriber.address
    world.grant(plan_id, world.stranger.address, 10)
    world.send(world.redeemer, world.credits.functions.redeem(plan_id, holder, 10, NO_CONTEXT))
    assert world.balance(plan_id, world.stranger.address) == 10


def test_redeem__of_unknown_plan__reverts(world: World) -> None:
    with reverts(UnknownPlan(7)):
        world.send(world.subscriber, world.credits.functions.redeem(7, world.subscriber.address, 1, NO_CONTEXT))


def test_redeem__with_several_things_wrong__names_the_caller_first(world: World) -> None:
    """Checks come in the order of the documentation: plan, rule, range, balance."""
    plan_id, holder = world.register(), world.subscriber.address
    with reverts(RedeemNotAllowed(plan_id, holder, world.stranger.address)):
        world.send(world.stranger, world.credits.functions.redeem(plan_id, holder, 0, NO_CONTEXT))
    with reverts(RedeemOutOfRange(plan_id, 11, 1, 10)):
        world.send(world.subscriber, world.credits.functions.redeem(plan_id, holder, 11, NO_CONTEXT))
