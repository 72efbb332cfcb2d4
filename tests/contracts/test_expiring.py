"""Credits that expire: each purchase at its own second, and the earliest to expire is used first (I9, C32)."""

from collections.abc import Callable

import pytest
from web3.contract.contract import ContractFunction

from nvm_chain.errors import CreditsOverflow, InsufficientCredits
from tests.support.events import granted, ordered, redeemed, selector, skipped, taken
from tests.support.plans import expiring
from tests.support.reentry import through_many
from tests.support.reverts import reverts
from tests.support.world import CREDITS, NO_CONTEXT, World

DAY = 86_400
MAX_ACCOUNT = 2**53 - 1
BIG_GAS = 12_000_000
INSUFFICIENT = selector("InsufficientCredits(uint256,address,uint256,uint256)")


@pytest.fixture
def plan_id(world: World) -> int:
    """A free plan: 100 credits that expire after a day; its owner takes up to 1,000 of them for a request."""
    return world.register(**expiring(DAY, max_redeem=1000))


def _order_at(world: World, plan_id: int, timestamp: int, quantity: int = 1) -> int:
    """Order for the subscriber at this second, and return it."""
    holder = world.subscriber
    world.send_at(timestamp, holder, world.credits.functions.order(plan_id, holder.address, quantity, 0))
    return timestamp


def _burn(world: World, plan_id: int, amount: int) -> ContractFunction:
    return world.credits.functions.burn(plan_id, world.subscriber.address, amount)


def _redeem(world: World, plan_id: int, amount: int) -> ContractFunction:
    return world.credits.functions.redeem(plan_id, world.subscriber.address, amount, NO_CONTEXT)


def _balance(world: World, plan_id: int) -> int:
    return world.balance(plan_id, world.subscriber.address)


def _lots(world: World, plan_id: int) -> list[tuple[int, int]]:
    function = world.credits.functions.lotsOf(plan_id, world.subscriber.address, 0, 1000)
    return [(credits, expires_at) for credits, expires_at in world.read(function)]


Spend = Callable[[World, int, int], ContractFunction]
spending = pytest.mark.parametrize("spend", [_burn, _redeem])


# ---------------------------------------------------------------- the second


def test_expiring__order__emits_what_any_order_emits(world: World, plan_id: int) -> None:
    holder = world.subscriber.address
    assert world.events(world.order(plan_id)) == [
        granted(holder, holder, plan_id, CREDITS),
        ordered(plan_id, holder, holder, 1, 0),
    ]


@pytest.mark.parametrize(("second", "balance"), [(-1, CREDITS), (0, 0), (1, 0)])
def test_expiring__balance_around_the_second__is_there_before_it(
    world: World, plan_id: int, second: int, balance: int
) -> None:
    """I9: credits expire exactly at their lot's second, not before."""
    start = _order_at(world, plan_id, world.now + 10)
    world.mine_at(start + DAY + second)
    holder, functions = world.subscriber.address, world.credits.functions
    assert _balance(world, plan_id) == balance
    assert world.read(functions.balanceOfBatch([holder], [plan_id])) == [balance]
    assert world.read(functions.accountOf(plan_id, holder))[0] == balance
    assert _lots(world, plan_id) == ([(CREDITS, start + DAY)] if balance else [])


@spending
def test_expiring__spent_in_the_last_second__is_spent(world: World, plan_id: int, spend: Spend) -> None:
    """I9."""
    start = _order_at(world, plan_id, world.now + 10)
    receipt = world.send_at(start + DAY - 1, world.subscriber, spend(world, plan_id, CREDITS))
    holder = world.subscriber.address
    expected = [taken(holder, holder, plan_id, CREDITS)]
    expected += [redeemed(plan_id, holder, holder, CREDITS)] if spend is _redeem else []
    assert world.events(receipt) == expected
    assert _balance(world, plan_id) == 0


