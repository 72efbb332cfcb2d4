"""canRedeem: whether a redemption would succeed, and why not, for whoever the plan's rule names."""

import pytest

from nvm_chain.enums import RedemptionRule
from nvm_chain.errors import InsufficientCredits, RedeemOutOfRange
from tests.support.events import selector
from tests.support.world import NO_CONTEXT, World

OUT_OF_RANGE = selector("RedeemOutOfRange(uint256,uint256,uint256,uint256)")
INSUFFICIENT = selector("InsufficientCredits(uint256,address,uint256,uint256)")
UNKNOWN = selector("UnknownPlan(uint256)")
NONE = bytes(4)
ERRORS = {OUT_OF_RANGE: RedeemOutOfRange, INSUFFICIENT: InsufficientCredits}


def _can_redeem(world: World, plan_id: int, amount: int) -> tuple[bool, bytes]:
    ok, reason = world.read(world.credits.functions.canRedeem(plan_id, world.subscriber.address, amount))
    return ok, bytes(reason)


@pytest.mark.parametrize(
    ("amount", "answer"),
    [
        (0, (False, OUT_OF_RANGE)),
        (2, (False, OUT_OF_RANGE)),
        (3, (True, NONE)),
        (7, (True, NONE)),
        (8, (False, INSUFFICIENT)),
        (9, (False, INSUFFICIENT)),
        (10, (False, OUT_OF_RANGE)),
        (2**256 - 1, (False, OUT_OF_RANGE)),
    ],
)
def test_can_redeem__of_3_to_9_with_7_credits__says_why_not(
    world: World, amount: int, answer: tuple[bool, bytes]
) -> None:
    plan_id = world.register(min_redeem=3, max_redeem=9)
    world.grant(plan_id, world.subscriber.address, 7)
    assert _can_redeem(world, plan_id, amount) == answer


def test_can_redeem__without_credits__says_so(world: World) -> None:
    assert _can_redeem(world, world.register(), 1) == (False, INSUFFICIENT)


def test_can_redeem__unknown_plan__says_so(world: World) -> None:
    assert _can_redeem(world, 7, 1) == (False, UNKNOWN)


@pytest.mark.parametrize("rule", list(RedemptionRule))
@pytest.mark.parametrize("amount", [0, 1, 10, 11])
def test_can_redeem__under_any_rule__is_what_redeem_does(world: World, rule: RedemptionRule, amount: int) -> None:
    """The answer and the transaction of one the rule names agree, error by error."""
    plan_id = world.register(rule=rule, max_redeem=20)
    world.grant(plan_id, world.subscriber.address, 10)
    named = world.builder if rule is RedemptionRule.OWNER else world.subscriber
    ok, reason = _can_redeem(world, plan_id, amount)
    function = world.credits.functions.redeem(plan_id, world.subscriber.address, amount, NO_CONTEXT)
    if ok:
        assert reason == NONE
        world.send(named, function)
        return
    with pytest.raises(ERRORS[reason]):
        world.send(named, function)


def test_can_redeem__of_an_inactive_plan__is_true(world: World) -> None:
    plan_id = world.register()
    world.grant(plan_id, world.subscriber.address, 1)
    world.send(world.builder, world.credits.functions.setPlanActive(plan_id, False))
    assert _can_redeem(world, plan_id, 1) == (True, NONE)
