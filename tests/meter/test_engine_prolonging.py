"""Requests that go on in the engine: their holds are prolonged, those in tranches too, and end if their process goes (S2, S10)."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from nvm_chain.errors import CreditsUsedUp, HoldOver, IndexUnavailable, MeterClosed
from nvm_chain.meter import engine
from nvm_chain.meter.credentials import TokenCredential
from nvm_chain.meter.engine import Meter
from nvm_chain.meter.settings import SPARE_SECONDS, MeterSettings
from nvm_chain.meter.store.group_rows import StoredHold
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.store.sweeping import find_overdue, sweep
from nvm_chain.meter.store.verifying import verify_books
from tests.meter.services import FREE_PLAN, TIME_PLAN, build_plans, build_terms, opened, sign_in
from tests.support.meter_engines import BALANCE, REQUEST, Buyer, build_settings, held, running
from tests.support.meter_stores import open_books

BUYER = Buyer()
SECONDS = 60
SPARE = SPARE_SECONDS
BRIEF = 5


def build_brief(request_seconds: int = BRIEF, max_answer_seconds: int = 1_000) -> MeterSettings:
    """Return settings of a meter whose requests have little time until their answer begins."""
    settings = build_settings()
    terms = replace(
        settings.services[REQUEST.service], request_seconds=request_seconds, max_answer_seconds=max_answer_seconds
    )
    return replace(settings, services={REQUEST.service: terms})


def read_ends(url: str) -> list[int]:
    """Return the ends of open holds."""
    store = open_books(url)
    with store.asking() as pen:
        rows = pen.ask("SELECT until FROM holds WHERE state = 0")
    assert verify_books(store) == []
    store.close()
    return [int(row[0]) for row in rows]


async def ask(meter: Meter, work: Callable[[Store], Any]) -> Any:
    """Do something with the books of a meter."""
    return await asyncio.to_thread(meter.writer.run, work)


async def wait_for(second: int) -> None:
    """Wait until a second has passed."""
    until = time.monotonic() + SECONDS
    while time.time() < second + 1 and time.monotonic() < until:
        await asyncio.sleep(0.02)


def test_prolong__of_a_voucher__lets_it_be_charged_after_its_first_end(
    books_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act() -> None:
        async with running(books_url, build_brief()) as meter:
            monkeypatch.setattr(engine, "SPARE_SECONDS", 0)
            hold = held(await meter.admit(REQUEST, BUYER.pay(), BALANCE))
            monkeypatch.setattr(engine, "SPARE_SECONDS", SPARE)
            assert BRIEF - 1 <= await meter.prolong(hold) <= BRIEF
            await wait_for(hold.until)
            assert await ask(meter, lambda store: sweep(store, find_overdue(store))) == []
            with pytest.raises(CreditsUsedUp):
                await meter.admit(REQUEST, BUYER.pay(ceiling=20_000), 1)
            assert (await meter.charge(hold, 7)).total == 7
            with pytest.raises(HoldOver):
                await meter.prolong(hold)

    asyncio.run(act())
    assert read_ends(books_url) == []


def test_prolong__says_how_much_time_is_left_of_the_longest(books_url: str) -> None:
    async def act() -> None:
        async with running(books_url, build_brief(100, 130)) as meter:
            hold = held(await meter.admit(REQUEST, BUYER.pay(), 1))
            assert await meter.prolong(hold) in range(90, 101)
        async with running(books_url, build_brief(600, 130)) as meter:
            hold = held(await meter.admit(REQUEST, BUYER.pay(), 1))
            assert await meter.prolong(hold) in range(
                590, 601
            )  # a longest time below that until the answer counts as that

    asyncio.run(act())


def test_prolong__while_the_books_are_away__fails_and_the_hold_is_as_before(
    books_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act() -> StoredHold:
        async with running(books_url, build_brief(600)) as meter:
            hold = held(await meter.admit(REQUEST, BUYER.pay(), 1))
            with monkeypatch.context() as patched:
                patched.setattr(Store, "run", fail)
                with pytest.raises(IndexUnavailable):
                    await meter.prolong(hold)
            assert await meter.prolong(hold)
            return hold

    def fail(*_: Any) -> Any:
        raise IndexUnavailable("the books", "they are away")

    hold = asyncio.run(act())
    assert read_ends(books_url)[0] >= hold.until


def test_prolong__after_the_meter_was_closed__is_refused(books_url: str) -> None:
    async def act() -> None:
        async with running(books_url) as meter:
            hold = held(await meter.admit(REQUEST, BUYER.pay(), 1))
        with pytest.raises(MeterClosed):
            await meter.prolong(hold)

    asyncio.run(act())


# ---------------------------------------------------------------------- tranches


@pytest.fixture
def always_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every session have tranches from its first request on, however slow the machine is."""
    monkeypatch.setattr("nvm_chain.meter.session_tranches.BUSY", 0)


