"""Sessions that send many requests use tranches: they await fewer writes, and are as exact as with a hold each (S2, S10)."""

import asyncio
import time
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from nvm_chain.errors import (
    AuthorityRevoked,
    ChargeAboveHold,
    CreditsUsedUp,
    HoldOver,
    IndexUnavailable,
    InvalidAmount,
    LimitReached,
    MeterClosed,
    RequestAboveLimit,
)
from nvm_chain.meter.credentials import TokenCredential, hash_token
from nvm_chain.meter.engine import Meter
from nvm_chain.meter.session_tranches import BUSY, Pace
from nvm_chain.meter.store.admissions import AdmitUse
from nvm_chain.meter.store.group_rows import HoldState, StoredHold
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.store.sweeping import find_abandoned, sweep
from nvm_chain.meter.store.tranche_changes import AdmitTranche
from nvm_chain.meter.store.verifying import verify_books
from nvm_chain.meter.store.writer import Writer
from tests.meter.test_engine_failures import Gate
from tests.support.meter_engines import REQUEST, Buyer, GivenViews, build_meter, build_settings, held, running
from tests.support.meter_stores import open_books

BUYER = Buyer()
IN_FLIGHT = 16
MANY = 60
SECONDS = 60


async def open_token(meter: Meter, limit: int = 500, **limits: Any) -> TokenCredential:
    """Open a session, and return its token."""
    token, _ = await meter.open_session(*BUYER.open_terms(limit, **limits))
    return TokenCredential(token)


async def serve(
    meter: Meter, token: TokenCredential, requests: int, credits: int = 2, cost: int = 1
) -> list[StoredHold]:
    """Serve requests, some at a time, and return their charged holds. Refused ones are left out."""
    numbers = iter(range(requests))
    charged: list[asyncio.Future[StoredHold]] = []

    async def work() -> None:
        for _ in numbers:
            with suppress(LimitReached, CreditsUsedUp):
                charged.append(meter.charge(held(await meter.admit(REQUEST, token, credits)), cost))

    await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
    return list(await asyncio.gather(*charged))


async def serve_until_refused(meter: Meter, token: TokenCredential) -> None:
    """Send requests that are not served, until one is refused."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        await meter.release(held(await meter.admit(REQUEST, token, 1)), was_sent=True)


@pytest.fixture(autouse=True)
def always_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every session have tranches from its first request on, however slow the machine is."""
    monkeypatch.setattr("nvm_chain.meter.session_tranches.BUSY", 0)


async def take_part(meter: Meter, token: TokenCredential) -> StoredHold:
    """Admit a request of two credits, and return its part of a tranche."""
    part = held(await meter.admit(REQUEST, token, 2))
    assert meter._tranches.find(part) is not None
    return part


def read_rows(url: str) -> list[tuple[int, int, int]]:
    """Return state, credits and cost of all holds."""
    store = open_books(url)
    with store.asking() as pen:
        rows = pen.ask("SELECT state, credits, cost FROM holds")
    store.close()
    return [tuple(row) for row in rows]


def check_sums(url: str) -> None:
    """Check that the books are the sum of their first entries, and that nothing is held."""
    store: Store = open_books(url)
    assert verify_books(store) == []
    store.close()
    assert not [row for row in read_rows(url) if row[0] == HoldState.OPEN]


def test_session__that_sends_many_requests__has_an_entry_for_each_and_right_totals(books_url: str) -> None:
    async def act() -> list[StoredHold]:
        async with running(books_url) as meter:
            token = await open_token(meter)
            charged = await serve(meter, token, MANY)
            account = await meter.account(*BUYER.key)
            assert account.committed == MANY
            return charged

    charged = asyncio.run(act())
    assert sorted(hold.total for hold in charged) == [*range(1, MANY + 1)]
    assert sum(1 for state, _, cost in read_rows(books_url) if (state, cost) == (HoldState.CHARGED, 1)) == MANY
    check_sums(books_url)


@pytest.mark.parametrize(("limit", "balance"), [(40, 1_000), (500, 40)], ids=["limit", "balance"])
def test_session__up_to_its_last_credit__is_served_and_no_further(books_url: str, limit: int, balance: int) -> None:
    """A tranche takes a part of what is left, so requests near the end have holds of their own."""

    async def act() -> int:
        async with running(books_url, views=GivenViews(balance)) as meter:
            token = await open_token(meter, limit)
            served = len(await serve(meter, token, 100, credits=1))
            served += len(await serve(meter, token, 100, credits=1))
            return served

    assert asyncio.run(act()) == 40
    check_sums(books_url)