@spending
@pytest.mark.parametrize("second", [0, 1, DAY, 2**33])
def test_expiring__spent_from_that_second_on__is_gone(world: World, plan_id: int, spend: Spend, second: int) -> None:
    """I9."""
    start = _order_at(world, plan_id, world.now + 10)
    world.mine_at(start + DAY + second)
    with reverts(InsufficientCredits(plan_id, world.subscriber.address, 0, 1)):
        world.read(spend(world, plan_id, 1), world.subscriber.address)


@pytest.mark.parametrize("duration", [1, 2, 2**32 - 1])
def test_expiring__after_the_shortest_and_the_longest_duration__is_gone(world: World, duration: int) -> None:
    """C31, C32: an expiry far past 2^32 is no problem."""
    plan_id = world.register(**expiring(duration))
    start = _order_at(world, plan_id, world.now + 10)
    assert (_balance(world, plan_id), _lots(world, plan_id)) == (CREDITS, [(CREDITS, start + duration)])
    world.mine_at(start + duration)
    assert (_balance(world, plan_id), _lots(world, plan_id)) == (0, [])


@pytest.mark.parametrize("second", [-1, 0, 1])
@pytest.mark.parametrize("amount", [CREDITS, CREDITS + 1, 2 * CREDITS, 2 * CREDITS + 1])
def test_expiring__can_redeem_around_the_second__is_what_redeem_does(
    world: World, plan_id: int, second: int, amount: int
) -> None:
    """The answer of canRedeem and a redemption agree at every second."""
    start, holder = _order_at(world, plan_id, world.now + 10), world.subscriber.address
    _order_at(world, plan_id, start + 10)
    world.mine_at(start + DAY + second)
    available = 2 * CREDITS if second < 0 else CREDITS
    answer = world.read(world.credits.functions.canRedeem(plan_id, holder, amount))
    if amount <= available:
        assert answer == [True, bytes(4)]
        world.read(_redeem(world, plan_id, amount), holder)
        return
    assert answer == [False, INSUFFICIENT]
    with reverts(InsufficientCredits(plan_id, holder, available, amount)):
        world.read(_redeem(world, plan_id, amount), holder)


# ---------------------------------------------------------------- several purchases


@spending
def test_expiring__of_two_purchases__uses_the_earlier_first(world: World, plan_id: int, spend: Spend) -> None:
    first = _order_at(world, plan_id, world.now + 10)
    second = _order_at(world, plan_id, first + 1000)
    world.send(world.subscriber, spend(world, plan_id, 30))
    assert _lots(world, plan_id) == [(70, first + DAY), (100, second + DAY)]
    world.send(world.subscriber, spend(world, plan_id, 90))
    assert _lots(world, plan_id) == [(80, second + DAY)]
    world.mine_at(first + DAY)
    assert _balance(world, plan_id) == 80
    world.mine_at(second + DAY)
    assert _balance(world, plan_id) == 0


@pytest.mark.parametrize("used", [0, 1, 99, 100, 101, 200])
def test_expiring__used_in_part__loses_only_what_is_left_of_the_first(world: World, plan_id: int, used: int) -> None:
    """I2: what was used of a lot does not expire a second time."""
    first = _order_at(world, plan_id, world.now + 10)
    second = _order_at(world, plan_id, first + 1000)
    if used:
        world.send(world.subscriber, _burn(world, plan_id, used))
    world.mine_at(first + DAY - 1)
    assert _balance(world, plan_id) == 200 - used
    world.mine_at(first + DAY)
    assert _balance(world, plan_id) == min(100, 200 - used)
    world.mine_at(second + DAY)
    assert _balance(world, plan_id) == 0


@pytest.mark.parametrize("lots", [1, 2, 5])
@spending
def test_expiring__all_used_then_renewed__keeps_the_new_when_the_old_expire(
    world: World, plan_id: int, lots: int, spend: Spend
) -> None:
    """I9: the count begins anew once all is used; lots of before neither take from it nor add to it."""
    start = world.now + 10
    for number in range(lots):
        _order_at(world, plan_id, start + number * 100)
    world.send(world.subscriber, spend(world, plan_id, CREDITS * lots))
    assert (_balance(world, plan_id), _lots(world, plan_id)) == (0, [])
    renewed = _order_at(world, plan_id, start + lots * 100 + 500)
    for number in range(lots):
        for second in (-1, 0, 1):
            world.mine_at(start + number * 100 + DAY + second)
            assert _lots(world, plan_id) == [(CREDITS, renewed + DAY)]
            assert _balance(world, plan_id) == CREDITS
    world.mine_at(renewed + DAY)
    assert _balance(world, plan_id) == 0


