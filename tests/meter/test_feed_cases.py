"""Cases of the feed: what it tells of lots that end, burns, other redeemers, long gaps and dropped blocks, in numbers."""

from collections.abc import Iterator
from typing import Any

import pytest

from nvm_chain.enums import PlanKind, RedemptionRule
from nvm_chain.errors import IndexBehind, IndexUnavailable, InvalidConfig
from nvm_chain.index.database import open_index
from nvm_chain.index.schema import KEPT_BLOCKS
from nvm_chain.meter.feed.bringing import Bringer
from nvm_chain.meter.feed.watcher import Told
from nvm_chain.meter.store.group_rows import AccountKey
from nvm_chain.meter.views import Lot
from nvm_chain.operations.settlement import settle_vouchers, sign_next_voucher
from tests.support.feed_books import MemoryBooks
from tests.support.feed_fixtures import index_url as index_url
from tests.support.feed_fixtures import keeping_chain as keeping_chain
from tests.support.feed_fixtures import world as world
from tests.support.feed_meters import DEPTH, Meter, metering
from tests.support.world import NO_CONTEXT, World

LIFE = 3_600


@pytest.fixture
def key(world: World) -> AccountKey:
    """The subscriber on a plan whose credits end, and of which the builder and the redeemer may redeem."""
    plan_id = world.register(duration=LIFE, rule=RedemptionRule.OWNER, max_redeem=100)
    world.send(world.builder, world.credits.functions.setRedeemer(plan_id, world.redeemer.address, True))
    return AccountKey(plan_id, world.subscriber.address)


@pytest.fixture
def meter(world: World, key: AccountKey, index_url: str) -> Iterator[Meter]:
    """A meter with the builder's key, whose account is wanted and has 50 credits that count."""
    with metering(world, index_url, [key]) as made:
        made.wanted.add(key)
        grant(world, key, 50)
        mine(world, DEPTH)
        yield made


def grant(world: World, key: AccountKey, amount: int) -> None:
    world.grant(key.plan_id, key.holder, amount)


def mine(world: World, count: int = 1) -> None:
    world.chain.web3.provider.make_request("anvil_mine", [hex(count), "0x0"])  # type: ignore[arg-type]


def redeem(world: World, key: AccountKey, signer: Any, amount: int) -> None:
    world.send(signer, world.credits.functions.redeem(*key, amount, NO_CONTEXT))


def settle(world: World, key: AccountKey, redeemer: Any, cost: int) -> None:
    signed = sign_next_voucher(world.chain, world.subscriber, key.plan_id, redeemer=redeemer.address, cost=cost)
    settle_vouchers(world.chain, redeemer, key.plan_id, [signed])


def find_end(meter: Meter, key: AccountKey) -> int:
    """Return when the account's only lot ends. Blocks mined since its grant may have a later second."""
    (lot,) = meter.account(key).view.lots
    return lot.end


def charge(meter: Meter, key: AccountKey, cost: int) -> None:
    meter.books.charge(key, cost)


# ---------------------------------------------------------------- one change


def test_first_views__of_an_account_with_grants_and_a_burn__count_grants_deep_and_losses_at_once(
    world: World, key: AccountKey, index_url: str
) -> None:
    mine(world, DEPTH)
    with metering(world, index_url, [key]) as meter:
        grant(world, key, 50)
        mine(world, DEPTH)
        grant(world, key, 8)
        mine(world)
        world.send(world.subscriber, world.credits.functions.burn(key.plan_id, key.holder, 5))
        meter.wanted.add(key)
        numbers = meter.read(key)
        assert (numbers["backing"], numbers["available"]) == (53, 50)
        (first,) = meter.books.seen
        assert [view.balance for view in first.views] == [0, 50, 58, 53]
        mine(world)
        assert meter.read(key)["available"] == 53
        world.send(world.subscriber, world.credits.functions.burn(key.plan_id, key.holder, 9))
        assert meter.read(key)["available"] == 44


def test_bring__after_a_burn__has_less_at_once(world: World, key: AccountKey, meter: Meter) -> None:
    assert meter.read(key)["available"] == 50
    world.send(world.subscriber, world.credits.functions.burn(key.plan_id, key.holder, 15))
    assert meter.read(key)["available"] == 35


def test_bring__after_a_restart_behind_a_new_grant__counts_it_when_it_is_deep_enough(
    world: World, key: AccountKey, meter: Meter
) -> None:
    grant(world, key, 30)
    assert meter.read(key)["available"] == 50
    meter.restart()
    mine(world, DEPTH - 1)
    assert meter.read(key)["available"] == 50
    mine(world)
    assert meter.read(key)["available"] == 80


