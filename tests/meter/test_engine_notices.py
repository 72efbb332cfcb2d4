"""The outbox: a notice is stored with its cause, once, and given out until it is delivered."""

import asyncio
import time
from functools import partial
from typing import Any

import pytest

from nvm_chain.errors import CreditsUsedUp, InvalidAmount
from nvm_chain.meter.credentials import TokenCredential
from nvm_chain.meter.engine import Meter
from nvm_chain.meter.notices import MOST_ATTEMPTS, Notice, NoticeKind, NoticeRule
from nvm_chain.meter.store.account_changes import SeeView
from nvm_chain.meter.store.changes import Change
from nvm_chain.meter.store.group_rows import AccountKey
from nvm_chain.meter.store.notices import KEPT_SECONDS, sweep_notices
from nvm_chain.meter.store.window_changes import SeeWindow
from nvm_chain.meter.windows import WindowView
from tests.meter.services import ANN, TIME_PLAN, PlanViews, build_plans, move_head, opened, sign_in
from tests.meter.test_engine import fails
from tests.meter.test_engine_sign_in import read_table
from tests.support.accounts import PLAN, build_view
from tests.support.meter_engines import REQUEST, Buyer, held

BUYER = Buyer(ANN)
SOON = 1_000
SETTINGS = build_plans(
    notices={PLAN: NoticeRule(low_balance=20, soon_seconds=SOON), TIME_PLAN: NoticeRule(soon_seconds=SOON)}
)
ANNS_TIME = AccountKey(TIME_PLAN, ANN.address)
COUNT = "SELECT count(*) FROM notices"


async def pay(meter: Meter, cost: int) -> None:
    """Let the buyer pay for a request."""
    await meter.charge(held(await meter.admit(REQUEST, BUYER.pay(), cost)), cost)


def see_lots(number: int, *lots: tuple[int, int], rolls_back: bool = False) -> SeeView:
    """Return the view of the buyer's account with lots, which end some seconds from now."""
    now = int(time.time())
    view = build_view(number, 1_000, time=now - 10, lots=tuple((now + end, credits) for end, credits in lots))
    return SeeView(BUYER.key, (view,), 0, rolls_back)


def see_access(number: int, until: int) -> SeeWindow:
    return SeeWindow(ANNS_TIME, (WindowView(number, until),), 0)


async def see(meter: Meter, change: Change[Any]) -> None:
    await meter.writer.do(change)


# ---------------------------------------------------------------------- causes


def test_charge__that_leaves_few_credits__is_told_once(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url, SETTINGS, PlanViews(balance=100)) as meter:
            await pay(meter, 79)
            assert await meter.outbox.take() == []
            await pay(meter, 5)
            await pay(meter, 5)
            (notice,) = await meter.outbox.take()
            assert (notice.kind, notice.number, notice.attempt) == (NoticeKind.LOW_BALANCE, 16, 1)
            assert AccountKey(notice.plan_id, notice.holder) == BUYER.key

    asyncio.run(serve())
    assert read_table(books_url, COUNT) == [(1,)]


def see_left(number: int, balance: int, *, lots: tuple[tuple[int, int], ...] = (), **more: Any) -> SeeView:
    """Return the view of the buyer's account with a balance, ten seconds ago."""
    rolls_back = more.pop("rolls_back", False)
    view = build_view(number, balance, lots=lots, **{"time": int(time.time()) - 10, **more})
    return SeeView(BUYER.key, (view,), 0, rolls_back)


async def take_low(meter: Meter) -> list[int]:
    """Return what is left by the notices of low balances that are due."""
    notices = await meter.outbox.take()
    await meter.outbox.delivered(*notices)
    return [notice.number for notice in notices if notice.kind is NoticeKind.LOW_BALANCE]


def test_view__after_a_transfer_or_a_burn__is_told_once_for_each_crossing(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url, SETTINGS, PlanViews(balance=100)) as meter:
            await pay(meter, 30)
            await see(meter, see_left(2, 51))
            assert await take_low(meter) == []
            await see(meter, see_left(3, 50))
            await see(meter, see_left(4, 49))
            await pay(meter, 5)
            assert await take_low(meter) == [20]
            await see(meter, see_left(5, 60))
            assert await take_low(meter) == []
            await see(meter, see_left(6, 40))
            assert await take_low(meter) == [5]

    asyncio.run(serve())