@pytest.mark.parametrize("lots", [1, 2, 5])
def test_expiring__all_expired_then_renewed__has_the_new_alone(world: World, plan_id: int, lots: int) -> None:
    start = world.now + 10
    for number in range(lots):
        _order_at(world, plan_id, start + number)
    for period in range(1, 4):
        renewed = _order_at(world, plan_id, start + period * (DAY + lots))
        assert _lots(world, plan_id) == [(CREDITS, renewed + DAY)]
        assert _balance(world, plan_id) == CREDITS
    world.send(world.subscriber, _burn(world, plan_id, CREDITS))
    assert _balance(world, plan_id) == 0


def test_expiring__renewed_in_the_second_of_expiry__has_the_new_alone(world: World, plan_id: int) -> None:
    start = _order_at(world, plan_id, world.now + 10)
    _order_at(world, plan_id, start + DAY)
    assert _lots(world, plan_id) == [(CREDITS, start + 2 * DAY)]


def test_expiring__used_up_again_and_again__never_brings_an_old_purchase_back(world: World, plan_id: int) -> None:
    """I2: slots of lots are used again; more purchases after fewer, and fewer after more, meet what is left in them."""
    start = world.now + 10
    for lots in (5, 1, 3, 2, 6):
        for number in range(lots):
            _order_at(world, plan_id, start + number, quantity=number + 1)
        expected = [(CREDITS * (number + 1), start + number + DAY) for number in range(lots)]
        assert _lots(world, plan_id) == expected
        world.send(world.subscriber, _burn(world, plan_id, sum(credits for credits, _ in expected)))
        assert (_balance(world, plan_id), _lots(world, plan_id)) == (0, [])
        start += 1000


def test_expiring__of_two_orders_in_one_second__adds_up(world: World, plan_id: int) -> None:
    holder, actor = world.subscriber.address, world.deploy("Actor")
    order = world.credits.functions.order(plan_id, holder, 1, 0)
    world.send(world.stranger, through_many(actor, order, order, order))
    expires_at = world.now + DAY
    assert _lots(world, plan_id) == [(CREDITS, expires_at)] * 3
    world.send(world.subscriber, _burn(world, plan_id, 150))
    assert _lots(world, plan_id) == [(50, expires_at), (100, expires_at)]
    world.mine_at(expires_at - 1)
    assert _balance(world, plan_id) == 150
    world.mine_at(expires_at)
    assert _balance(world, plan_id) == 0


def _by_mint(world: World, plan_id: int) -> ContractFunction:
    return world.credits.functions.mint(plan_id, world.subscriber.address, 100)


def _by_batch(world: World, plan_id: int) -> ContractFunction:
    return world.credits.functions.mintBatch(plan_id, [world.subscriber.address], [100])


def _by_external_grant(world: World, plan_id: int) -> ContractFunction:
    return world.credits.functions.grantExternal(plan_id, world.subscriber.address, 1, b"\1" * 32)


@pytest.mark.parametrize("grant", [_by_mint, _by_batch, _by_external_grant])
def test_expiring__granted_without_payment__expires_as_if_ordered(
    world: World, plan_id: int, grant: Callable[[World, int], ContractFunction]
) -> None:
    first = _order_at(world, plan_id, world.now + 10)
    second = first + 500
    world.send_at(second, world.builder, grant(world, plan_id))
    assert _lots(world, plan_id) == [(100, first + DAY), (100, second + DAY)]
    world.mine_at(second + DAY - 1)
    assert _balance(world, plan_id) == 100
    world.mine_at(second + DAY)
    assert _balance(world, plan_id) == 0