def test_bring__after_a_redemption_by_our_key__counts_it_as_taken(world: World, key: AccountKey, meter: Meter) -> None:
    meter.read(key)
    charge(meter, key, 20)
    redeem(world, key, world.builder, 12)
    numbers = meter.read(key)
    assert (numbers["taken"], numbers["settled"], numbers["owed"], numbers["available"]) == (12, 0, 8, 30)


def test_bring__after_a_redemption_by_another_key__has_less_at_once(
    world: World, key: AccountKey, meter: Meter
) -> None:
    meter.read(key)
    charge(meter, key, 20)
    redeem(world, key, world.redeemer, 12)
    numbers = meter.read(key)
    assert (numbers["taken"], numbers["settled"], numbers["owed"], numbers["available"]) == (0, 0, 20, 18)


def test_bring__after_a_settlement_by_another_redeemer__raises_what_is_settled_and_not_what_is_taken(
    world: World, key: AccountKey, meter: Meter
) -> None:
    meter.read(key)
    charge(meter, key, 20)
    settle(world, key, world.redeemer, 7)
    settle(world, key, world.builder, 4)
    mine(world, DEPTH)
    numbers = meter.read(key)
    assert (numbers["taken"], numbers["settled"], numbers["owed"], numbers["available"]) == (4, 11, 16, 23)
    assert numbers["total_to_reach"] == 20 + 7


def test_bring__after_more_redeemers_became_ours__counts_what_they_took_before(
    world: World, key: AccountKey, meter: Meter
) -> None:
    redeem(world, key, world.redeemer, 12)
    assert meter.read(key)["taken"] == 0
    meter.redeemers.append(world.redeemer.address)
    meter.restart()
    grant(world, key, 1)
    assert meter.read(key)["taken"] == 12


# ---------------------------------------------------------------- lots that end


def test_bring__after_a_lot_ended_between_two_blocks__writes_off_what_was_owed(
    world: World, key: AccountKey, meter: Meter
) -> None:
    meter.read(key)
    end = find_end(meter, key)
    charge(meter, key, 20)
    settle(world, key, world.builder, 5)
    world.mine_at(end - 1)
    numbers = meter.read(key)
    assert (numbers["lapsed"], numbers["written_off"], numbers["owed"]) == (0, 0, 15)
    world.mine_at(end + 1)
    numbers = meter.read(key)
    assert (numbers["lapsed"], numbers["written_off"], numbers["owed"], numbers["taken"]) == (45, 15, 0, 5)
    view = meter.account(key).view
    assert (view.balance, view.lots, view.ended) == (0, (), (Lot(end, 45),))


def test_bring__after_a_lot_ended_with_a_later_one__tells_the_end_of_each(
    world: World, key: AccountKey, meter: Meter
) -> None:
    meter.read(key)
    first = find_end(meter, key)
    world.mine_at(world.now + 30)
    grant(world, key, 10)
    second = world.now + LIFE
    mine(world, DEPTH)
    meter.read(key)
    charge(meter, key, 55)
    for restarts, ends in ((False, first), (True, second)):
        if restarts:
            meter.restart()
        world.mine_at(ends - 1)
        before = meter.read(key)["written_off"]
        world.mine_at(ends)
        assert (before, meter.read(key)["written_off"]) == ((0, 50) if ends == first else (50, 55))
    assert meter.account(key).view.lapsed == 60


def test_bring__after_a_lot_ended_while_the_meter_was_away__writes_it_off_without_a_movement(
    world: World, key: AccountKey, meter: Meter
) -> None:
    meter.read(key)
    charge(meter, key, 20)
    world.mine_at(world.now + LIFE)
    meter.sync()
    meter.restart()
    assert meter.read(key)["written_off"] == 20


# ---------------------------------------------------------------- away for long


@pytest.mark.parametrize("restarts", [False, True])
def test_bring__after_more_blocks_than_an_index_remembers__finds_the_lots_that_ended(
    world: World, key: AccountKey, meter: Meter, restarts: bool
) -> None:
    meter.read(key)
    charge(meter, key, 20)
    mine(world, 100)
    settle(world, key, world.builder, 5)
    world.mine_at(world.now + LIFE)
    grant(world, key, 30)
    redeem(world, key, world.redeemer, 2)
    world.mine_at(world.now + LIFE)
    mine(world, KEPT_BLOCKS + 44)
    grant(world, key, 7)
    if restarts:
        meter.restart()
    mine(world, DEPTH)
    numbers = meter.read(key)
    assert (numbers["settled"], numbers["taken"], numbers["lapsed"]) == (5, 5, 45 + 28)
    assert (numbers["written_off"], numbers["owed"], numbers["available"]) == (15, 0, 7)
    assert not any(change.rolls_back for change in meter.books.seen)