def test_view__that_a_rollback_replaces__tells_a_low_balance_once(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url, SETTINGS, PlanViews(balance=100)) as meter:
            await pay(meter, 30)
            for _ in range(2):
                await see(meter, see_left(2, 45))
                await see(meter, see_left(1, 100, rolls_back=True))
            assert await take_low(meter) == [15]

    asyncio.run(serve())
    assert read_table(books_url, COUNT) == [(1,)]


@pytest.mark.parametrize(("others", "told"), [(20, [20]), (21, [])])
def test_view__after_a_lot_ended__tells_a_low_balance(books_url: str, others: int, told: list[int]) -> None:
    """The lot ends between two views. A charge in between sees few credits before it, and after it."""
    now = int(time.time())

    async def serve() -> None:
        async with opened(books_url, SETTINGS, PlanViews(balance=0)) as meter:
            await see(meter, see_left(1, 100 + others, lots=((now - 5, 100),)))
            assert (await meter.account(*BUYER.key)).find_available(now) == others
            assert await take_low(meter) == []
            await see(meter, see_left(2, others, time=now - 2, lapsed=100, ended=((now - 5, 100),)))
            assert await take_low(meter) == told
            await see(meter, see_left(3, others, time=now - 1, lapsed=100))
            assert await take_low(meter) == []

    asyncio.run(serve())


def test_view__the_first_one_of_an_account_with_few_credits__tells_nothing(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url, SETTINGS, PlanViews(balance=3)) as meter:
            await pay(meter, 1)
            assert await take_low(meter) == []

    asyncio.run(serve())


def test_charge__that_is_refused__tells_nothing(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url, SETTINGS, PlanViews(balance=100)) as meter:
            await fails(meter.admit(REQUEST, BUYER.pay(), 101), CreditsUsedUp)
            hold = held(await meter.admit(REQUEST, BUYER.pay(), 90))
            await meter.release(hold, was_sent=True)

    asyncio.run(serve())
    assert read_table(books_url, COUNT) == [(0,)]


def test_charge__of_many_at_once__is_told_once(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url, SETTINGS, PlanViews(balance=100)) as meter:
            await asyncio.gather(*(pay(meter, 2) for _ in range(50)))
            assert len(await meter.outbox.take()) == 1

    asyncio.run(serve())


def test_charge__on_a_plan_without_a_rule__tells_nothing(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url, build_plans(), PlanViews(balance=100)) as meter:
            await pay(meter, 99)
            await see(meter, see_lots(2, (50, 3)))

    asyncio.run(serve())
    assert read_table(books_url, COUNT) == [(0,)]


def test_view__with_lots_that_end__is_told_before_each_end(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url, SETTINGS) as meter:
            await see(meter, see_lots(2, (500, 3), (5_000, 4)))
            (first,) = await meter.outbox.take()
            assert (first.kind, first.number, first.end - SOON < first.caused_at) == (NoticeKind.LOT_ENDS, 3, True)
            await meter.outbox.delivered(first)
            await see(meter, see_lots(3, (500 - 1, 3), (5_000, 4)))
            await move_head(meter, first.caused_at + 4_100)
            kinds = [(notice.kind, notice.number) for notice in await meter.outbox.take()]
            assert (NoticeKind.LOT_ENDS, 4) in kinds

    asyncio.run(serve())


def test_view__of_lots_that_are_gone__takes_back_what_was_not_told_yet(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url, SETTINGS) as meter:
            both = see_lots(2, (500, 3), (5_000, 4))
            await see(meter, both)
            assert len(await meter.outbox.take()) == 1
            end = both.views[0].lots[1].end
            view = build_view(3, 1_000, time=both.views[0].time, lots=((end, 2),))
            await see(meter, SeeView(BUYER.key, (view,), 0))
            await move_head(meter, end - SOON)
            notices = {notice.number for notice in await meter.outbox.take()}
            assert notices == {2}
            await see(meter, SeeView(BUYER.key, (build_view(4, 1_000, time=both.views[0].time),), 0))

    asyncio.run(serve())
    assert read_table(books_url, COUNT) == [(0,)]