def test_expiring__by_an_operators_burn__takes_the_earliest_too(world: World, plan_id: int) -> None:
    first = _order_at(world, plan_id, world.now + 10)
    world.send(world.subscriber, world.credits.functions.setApprovalForAll(world.other.address, True))
    world.send(world.other, _burn(world, plan_id, 40))
    assert _lots(world, plan_id) == [(60, first + DAY)]


# ---------------------------------------------------------------- strangers, and full accounts


def test_lots__of_a_count_that_runs_over__keep_what_is_left_in_them(world: World, plan_id: int) -> None:
    """I2, I9: lots that are used and have not expired yet may be any number of credits behind the count."""
    holder, half = world.subscriber.address, 2**52
    mint = world.credits.functions.mint(plan_id, holder, half)
    start = world.now + 10
    for turn in range(5):
        world.send_at(start + 100 * turn, world.builder, mint)
        world.send_at(start + 100 * turn + 1, world.subscriber, _burn(world, plan_id, half - (turn == 0)))
        assert _balance(world, plan_id) == 1
    world.send_at(start + 500, world.builder, mint)
    assert _lots(world, plan_id) == [(1, start + 400 + DAY), (half, start + 500 + DAY)]
    for expired in (start + DAY, start + 300 + DAY):
        world.mine_at(expired)
        assert _balance(world, plan_id) == half + 1
    world.mine_at(start + 400 + DAY)
    assert _balance(world, plan_id) == half


def test_expiring__in_the_first_lot_of_a_count_that_has_run_over__is_all_there(world: World, plan_id: int) -> None:
    """C31: the count is behind what is left, and there is no earlier lot to look at."""
    for _ in range(2):
        world.grant(plan_id, world.subscriber.address, MAX_ACCOUNT)
        world.send(world.subscriber, _burn(world, plan_id, MAX_ACCOUNT))
    world.grant(plan_id, world.subscriber.address, 100)
    assert _lots(world, plan_id) == [(100, world.now + DAY)]
    assert _balance(world, plan_id) == 100
    world.send(world.subscriber, _burn(world, plan_id, 100))
    assert _balance(world, plan_id) == 0


def test_order__in_a_count_full_of_expired_credits__has_room(world: World, plan_id: int) -> None:
    """I8, I10: only what is left counts, so nobody can fill an account with credits that expire before its holder's."""
    holder = world.subscriber.address
    start = world.now + 10
    world.send_at(start, world.builder, world.credits.functions.mint(plan_id, holder, MAX_ACCOUNT - CREDITS))
    first = _order_at(world, plan_id, start + 100)
    with reverts(CreditsOverflow(plan_id, holder, CREDITS)):
        world.order(plan_id)
    second = _order_at(world, plan_id, start + DAY)
    assert _lots(world, plan_id) == [(CREDITS, first + DAY), (CREDITS, second + DAY)]
    world.send_at(start + DAY + 10, world.subscriber, _burn(world, plan_id, CREDITS + 1))
    assert _lots(world, plan_id) == [(CREDITS - 1, second + DAY)]
    third = _order_at(world, plan_id, start + DAY + 20)
    world.mine_at(second + DAY - 1)
    assert _balance(world, plan_id) == 2 * CREDITS - 1
    world.mine_at(second + DAY)
    assert _lots(world, plan_id) == [(CREDITS, third + DAY)]
    assert _balance(world, plan_id) == CREDITS
    world.mine_at(third + DAY)
    assert _balance(world, plan_id) == 0


def test_expiring__with_orders_of_a_stranger_for_the_holder__gives_what_it_would_have(
    world: World, plan_id: int
) -> None:
    """I8: what a stranger adds comes after what was there, and takes nothing from it."""
    mine = _order_at(world, plan_id, world.now + 10)
    gift = world.credits.functions.order(plan_id, world.subscriber.address, 2**32 - 1, 0)
    given = mine + 100
    world.send_at(given, world.stranger, gift)
    again = _order_at(world, plan_id, given + 100)
    gifts = (2**32 - 1) * CREDITS
    assert _lots(world, plan_id) == [(CREDITS, mine + DAY), (gifts, given + DAY), (CREDITS, again + DAY)]
    world.send(world.subscriber, _burn(world, plan_id, CREDITS))
    assert _lots(world, plan_id) == [(gifts, given + DAY), (CREDITS, again + DAY)]
    world.mine_at(given + DAY)
    assert _balance(world, plan_id) == CREDITS