def test_session__in_two_processes__is_served_no_more_than_its_limit(postgres_books_url: str) -> None:
    async def act() -> int:
        async with running(postgres_books_url) as one, running(postgres_books_url) as other:
            token = await open_token(one, 50)
            served = await asyncio.gather(*(serve(meter, token, 100, credits=1) for meter in (one, other)))
            last = await asyncio.gather(*(serve(meter, token, 20, credits=1) for meter in (one, other)))
            return sum(map(len, (*served, *last)))

    assert asyncio.run(act()) == 50
    check_sums(postgres_books_url)


def test_session__request_above_its_limit__is_refused_while_there_is_a_tranche(books_url: str) -> None:
    async def act() -> None:
        async with running(books_url) as meter:
            token = await open_token(meter, per_request=3)
            await take_part(meter, token)
            with pytest.raises(RequestAboveLimit):
                await meter.admit(REQUEST, token, 4)

    asyncio.run(act())


def test_session__revoked__is_refused_although_there_is_a_tranche(books_url: str) -> None:
    async def act() -> None:
        async with running(books_url) as meter:
            token = await open_token(meter)
            part = await take_part(meter, token)
            await meter.revoke_session(token.token)
            with pytest.raises(AuthorityRevoked):
                await meter.admit(REQUEST, token, 1)
            assert (await meter.charge(part, 2)).cost == 2

    asyncio.run(act())
    check_sums(books_url)


def test_session__revoked_by_another_process__is_refused_soon(postgres_books_url: str) -> None:
    async def act() -> None:
        async with running(postgres_books_url) as one, running(postgres_books_url) as other:
            token = await open_token(one)
            await one.charge(await take_part(one, token), 1)
            await other.revoke_session(token.token)
            with pytest.raises(AuthorityRevoked):
                await serve_until_refused(one, token)

    asyncio.run(act())
    check_sums(postgres_books_url)


def test_charge__of_a_part__is_as_that_of_any_hold(books_url: str) -> None:
    async def act() -> None:
        async with running(books_url) as meter:
            part = await take_part(meter, await open_token(meter))
            with pytest.raises(ChargeAboveHold):
                await meter.charge(part, 3)
            charged = await meter.charge(part, 2)
            assert (charged.cost, charged.total, charged.state) == (2, 2, HoldState.CHARGED)
            assert await meter.charge(part, 2) == charged
            with pytest.raises(HoldOver):
                await meter.charge(part, 1)
            await meter.release(part, was_sent=True)
            assert (await meter.account(*BUYER.key)).committed == 2

    asyncio.run(act())
    check_sums(books_url)


def test_release__of_a_part__lets_another_request_use_its_credits(books_url: str) -> None:
    async def act() -> None:
        async with running(books_url) as meter:
            token = await open_token(meter)
            part = await take_part(meter, token)
            await meter.release(part, was_sent=False)
            await meter.release(part, was_sent=False)
            with pytest.raises(HoldOver):
                await meter.charge(part, 1)
            assert len(await serve(meter, token, 20)) == 20

    asyncio.run(act())
    check_sums(books_url)
    assert sum(cost for _, _, cost in read_rows(books_url)) == 20


def test_session__that_is_quiet_again__gives_its_tranche_back(books_url: str) -> None:
    async def act() -> None:
        async with running(books_url) as meter:
            token = await open_token(meter)
            await meter.charge(await take_part(meter, token), 1)
            assert (await meter.account(*BUYER.key)).held
            until = time.monotonic() + SECONDS
            while (await meter.account(*BUYER.key)).held and time.monotonic() < until:
                await asyncio.sleep(0)
            assert not (await meter.account(*BUYER.key)).held
            assert not meter._tranches._all
            assert not meter._tranches._of_parts

    asyncio.run(act())


def test_admit__cancelled_while_a_tranche_is_opened__holds_nothing(books_url: str) -> None:
    async def act() -> None:
        async with running(books_url) as meter:
            token = await open_token(meter)
            tasks = [asyncio.ensure_future(meter.admit(REQUEST, token, 1)) for _ in range(4)]
            while not meter._tranches._opening:
                await asyncio.sleep(0)
            tasks[0].cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            assert isinstance(outcomes[0], asyncio.CancelledError)
            for outcome in outcomes[1:]:
                await meter.charge(held(outcome), 1)

    asyncio.run(act())
    check_sums(books_url)
    assert sum(cost for _, _, cost in read_rows(books_url)) == 3