def test_view__that_a_rollback_replaces__leaves_one_notice(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url, SETTINGS) as meter:
            lots = see_lots(2, (5_000, 4))
            without = build_view(1, 1_000, time=lots.views[0].time)
            await see(meter, SeeView(BUYER.key, (without,), 0))
            await see(meter, lots)
            await see(meter, SeeView(BUYER.key, (without,), 0, rolls_back=True))
            assert await asyncio.to_thread(meter.writer.run, count_notices) == 0
            await see(meter, lots)
            await see(meter, SeeView(BUYER.key, (without, *lots.views), 0, rolls_back=True))
            assert await asyncio.to_thread(meter.writer.run, count_notices) == 1

    asyncio.run(serve())


def count_notices(store: Any) -> int:
    with store.asking() as pen:
        ((count,),) = pen.ask(COUNT)
    return int(count)


def test_view__of_access_that_ends__is_told_unless_it_lasts_longer_by_then(books_url: str) -> None:
    now = int(time.time())

    async def serve() -> None:
        async with opened(books_url, SETTINGS, PlanViews(access_seconds=5_000)) as meter:
            await sign_in(meter, plan_id=TIME_PLAN)
            await see(meter, see_access(2, now + 9_000))
            await move_head(meter, now + 5_500)
            assert await meter.outbox.take() == []
            await move_head(meter, now + 8_000)
            (notice,) = await meter.outbox.take()
            assert (notice.kind, notice.end, notice.number) == (NoticeKind.ACCESS_ENDS, now + 9_000, 0)
            await see(meter, see_access(3, 2**64 - 1))

    asyncio.run(serve())
    assert read_table(books_url, COUNT) == [(0,)]


def test_charge__on_a_time_plan_with_a_rule__tells_nothing(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url, SETTINGS, PlanViews(access_seconds=50_000)) as meter:
            hold = held(await meter.admit(REQUEST, TokenCredential(await sign_in(meter)), 1))
            await meter.charge(hold, 0)
            assert await meter.outbox.take() == []

    asyncio.run(serve())


# ---------------------------------------------------------------------- delivery


async def cause(meter: Meter, count: int = 1) -> list[Notice]:
    """Cause notices, and take them."""
    await see(meter, see_lots(2, *((100 + number, 1) for number in range(count))))
    return await meter.outbox.take(count)


def test_take__of_due_notices__gives_each_to_one_at_a_time(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url, SETTINGS) as meter:
            assert len(await cause(meter, 3)) == 3
            assert await meter.outbox.take() == []
            await see(meter, see_lots(3, (200, 1), (201, 1)))
            (one,), (other,) = await meter.outbox.take(1), await meter.outbox.take(1)
            assert one.notice_id != other.notice_id
            await meter.outbox.delivered(one)
            await move_head(meter, other.caused_at + 100)
            again = await meter.outbox.take()
            assert one.notice_id not in {notice.notice_id for notice in again}
            assert {notice.attempt for notice in again} == {2}

    asyncio.run(serve())


def test_take__at_two_meters__gives_no_notice_twice(postgres_books_url: str) -> None:
    async def serve() -> None:
        async with opened(postgres_books_url, SETTINGS) as one, opened(postgres_books_url, SETTINGS) as other:
            await see(one, see_lots(2, *((100 + number, 1) for number in range(40))))
            taken = await asyncio.gather(*(meter.outbox.take(5) for meter in (one, other) * 8))
            ids = [notice.notice_id for notices in taken for notice in notices]
            assert len(ids) == len(set(ids)) == 40

    asyncio.run(serve())