@pytest.mark.parametrize("second", [-1, 0, 1])
def test_expiring__in_a_full_account__has_room_again_when_all_expire(world: World, plan_id: int, second: int) -> None:
    """I10: however full an account is, it is empty after its last expiry."""
    holder = world.subscriber.address
    start = world.now + 10
    world.send_at(start, world.builder, world.credits.functions.mint(plan_id, holder, MAX_ACCOUNT))
    assert _lots(world, plan_id) == [(MAX_ACCOUNT, start + DAY)]
    order = world.credits.functions.order(plan_id, holder, 1, 0)
    if second < 0:
        world.mine_at(start + DAY + second)
        with reverts(CreditsOverflow(plan_id, holder, CREDITS)):
            world.read(order, holder)
        return
    renewed = start + DAY + second
    world.send_at(renewed, world.subscriber, order)
    assert _lots(world, plan_id) == [(CREDITS, renewed + DAY)]
    world.send(world.subscriber, _burn(world, plan_id, CREDITS))
    assert _balance(world, plan_id) == 0


@pytest.mark.parametrize("room", [CREDITS, CREDITS + 1])
def test_expiring__up_to_a_full_account__is_granted(world: World, plan_id: int, room: int) -> None:
    """C31."""
    world.grant(plan_id, world.subscriber.address, MAX_ACCOUNT - room)
    world.order(plan_id)
    assert _balance(world, plan_id) == MAX_ACCOUNT - room + CREDITS


def test_expiring__past_a_full_account__reverts(world: World, plan_id: int) -> None:
    holder = world.subscriber.address
    world.grant(plan_id, holder, MAX_ACCOUNT - CREDITS + 1)
    with reverts(CreditsOverflow(plan_id, holder, CREDITS)):
        world.order(plan_id)


def test_expiring__more_at_once_than_an_account_holds__reverts(world: World, plan_id: int) -> None:
    holder = world.subscriber.address
    with reverts(CreditsOverflow(plan_id, holder, MAX_ACCOUNT + 1)):
        world.grant(plan_id, holder, MAX_ACCOUNT + 1)


def test_expiring__in_a_full_account_that_is_all_used__has_room_again(world: World, plan_id: int) -> None:
    world.grant(plan_id, world.subscriber.address, MAX_ACCOUNT)
    world.send(world.subscriber, _burn(world, plan_id, MAX_ACCOUNT))
    world.grant(plan_id, world.subscriber.address, MAX_ACCOUNT)
    assert _balance(world, plan_id) == MAX_ACCOUNT


def test_expiring__in_an_account_filled_by_others__is_free_again_once_the_rest_is_burned(
    world: World, plan_id: int
) -> None:
    """I8, I10: a holder whose count is full can always empty it, whatever expired and whatever did not."""
    holder = world.subscriber.address
    start = world.now + 10
    world.send_at(start, world.builder, world.credits.functions.mint(plan_id, holder, MAX_ACCOUNT - CREDITS))
    _order_at(world, plan_id, start + 100)
    world.mine_at(start + DAY)
    assert _balance(world, plan_id) == CREDITS
    world.send(world.subscriber, _burn(world, plan_id, CREDITS))
    world.order(plan_id)
    assert _lots(world, plan_id) == [(CREDITS, world.now + DAY)]


def test_expiring__skipped_in_a_batch__adds_no_purchase(world: World, plan_id: int) -> None:
    """I8: an item that does not fit leaves nothing behind, and the others stand."""
    holder, other = world.subscriber.address, world.other.address
    mint = world.credits.functions.mintBatch(plan_id, [holder, holder, other], [MAX_ACCOUNT, 1, 2])
    receipt = world.send(world.builder, mint)
    overflow = selector("CreditsOverflow(uint256,address,uint256)")
    assert world.events(receipt) == [
        granted(world.builder.address, holder, plan_id, MAX_ACCOUNT),
        skipped(plan_id, holder, 1, overflow),
        granted(world.builder.address, other, plan_id, 2),
    ]
    assert _lots(world, plan_id) == [(MAX_ACCOUNT, world.now + DAY)]