def test_close__while_parts_run__leaves_their_tranche_open_and_charges_what_ended(books_url: str) -> None:
    async def act() -> None:
        async with running(books_url) as meter:
            token = await open_token(meter)
            part = await take_part(meter, token)
            held(await meter.admit(REQUEST, token, 2))
            meter.charge(part, 2)

    asyncio.run(act())
    rows = read_rows(books_url)
    assert sum(cost for _, _, cost in rows) == 2
    assert [state for state, _, _ in rows].count(HoldState.OPEN) == 1
    store = open_books(books_url)
    assert verify_books(store) == []
    store.close()


def test_pace__of_a_session__is_that_of_this_second_and_half_of_the_last() -> None:
    pace = Pace()
    assert [pace.note(5) for _ in range(BUSY + 2)][-1] == BUSY + 2
    assert pace.note(6) == (BUSY + 2) // 2 + 1
    assert pace.note(8) == 1


def test_session__that_sends_few_requests__has_a_hold_for_each(books_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nvm_chain.meter.session_tranches.BUSY", BUSY)

    async def act() -> None:
        async with running(books_url) as meter:
            token = await open_token(meter)
            for _ in range(BUSY):
                hold = held(await meter.admit(REQUEST, token, 2))
                assert meter._tranches.find(hold) is None
                await meter.release(hold, was_sent=True)

    asyncio.run(act())
    assert len(read_rows(books_url)) == BUSY


# ---------------------------------------------------------------------- ends that are not as usual


def test_session__with_requests_that_take_long__does_not_hold_what_nobody_uses(books_url: str) -> None:
    """A tranche gives back what is left of it as soon as it is over, although some of its requests still run."""

    async def act() -> None:
        async with running(books_url, views=GivenViews(10_000)) as meter:
            token = await open_token(meter, 200)
            parts = []
            for _ in range(20):
                parts += [held(await meter.admit(REQUEST, token, 1)) for _ in range(10)]
                for tranche in [*meter._tranches._all]:
                    tranche.retire()  # as after its second
            await asyncio.gather(*(meter.charge(part, 1) for part in parts))

    asyncio.run(act())
    check_sums(books_url)
    assert sum(cost for _, _, cost in read_rows(books_url)) == 200


def test_tranches__used_up__are_not_remembered_as_open(books_url: str) -> None:
    async def act() -> None:
        async with running(books_url, views=GivenViews(10_000)) as meter:
            token = await open_token(meter, 4_000)
            for _ in range(3):
                parts = await asyncio.gather(*(meter.admit(REQUEST, token, 1) for _ in range(300)))
                await asyncio.gather(*(meter.charge(held(part), 1) for part in parts))
            await meter._tranches.finish()
            assert (await meter.account(*BUYER.key)).held == 0
            assert not meter._tranches._all
            assert not meter.writer._store._rows._open

    asyncio.run(act())


def test_close__while_the_books_are_away__returns(books_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act() -> None:
        meter = build_meter(Writer(open_books(books_url)))
        part = await take_part(meter, await open_token(meter))

        def fail(_: object) -> None:
            raise IndexUnavailable("the books", "away")

        with monkeypatch.context() as patched:
            patched.setattr(meter.writer._store, "run", fail)
            charge = meter.charge(part, 1)
            await asyncio.wait_for(meter.close(), SECONDS)
        with pytest.raises(IndexUnavailable):
            await charge

    asyncio.run(act())


def test_close__cancelled_and_called_again__waits_for_the_end(books_url: str) -> None:
    async def act() -> None:
        meter = build_meter(Writer(open_books(books_url)))
        meter.charge(await take_part(meter, await open_token(meter)), 1)
        closing = asyncio.ensure_future(meter.close())
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.gather(closing, return_exceptions=True)
        await meter.close()
        assert not meter.writer._thread.is_alive()
        with pytest.raises(MeterClosed):
            await meter.admit(REQUEST, BUYER.pay(), 1)

    asyncio.run(act())
    check_sums(books_url)


@pytest.mark.parametrize("busy", [0, 1_000_000])
def test_admit__cancelled_in_the_turn_of_its_outcome__holds_nothing(
    books_url: str, monkeypatch: pytest.MonkeyPatch, busy: int
) -> None:
    """The future has a result then, and the one who waits for it is cancelled all the same."""
    monkeypatch.setattr("nvm_chain.meter.session_tranches.BUSY", busy)

    async def act() -> None:
        async with running(books_url) as meter:
            token, send = await open_token(meter), meter.writer.send

            def send_and_cancel(change: Any, settle: Any) -> Any:
                future = send(change, settle)
                if isinstance(change, AdmitUse | AdmitTranche):
                    future.add_done_callback(lambda _: task.cancel())
                return future

            monkeypatch.setattr(meter.writer, "send", send_and_cancel)
            task = asyncio.ensure_future(meter.admit(REQUEST, token, 5))
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(act())
    check_sums(books_url)


def test_tranche__that_is_over_in_the_books__serves_nothing_more(books_url: str) -> None:
    """S1: what is released by another process, or is not there after a failover, is no hold."""

    async def act() -> None:
        async with running(books_url) as meter:
            token = await open_token(meter)
            charged, released = await take_part(meter, token), await take_part(meter, token)
            await asyncio.to_thread(meter.writer.run, sweep_all)
            with pytest.raises(HoldOver):
                await meter.charge(charged, 1)
            await meter.release(released, was_sent=True)
            assert (await meter.charge(await take_part(meter, token), 1)).cost == 1

    asyncio.run(act())
    check_sums(books_url)


def sweep_all(store: Store) -> None:
    """Release all open holds, as if their owners had ended."""
    sweep(store, find_abandoned(store), owner_is_gone=True)


def test_session__revoked_while_a_tranche_is_opened__is_refused(books_url: str) -> None:
    async def act() -> None:
        async with running(books_url) as meter:
            token = await open_token(meter)
            opening = asyncio.ensure_future(meter.admit(REQUEST, token, 1))
            while not meter._tranches._opening:
                await asyncio.sleep(0)
            await meter.revoke_session(token.token)
            await meter.charge(held(await opening), 1)
            with pytest.raises(AuthorityRevoked):
                await meter.admit(REQUEST, token, 1)

    asyncio.run(act())


def test_parts__whose_end_nobody_tells__are_forgotten_after_their_time(
    books_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nvm_chain.meter.engine.SPARE_SECONDS", 0)
    settings = build_settings()
    terms = replace(settings.services[REQUEST.service], request_seconds=1)

    async def act() -> None:
        async with running(books_url, replace(settings, services={REQUEST.service: terms})) as meter:
            await take_part(meter, await open_token(meter))
            until = time.monotonic() + SECONDS
            while meter._tranches._all and time.monotonic() < until:
                await asyncio.sleep(0.05)
            for rest in (meter._tranches._all, meter._tranches._of_parts, meter._tranches._current):
                assert not rest

    asyncio.run(act())


def test_charge__of_a_part_that_is_no_number_of_credits__fails_in_its_future(books_url: str) -> None:
    async def act() -> None:
        async with running(books_url) as meter:
            part = await take_part(meter, await open_token(meter))
            charge = meter.charge(part, -1)
            with pytest.raises(InvalidAmount):
                await charge
            assert (await meter.charge(part, 1)).cost == 1
            assert (await meter.release(part, was_sent=True)).state is HoldState.CHARGED

    asyncio.run(act())


def test_close__while_a_tranche_is_opened__holds_no_more_than_its_request(books_url: str) -> None:
    """What no request will use is given back before the books are closed, and not minutes later by a sweep."""

    async def act() -> None:
        meter = build_meter(Writer(open_books(books_url)))
        token = await open_token(meter)
        await meter._find_session(hash_token(token.token))
        gate = Gate(meter.writer)
        asking = [asyncio.ensure_future(meter.admit(REQUEST, token, 2)) for _ in range(3)]
        while not meter._tranches._opening:
            await asyncio.sleep(0)
        closing = asyncio.ensure_future(meter.close())
        await asyncio.sleep(0)
        gate.open()
        first, *others = await asyncio.gather(*asking, return_exceptions=True)
        await closing
        assert held(first).hold.credits == 2
        assert all(isinstance(other, StoredHold | MeterClosed) for other in others)
        open_ = [hold for hold in (first, *others) if isinstance(hold, StoredHold)]
        assert sum(credits for state, credits, _ in read_rows(books_url) if state == HoldState.OPEN) == 2 * len(open_)

    asyncio.run(act())
    store = open_books(books_url)
    assert verify_books(store) == []
    store.close()