def test_try_later__of_a_failed_delivery__waits_longer_each_time_and_gives_up(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url, SETTINGS) as meter:
            await pay(meter, 985)
            (notice,), pauses = await meter.outbox.take(), list[int]()
            now = notice.caused_at
            for attempt in range(1, MOST_ATTEMPTS + 1):
                assert notice.attempt == attempt
                due_at = await meter.outbox.try_later(notice)
                assert due_at is not None
                pauses.append(due_at - now)
                await move_head(meter, due_at - 1)
                if attempt == 1:
                    assert due_at - 1 > time.time()
                assert await meter.outbox.take() == []
                now = due_at
                await move_head(meter, now)
                (notice,) = await meter.outbox.take() or [notice]
            assert pauses == sorted(pauses)
            assert await meter.outbox.take() == []
            (given_up,) = await meter.outbox.list_given_up()
            assert (given_up.notice_id, given_up.attempt) == (notice.notice_id, MOST_ATTEMPTS)
            assert await meter.outbox.try_later(notice) is None
            await meter.outbox.delivered(notice)
            assert await meter.outbox.list_given_up() == []

    asyncio.run(serve())


def test_try_later__after_the_lease_has_ended__leaves_it_to_the_next(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url, SETTINGS) as meter:
            (late,) = await cause(meter)
            await move_head(meter, late.caused_at + 70)
            (next_one,) = await meter.outbox.take()
            assert await meter.outbox.try_later(late) is None
            await meter.outbox.delivered(late)
            assert await meter.outbox.try_later(next_one) is None

    asyncio.run(serve())
    assert read_table(books_url, "SELECT state, attempt FROM notices") == [(1, 2)]


def test_take__after_a_restart__still_has_what_was_not_delivered(books_url: str) -> None:
    async def serve() -> list[Notice]:
        async with opened(books_url, SETTINGS) as meter:
            return await cause(meter)

    (before,) = asyncio.run(serve())

    async def serve_again() -> None:
        async with opened(books_url) as meter:
            await move_head(meter, before.caused_at + 80)
            (again,) = await meter.outbox.take()
            assert (again.notice_id, again.attempt) == (before.notice_id, 2)

    asyncio.run(serve_again())


def test_sweep_notices__of_delivered_ones__keeps_them_until_their_end_is_over(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url, SETTINGS) as meter:
            await see(meter, see_lots(2, (100, 1), (900, 1), (KEPT_SECONDS + 900, 1)))
            await meter.outbox.delivered(*await meter.outbox.take(1))
            now = int(time.time())
            for seconds, swept in ((KEPT_SECONDS - 100, 0), (KEPT_SECONDS + 100, 1)):
                await move_head(meter, now + seconds)
                assert await asyncio.to_thread(meter.writer.run, sweep_notices) == swept
            (soon,) = await meter.outbox.take()
            assert soon.end > now + KEPT_SECONDS
            assert [notice.end - now < 1_000 for notice in await meter.outbox.list_given_up()] == [True]

    asyncio.run(serve())
    assert read_table(books_url, COUNT) == [(2,)]


def test_sweep_notices__of_an_end_that_is_far_away__keeps_it_so_that_it_is_not_told_again(books_url: str) -> None:
    far = KEPT_SECONDS + 1_000

    async def serve() -> None:
        settings = build_plans(notices={PLAN: NoticeRule(soon_seconds=2 * KEPT_SECONDS)})
        async with opened(books_url, settings) as meter:
            lots = see_lots(2, (far, 1))
            await see(meter, lots)
            (notice,) = await meter.outbox.take()
            await meter.outbox.delivered(notice)
            for seconds, swept in ((far - 1, 0), (far + 1, 1)):
                await move_head(meter, notice.end - far + seconds)
                assert await asyncio.to_thread(meter.writer.run, sweep_notices) == swept

    asyncio.run(serve())


@pytest.mark.parametrize("wrong", [{"count": 0}, {"seconds": 0}, {"count": 2**16}])
def test_take__of_a_number_out_of_range__is_refused(books_url: str, wrong: dict[str, int]) -> None:
    async def serve() -> None:
        async with opened(books_url) as meter:
            await fails(partial(meter.outbox.take, **wrong)(), InvalidAmount)

    asyncio.run(serve())