# ---------------------------------------------------------------- gas


def _hold(world: World, plan_id: int, lots: int, seconds: int = 0) -> int:
    """Give the subscriber so many lots of one credit, at most 50 in one second, and return the first expiry."""
    first = 0
    while lots:
        count = min(lots, 50)
        function = world.credits.functions.mintBatch(plan_id, [world.subscriber.address] * count, [1] * count)
        timestamp = world.now + max(seconds, 1)
        world.send_at(timestamp, world.builder, function, BIG_GAS)
        first, lots = first or timestamp + DAY, lots - count
    return first


def test_expiring__burn_with_many_purchases__costs_hardly_more(world: World) -> None:
    """DESIGN 6: a burn costs at most 40,000 in all, and at most 6,000 more with 200 lots than with one."""
    used: dict[int, int] = {}
    for lots in (1, 10, 50, 200):
        plan_id = world.register(**expiring(DAY))
        _hold(world, plan_id, lots)
        world.grant(plan_id, world.subscriber.address, 10)
        receipt = world.send(world.subscriber, _burn(world, plan_id, 1))
        used[lots] = receipt["gasUsed"]
    assert max(used.values()) <= 40_000
    assert max(used.values()) - used[1] <= 6_000


def test_expiring__burn_after_the_first_of_many_expired__costs_a_read_for_each_doubling(world: World) -> None:
    """What has expired is found by halves, however many purchases there are, and only once."""
    used: dict[int, list[int]] = {}
    for lots in (4, 64, 256):
        plan_id = world.register(**expiring(DAY))
        world.grant(plan_id, world.subscriber.address, 1)
        _hold(world, plan_id, lots - 1, seconds=1000)
        (_, expires_at), *_ = _lots(world, plan_id)
        burn, holder = _burn(world, plan_id, 1), world.subscriber
        used[lots] = [world.send_at(expires_at + second, holder, burn)["gasUsed"] for second in (0, 1)]
    assert used[64][0] - used[4][0] <= 4 * 2_400
    assert used[256][0] - used[64][0] <= 2 * 2_400
    assert max(second for _, second in used.values()) <= 40_000


def test_expiring__burn_after_all_but_the_last_expired__costs_a_read_for_each_doubling(world: World) -> None:
    """C33: nor does it matter how many have expired since the holder came last."""
    used: dict[int, int] = {}
    for lots in (4, 64, 256):
        plan_id = world.register(**expiring(DAY))
        _hold(world, plan_id, lots - 1)
        expired = world.now + DAY
        world.send_at(
            world.now + 100, world.builder, world.credits.functions.mint(plan_id, world.subscriber.address, 9)
        )
        used[lots] = world.send_at(expired, world.subscriber, _burn(world, plan_id, 1))["gasUsed"]
        assert _balance(world, plan_id) == 8
    assert used[64] - used[4] <= 4 * 2_400
    assert used[256] - used[64] <= 2 * 2_400


def test_expiring__order_with_many_purchases__costs_the_same(world: World) -> None:
    """DESIGN 6: flat in the number of lots held."""
    used: dict[int, int] = {}
    for lots in (1, 2, 3, 10, 50, 200):
        plan_id = world.register(**expiring(DAY))
        _hold(world, plan_id, lots)
        used[lots] = world.order(plan_id)["gasUsed"]
    assert max(used.values()) - min(used.values()) <= 100


def test_expiring__with_an_endless_number_of_purchases__still_spends(world: World, plan_id: int) -> None:
    """I8, C33: a stranger's many small orders for a holder cannot make the holder's burn dear, expired or not."""
    first = _hold(world, plan_id, 300, seconds=100)
    world.mine_at(first + 220)
    assert _balance(world, plan_id) == 150
    world.send(world.subscriber, _burn(world, plan_id, 150))
    assert _balance(world, plan_id) == 0