@pytest.mark.usefixtures("always_busy")
@pytest.mark.parametrize("is_retired", [False, True])
def test_prolong__of_a_part_of_a_tranche__keeps_it_while_the_others_end(
    books_url: str, monkeypatch: pytest.MonkeyPatch, is_retired: bool
) -> None:
    async def act() -> None:
        async with running(books_url, build_brief(1)) as meter:
            monkeypatch.setattr(engine, "SPARE_SECONDS", 3)
            token, _ = await meter.open_session(*BUYER.open_terms())
            long, short = [held(await meter.admit(REQUEST, TokenCredential(token), 2)) for _ in range(2)]
            tranche = meter._tranches.find(long)
            assert tranche is not None
            await meter.charge(short, 1)
            while is_retired and not tranche._is_retired:
                await asyncio.sleep(0.02)
            monkeypatch.setattr(engine, "SPARE_SECONDS", SPARE)
            assert await meter.prolong(long) in (0, 1)
            await wait_for(long.until + 2)  # the tranche would be forgotten by now, and swept
            assert await ask(meter, lambda store: sweep(store, find_overdue(store))) == []
            assert (await meter.charge(long, 2)).total == 3
            assert (await meter.account(*BUYER.key)).held == 0

    asyncio.run(act())
    assert read_ends(books_url) == []


@pytest.mark.usefixtures("always_busy")
def test_prolong__of_a_part_that_has_ended__is_refused(books_url: str) -> None:
    async def act() -> None:
        async with running(books_url) as meter:
            token, _ = await meter.open_session(*BUYER.open_terms())
            part = held(await meter.admit(REQUEST, TokenCredential(token), 2))
            await meter.charge(part, 2)
            tranche = meter._tranches.find(part)
            assert tranche is not None
            until = time.monotonic() + SECONDS
            while meter._tranches.find(part) is not None and time.monotonic() < until:
                await asyncio.sleep(0.02)
            with pytest.raises(HoldOver):
                await meter.prolong(part)

    asyncio.run(act())


# ---------------------------------------------------------------------- other plans


@pytest.mark.parametrize("plan_id", [TIME_PLAN, FREE_PLAN])
def test_prolong__on_a_plan_without_vouchers__needs_none(
    books_url: str, monkeypatch: pytest.MonkeyPatch, plan_id: int
) -> None:
    async def act() -> None:
        async with opened(books_url, build_plans(build_terms(request_seconds=BRIEF))) as meter:
            token = TokenCredential(await sign_in(meter, plan_id=plan_id))
            monkeypatch.setattr(engine, "SPARE_SECONDS", 0)
            hold = held(await meter.admit(REQUEST, token, 1))
            monkeypatch.setattr(engine, "SPARE_SECONDS", SPARE)
            assert await meter.prolong(hold) in (BRIEF - 1, BRIEF)
            await meter.release(hold, was_sent=True)

    asyncio.run(act())
    assert read_ends(books_url) == []
