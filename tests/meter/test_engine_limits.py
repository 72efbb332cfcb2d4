"""Limits at the engine: counted in the books, right over several processes, and refused with the seconds to wait."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from nvm_chain.errors import (
    CreditsUsedUp,
    PlanNotAccepted,
    QuotaReached,
    RequestRefused,
    TooManyAuthorities,
    TooManyReleases,
    TooManyRequests,
    TooManyTokens,
)
from nvm_chain.meter.credentials import TokenCredential
from nvm_chain.meter.limits import HOUR, Limits, Rate
from nvm_chain.meter.session_terms import PeriodLimit
from nvm_chain.meter.store.group_rows import HoldState
from nvm_chain.meter.store.sweeping import find_abandoned, find_overdue, sweep
from tests.meter.services import ANN, BOB, FREE_PLAN, PlanViews, build_plans, build_terms, move_head, opened, sign_in
from tests.meter.test_engine import OTHER_SERVICE, fails
from tests.meter.test_engine_sign_in import read_table
from tests.support.meter_engines import REQUEST, Buyer, held

BUYER = Buyer(ANN)
LONG = 10**8
"""A period that does not end during a test."""
AT_OTHER = replace(REQUEST, service=OTHER_SERVICE)


def allow(**limits: Any) -> Any:
    """Return the settings of a meter with limits at one service, and another service without."""
    return build_plans(build_terms(limits=Limits(**limits)), build_terms(OTHER_SERVICE))


def check_wait(error: RequestRefused, length: int) -> None:
    assert 0 < error.fields["retry_seconds"] <= length


def test_admit__more_requests_than_the_seller_allows__is_refused_until_the_next_period(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url, allow(rate=Rate(3, LONG))) as meter:
            outcomes = await asyncio.gather(
                *(meter.admit(REQUEST, BUYER.pay(), 1) for _ in range(8)), return_exceptions=True
            )
            refused = [outcome for outcome in outcomes if isinstance(outcome, TooManyRequests)]
            assert len(refused) == 5
            check_wait(refused[0], LONG)
            assert refused[0].next_ceiling == 4
            held(await meter.admit(AT_OTHER, BUYER.pay(AT_OTHER), 1))
            held(await meter.admit(REQUEST, Buyer(BOB).pay(), 1))

    asyncio.run(serve())

    async def serve_again() -> None:
        async with opened(books_url, allow(rate=Rate(3, LONG))) as meter:
            credential = BUYER.pay()
            await fails(meter.admit(REQUEST, credential, 1), TooManyRequests)
        async with opened(books_url, allow(rate=Rate(4, LONG))) as meter:
            held(await meter.admit(REQUEST, credential, 1))

    asyncio.run(serve_again())


def test_admit__at_two_meters__is_counted_once(postgres_books_url: str) -> None:
    """The counters are in the row that both lock, so no process allows more."""

    async def serve() -> list[Any]:
        settings = allow(rate=Rate(10, LONG), quota=PeriodLimit(30, LONG))
        async with opened(postgres_books_url, settings) as one, opened(postgres_books_url, settings) as other:
            meters = (one, other) * 20
            return await asyncio.gather(
                *(meter.admit(REQUEST, BUYER.pay(), 4) for meter in meters), return_exceptions=True
            )

    outcomes = asyncio.run(serve())
    assert sum(not isinstance(outcome, Exception) for outcome in outcomes) == 7
    assert {type(outcome) for outcome in outcomes if isinstance(outcome, Exception)} == {QuotaReached}


def test_admit__above_the_quota__counts_what_was_charged(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url, allow(quota=PeriodLimit(10, LONG))) as meter:
            first = held(await meter.admit(REQUEST, BUYER.pay(), 8))
            error = await fails(meter.admit(REQUEST, BUYER.pay(), 3), QuotaReached)
            assert (error.fields["available"], error.fields["required"], error.next_ceiling) == (2, 3, 11)
            await meter.charge(first, 5)
            second = held(await meter.admit(REQUEST, BUYER.pay(), 5))
            await fails(meter.admit(REQUEST, BUYER.pay(), 1), QuotaReached)
            await meter.release(second, was_sent=False)
            third = held(await meter.admit(REQUEST, BUYER.pay(), 5))
            await meter.release(third, was_sent=True)
            await meter.charge(held(await meter.admit(REQUEST, BUYER.pay(), 5)), 5)
            await fails(meter.admit(REQUEST, BUYER.pay(), 1), QuotaReached)

    asyncio.run(serve())
    assert read_table(books_url, "SELECT committed, held FROM accounts") == [(10, 0)]


def test_admit__refused_by_a_limit__spends_nothing(books_url: str) -> None:
    async def serve() -> None:
        credential = BUYER.pay()
        async with opened(books_url, allow(quota=PeriodLimit(10, LONG))) as meter:
            token, _ = await meter.open_session(*BUYER.open_terms(20))
            hold = held(await meter.admit(REQUEST, BUYER.pay(), 10))
            await fails(meter.admit(REQUEST, credential, 5), QuotaReached)
            await fails(meter.admit(REQUEST, TokenCredential(token), 5), QuotaReached)
            await meter.charge(hold, 0)
            held(await meter.admit(REQUEST, credential, 5))
            held(await meter.admit(REQUEST, TokenCredential(token), 5))

    asyncio.run(serve())
    assert read_table(books_url, "SELECT used, held FROM authorities") == [(1, 5)]


def test_release__more_often_than_the_seller_allows__refuses_for_the_rest_of_the_hour(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url, allow(releases=2)) as meter:
            for was_sent in (True, False, False, True):
                hold = held(await meter.admit(REQUEST, BUYER.pay(), 1))
                await meter.release(hold, was_sent=was_sent)
                await meter.release(hold, was_sent=was_sent)
            error = await fails(meter.admit(REQUEST, BUYER.pay(), 1), TooManyReleases)
            check_wait(error, HOUR)
            held(await meter.admit(AT_OTHER, BUYER.pay(AT_OTHER), 1))
            await move_head(meter, 2 * 10**9)
            credential = TokenCredential(await sign_in(meter, plan_id=FREE_PLAN))
            held(await meter.admit(REQUEST, credential, 1))

    asyncio.run(serve())


def test_sweep__of_holds_of_a_process_that_has_ended__is_not_the_holders_fault(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url, allow(releases=1)) as meter:
            for _ in range(2):
                hold = held(await meter.admit(REQUEST, BUYER.pay(), 1))
                swept = await asyncio.to_thread(
                    meter.writer.run,
                    lambda store: sweep(store, [hold], owner_is_gone=True),  # noqa: B023
                )
                assert [each.state for each in swept] == [HoldState.RELEASED]
            assert await asyncio.to_thread(meter.writer.run, find_overdue) == []
            held(await meter.admit(REQUEST, BUYER.pay(), 1))

    asyncio.run(serve())


def test_sweep__of_holds_of_a_process_that_has_ended__gives_their_quota_back(books_url: str) -> None:
    """The process that opened the hold knew the limits. The one that sweeps it has the hold from the books only."""

    async def serve() -> None:
        settings = allow(quota=PeriodLimit(10, LONG), releases=1)
        async with opened(books_url, settings) as meter:
            token, _ = await meter.open_session(*BUYER.open_terms(20))
            held(await meter.admit(REQUEST, BUYER.pay(), 6))
            held(await meter.admit(REQUEST, TokenCredential(token), 4))
        async with opened(books_url, settings) as meter:
            await fails(meter.admit(REQUEST, BUYER.pay(), 1), QuotaReached)
            swept = await asyncio.to_thread(
                meter.writer.run, lambda store: sweep(store, find_abandoned(store), owner_is_gone=True)
            )
            assert len(swept) == 2
            hold = held(await meter.admit(REQUEST, BUYER.pay(), 10))
            await meter.charge(hold, 7)
            error = await fails(meter.admit(REQUEST, BUYER.pay(), 4), QuotaReached)
            assert error.fields["available"] == 3

    asyncio.run(serve())


def test_admit__on_a_time_plan__is_limited_too(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url, allow(rate=Rate(2, LONG), releases=1)) as meter:
            credential = TokenCredential(await sign_in(meter))
            await meter.charge(held(await meter.admit(REQUEST, credential, 1)), 0)
            await meter.release(held(await meter.admit(REQUEST, credential, 1)), was_sent=False)
            await fails(meter.admit(REQUEST, credential, 1), TooManyRequests)

    asyncio.run(serve())
    assert read_table(books_url, "SELECT count(*) FROM holds") == [(2,)]


def test_admit__without_limits__counts_nothing(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url, build_plans(), PlanViews(balance=1)) as meter:
            await meter.charge(held(await meter.admit(REQUEST, BUYER.pay(), 1)), 1)
            await fails(meter.admit(REQUEST, BUYER.pay(), 1), CreditsUsedUp)

    asyncio.run(serve())
    ((usages,),) = read_table(books_url, "SELECT usages FROM accounts")
    assert len(usages) == 1


# ---------------------------------------------------------------------- sessions


def test_open_session__of_a_plan_that_no_service_takes__is_refused(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url, build_plans(build_terms(policies={}))) as meter:
            await fails(meter.open_session(*BUYER.open_terms()), PlanNotAccepted)

    asyncio.run(serve())
    assert read_table(books_url, "SELECT * FROM accounts") == []


def test_open_session__again_and_again__has_a_bound_of_tokens(books_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """S8: whoever has a voucher fills no database with tokens."""
    monkeypatch.setattr("nvm_chain.meter.store.sessions.MOST_TOKENS", 3)

    async def serve() -> None:
        signed, terms = BUYER.open_terms()
        async with opened(books_url) as meter:
            outcomes = await asyncio.gather(
                *(meter.open_session(signed, terms) for _ in range(5)), return_exceptions=True
            )
            tokens = [outcome[0] for outcome in outcomes if isinstance(outcome, tuple)]
            assert len(tokens) == 3
            for token in tokens:
                held(await meter.admit(REQUEST, TokenCredential(token), 1))
            await fails(meter.open_session(signed, terms), TooManyTokens)
            await meter.open_session(*BUYER.open_terms(seconds=3_700))

    asyncio.run(serve())
    assert read_table(books_url, "SELECT count(*) FROM tokens") == [(4,)]


def test_open_session__more_than_the_meter_keeps__is_refused(books_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nvm_chain.meter.store.sessions.MOST_AUTHORITIES", 3)

    async def serve() -> None:
        several = [BUYER.open_terms(seconds=3_600 + number) for number in range(5)]
        async with opened(books_url) as meter:
            outcomes = await asyncio.gather(*(meter.open_session(*each) for each in several), return_exceptions=True)
            assert sum(isinstance(outcome, TooManyAuthorities) for outcome in outcomes) == 2
            await meter.open_session(*several[0])
            await meter.open_session(*Buyer(BOB).open_terms())

    asyncio.run(serve())
    assert read_table(books_url, "SELECT count(*) FROM authorities") == [(4,)]
