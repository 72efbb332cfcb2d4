"""lotsOf: what is left of each purchase of an expiring plan, page by page; the sum is the balance."""

import pytest

from tests.support.gas import TRANSACTION_GAS_CAP
from tests.support.plans import expiring, from_first_use, from_purchase, usage
from tests.support.world import MAX_UINT, World

DAY = 86_400
GAP = 100


def _lots(world: World, plan_id: int, offset: int = 0, limit: int = MAX_UINT) -> list[tuple[int, int]]:
    function = world.credits.functions.lotsOf(plan_id, world.subscriber.address, offset, limit)
    return [(credits, expires_at) for credits, expires_at in world.read(function)]


@pytest.fixture
def five(world: World) -> tuple[int, list[tuple[int, int]]]:
    """An expiring plan of which the subscriber has five lots, 10 to 50 credits, and those lots."""
    plan_id, start, lots = world.register(**expiring(DAY)), world.now + 10, []
    for number in range(5):
        amount, timestamp = 10 * (number + 1), start + number * GAP
        world.send_at(timestamp, world.builder, world.credits.functions.mint(plan_id, world.subscriber.address, amount))
        lots.append((amount, timestamp + DAY))
    return plan_id, lots


Five = tuple[int, list[tuple[int, int]]]


def test_lots_of__all__are_in_order_of_expiry(world: World, five: Five) -> None:
    plan_id, lots = five
    assert _lots(world, plan_id) == lots
    assert sum(credits for credits, _ in lots) == world.balance(plan_id, world.subscriber.address)


@pytest.mark.parametrize("offset", [0, 1, 2, 4, 5, 6, 2**24, 2**255, MAX_UINT])
@pytest.mark.parametrize("limit", [0, 1, 2, 4, 5, 6, 2**24, 2**255, MAX_UINT])
def test_lots_of__by_pages__are_the_same_lots(world: World, five: Five, offset: int, limit: int) -> None:
    """C30: also for numbers whose sum is past 2^256; a page past the end is empty."""
    plan_id, lots = five
    assert _lots(world, plan_id, offset, limit) == lots[offset : offset + limit]


def test_lots_of__hundreds__are_all_there(world: World) -> None:
    """C30: more lots than a byte counts, on one page and on two, and what is used is used of the first."""
    plan_id, holder, count = world.register(**expiring(DAY)), world.subscriber.address, 300
    function = world.credits.functions.mintBatch(plan_id, [holder] * count, list(range(1, count + 1)))
    receipt = world.send_with_gas(world.builder, function, TRANSACTION_GAS_CAP)
    assert receipt["status"] == 1
    lots = [(number, world.now + DAY) for number in range(1, count + 1)]
    assert _lots(world, plan_id) == lots
    assert _lots(world, plan_id, 250, 20) == lots[250:270]
    used = sum(range(1, 258))
    world.send(world.subscriber, world.credits.functions.burn(plan_id, holder, used))
    assert _lots(world, plan_id) == lots[257:]


def test_lots_of__a_count_that_has_run_over__are_those_left(world: World) -> None:
    """C31: the count of what was granted begins again at zero, behind the lots that are left."""
    plan_id, holder, most = world.register(**expiring(DAY)), world.subscriber.address, 2**53 - 1
    world.grant(plan_id, holder, most)
    world.send(world.subscriber, world.credits.functions.burn(plan_id, holder, most))
    start = world.now + 10
    world.send_at(start, world.builder, world.credits.functions.mint(plan_id, holder, most))
    world.send(world.subscriber, world.credits.functions.burn(plan_id, holder, most - 5))
    world.send_at(start + GAP, world.builder, world.credits.functions.mint(plan_id, holder, 100))
    lots = [(5, start + DAY), (100, start + GAP + DAY)]
    assert _lots(world, plan_id) == lots
    assert _lots(world, plan_id, 1) == lots[1:]
    assert world.balance(plan_id, holder) == 105
    world.mine_at(start + DAY)
    assert _lots(world, plan_id) == lots[1:]
    assert world.balance(plan_id, holder) == 100


@pytest.mark.parametrize("used", [1, 9, 10, 11, 29, 30, 31, 149, 150])
def test_lots_of__used_in_part__leave_out_what_is_used(world: World, five: Five, used: int) -> None:
    plan_id, lots = five
    world.send(world.subscriber, world.credits.functions.burn(plan_id, world.subscriber.address, used))
    left, expected = used, []
    for credits, expires_at in lots:
        gone = min(left, credits)
        left -= gone
        expected += [(credits - gone, expires_at)] if credits > gone else []
    assert _lots(world, plan_id) == expected
    for offset in range(6):
        assert _lots(world, plan_id, offset, 2) == expected[offset : offset + 2]
    assert sum(credits for credits, _ in expected) == world.balance(plan_id, world.subscriber.address)


@pytest.mark.parametrize("used", [0, 5, 35])
@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize("second", [-1, 0, 1])
def test_lots_of__around_each_expiry__leave_out_what_has_expired(
    world: World, five: Five, used: int, number: int, second: int
) -> None:
    """I2, I9: what was used before it expired, and what expired before it was used."""
    plan_id, lots = five
    if used:
        world.send(world.subscriber, world.credits.functions.burn(plan_id, world.subscriber.address, used))
    now = lots[number][1] + second
    world.mine_at(now)
    left, expected = used, []
    for credits, expires_at in lots:
        gone = min(left, credits)
        left -= gone
        expected += [(credits - gone, expires_at)] if credits > gone and expires_at > now else []
    assert _lots(world, plan_id) == expected
    assert _lots(world, plan_id, 1, 2) == expected[1:3]
    assert sum(credits for credits, _ in expected) == world.balance(plan_id, world.subscriber.address)


def test_lots_of__another_holder_or_plan__are_none(world: World, five: Five) -> None:
    plan_id, another = five[0], world.register(**expiring(DAY))
    assert world.read(world.credits.functions.lotsOf(plan_id, world.stranger.address, 0, 10)) == []
    assert _lots(world, another) == []
    assert _lots(world, 7) == []


def test_lots_of__plans_without_lots__are_none(world: World) -> None:
    """Their credits do not expire, or they have an access window."""
    for terms in ({}, {"transferable": True}, from_purchase(DAY), from_first_use(DAY)):
        plan_id = world.register(**terms)
        world.grant(plan_id, world.subscriber.address, 5)
        assert (_lots(world, plan_id), world.balance(plan_id, world.subscriber.address)) == ([], 5)
    assert _lots(world, world.register(**usage())) == []