def test_bring__of_an_account_that_was_silent_for_long__tells_its_new_state_once(
    world: World, key: AccountKey, meter: Meter
) -> None:
    meter.read(key)
    charge(meter, key, 2)
    mine(world, KEPT_BLOCKS + 44)
    redeem(world, key, world.builder, 2)
    meter.restart()
    numbers = meter.read(key)
    assert (numbers["taken"], numbers["owed"], numbers["available"]) == (2, 0, 48)
    change = meter.books.seen[-1]
    assert ([view.balance for view in change.views], change.rolls_back) == ([48], False)


# ---------------------------------------------------------------- dropped blocks


def test_bring__after_the_head_went_back__counts_a_grant_that_is_not_deep_any_more_later(
    world: World, key: AccountKey, meter: Meter
) -> None:
    meter.read(key)
    grant(world, key, 30)
    before = meter.index.state.head
    meter.read(key)
    ancestor = meter.index.state.head
    mine(world, DEPTH)
    assert meter.read(key)["available"] == 80
    assert ancestor is not None
    assert ancestor != before
    meter.index.roll_back(ancestor)
    meter.look()
    assert meter.account(key).find_available(meter.now) == 50
    assert meter.read(key)["available"] == 80


@pytest.mark.parametrize("restarts", [False, True])
def test_bring__after_a_grant_was_dropped__takes_it_back(
    world: World, key: AccountKey, meter: Meter, restarts: bool
) -> None:
    assert meter.read(key)["available"] == 50
    snapshot = world.take_snapshot()
    grant(world, key, 30)
    mine(world, DEPTH)
    assert meter.read(key)["available"] == 80
    world.revert_to(snapshot)
    mine(world, DEPTH + 2)
    if restarts:
        meter.sync()
        meter.restart()
    numbers = meter.read(key)
    assert (numbers["backing"], numbers["available"]) == (50, 50)
    change = meter.books.seen[-1]
    assert change.rolls_back
    assert [view.balance for view in change.views] == [50, 50]


def test_bring__by_two_feeds_after_a_redemption_was_dropped__forgets_it_in_both(
    world: World, key: AccountKey, meter: Meter
) -> None:
    snapshot = world.take_snapshot()
    redeem(world, key, world.builder, 12)
    assert meter.read(key)["taken"] == 12
    world.revert_to(snapshot)
    mine(world, 3)
    meter.sync()
    first = meter.bringer
    meter.restart()
    assert meter.read(key)["taken"] == 0
    redeem(world, key, world.builder, 5)
    meter.sync()
    first.take(Told(meter.index.state.head, frozenset([key]), meter.now))
    first.bring(meter.index, set())
    assert meter.account(key).view.taken == 5


def test_bring__after_the_only_grant_of_an_account_was_dropped_while_the_meter_was_away__empties_it(
    world: World, key: AccountKey, index_url: str
) -> None:
    mine(world, DEPTH)
    with metering(world, index_url, [key]) as meter:
        snapshot = world.take_snapshot()
        grant(world, key, 50)
        mine(world, DEPTH)
        meter.wanted.add(key)
        assert meter.read(key)["available"] == 50
        world.revert_to(snapshot)
        mine(world, DEPTH + 2)
        meter.sync()
        meter.restart()
        assert meter.read(key)["backing"] == 0


def test_bring__after_a_settlement_was_dropped_for_the_end_of_its_lot__writes_off_instead(
    world: World, key: AccountKey, meter: Meter
) -> None:
    meter.read(key)
    end = find_end(meter, key)
    charge(meter, key, 20)
    snapshot = world.take_snapshot()
    settle(world, key, world.builder, 20)
    world.mine_at(end)
    numbers = meter.read(key)
    assert (numbers["taken"], numbers["lapsed"], numbers["written_off"]) == (20, 30, 0)
    world.revert_to(snapshot)
    world.mine_at(end)
    mine(world, 3)
    numbers = meter.read(key)
    assert (numbers["taken"], numbers["lapsed"], numbers["written_off"]) == (0, 50, 20)


def test_bring__after_the_block_that_ended_a_lot_was_replaced_by_an_earlier_second__takes_the_loss_back(
    world: World, key: AccountKey, meter: Meter
) -> None:
    meter.read(key)
    end = find_end(meter, key)
    charge(meter, key, 20)
    snapshot = world.take_snapshot()
    world.mine_at(end)
    assert meter.read(key)["written_off"] == 20
    world.revert_to(snapshot)
    mine(world)
    numbers = meter.read(key)
    assert (numbers["written_off"], numbers["owed"]) == (0, 20)
    settle(world, key, world.builder, 20)
    numbers = meter.read(key)
    assert (numbers["taken"], numbers["written_off"], numbers["owed"]) == (20, 0, 0)


def test_bring__after_all_views_of_an_account_were_dropped__begins_again(
    world: World, key: AccountKey, index_url: str
) -> None:
    with metering(world, index_url, [key]) as meter:
        snapshot = world.take_snapshot()
        mine(world, 200)
        grant(world, key, 50)
        mine(world, DEPTH)
        meter.wanted.add(key)
        assert meter.read(key)["available"] == 50
        world.revert_to(snapshot)
        mine(world, 210)
        grant(world, key, 8)
        mine(world, DEPTH)
        numbers = meter.read(key)
        assert (numbers["backing"], numbers["available"]) == (8, 8)


def test_bring__after_the_plan_itself_was_dropped__empties_the_account(
    world: World, key: AccountKey, index_url: str
) -> None:
    snapshot = world.take_snapshot()
    later = AccountKey(world.register(), key.holder)
    with metering(world, index_url, [key, later]) as meter:
        meter.wanted.add(later)
        grant(world, later, 50)
        mine(world, DEPTH)
        assert meter.read(later)["available"] == 50
        world.revert_to(snapshot)
        mine(world, DEPTH + 5)
        meter.wanted.clear()
        meter.restart()
        numbers = meter.read(later)
        assert (numbers["backing"], numbers["available"]) == (0, 0)


# ---------------------------------------------------------------- time plans


def test_bring__of_a_window__counts_a_purchase_deep_and_its_loss_at_once(world: World, index_url: str) -> None:
    plan_id = world.register(kind=PlanKind.TIME, credits=3, duration=LIFE, min_redeem=0, max_redeem=0)
    key = AccountKey(plan_id, world.subscriber.address)
    with metering(world, index_url, [key]) as meter:
        meter.wanted.add(key)
        grant(world, key, 2)
        until = world.now + 2 * LIFE
        seen = []
        for _ in range(DEPTH + 1):
            meter.check()
            seen.append(meter.windows.windows[key].least_until)
            mine(world)
        assert seen == [*([0] * DEPTH), until]
        snapshot = world.take_snapshot()
        grant(world, key, 1)
        mine(world, DEPTH)
        meter.check()
        assert meter.windows.windows[key].least_until == until + LIFE
        world.revert_to(snapshot)
        world.send(world.subscriber, world.credits.functions.burn(plan_id, key.holder, 1))
        mine(world, DEPTH + 1)
        meter.check()
        assert meter.windows.windows[key].least_until == until - LIFE


def test_bring__of_a_window__after_a_burn_was_dropped__has_the_whole_window_at_once(
    world: World, index_url: str
) -> None:
    plan_id = world.register(kind=PlanKind.TIME, credits=3, duration=LIFE, min_redeem=0, max_redeem=0)
    key = AccountKey(plan_id, world.subscriber.address)
    with metering(world, index_url, [key]) as meter:
        meter.wanted.add(key)
        grant(world, key, 2)
        until = world.now + 2 * LIFE
        mine(world, DEPTH)
        snapshot = world.take_snapshot()
        world.send(world.subscriber, world.credits.functions.burn(plan_id, key.holder, 1))
        meter.check()
        assert meter.windows.windows[key].least_until == until - LIFE
        world.revert_to(snapshot)
        mine(world, 2)
        meter.check()
        assert meter.windows.windows[key].least_until == until


# ---------------------------------------------------------------- failures and settings


def test_bring__while_the_books_are_away__tells_all_later(world: World, key: AccountKey, meter: Meter) -> None:
    meter.read(key)
    noted = meter.books.head
    grant(world, key, 30)
    meter.books.fails = IndexUnavailable("books", "the server does not answer")
    for _ in range(2):
        with pytest.raises(IndexUnavailable):
            meter.read(key)
    assert meter.books.head == noted
    meter.books.fails = None
    mine(world, DEPTH)
    assert meter.read(key)["available"] == 80
    assert meter.books.head == meter.index.state.head


def test_bring__of_a_time_plan_without_books_of_windows__says_so(world: World, key: AccountKey, meter: Meter) -> None:
    plan_id = world.register(kind=PlanKind.TIME, credits=3, duration=60, min_redeem=0, max_redeem=0)
    meter.sync()
    bringer = Bringer([plan_id], [], DEPTH, MemoryBooks(), None)
    with pytest.raises(InvalidConfig, match="no books of windows"):
        bringer.bring(meter.index, set())


def test_bring__of_a_plan_that_is_not_there__names_the_account(world: World, key: AccountKey, meter: Meter) -> None:
    missing = AccountKey(1, key.holder)
    meter.sync()
    assert Bringer([1], [], DEPTH, MemoryBooks(), None).bring(meter.index, {missing}) == {missing}


def test_bring__from_an_empty_index__says_what_it_waits_for(world: World, key: AccountKey, index_url: str) -> None:
    index = open_index(index_url, chain_id=1, credits=world.credits.address, create=True)
    with pytest.raises(IndexBehind):
        Bringer([key.plan_id], [], DEPTH, MemoryBooks(), None).bring(index, {key})
    index.close()
