"""Charges ride in the group of the next request, so a request costs one commit. None is left behind."""

import asyncio
import threading
from typing import Any

import pytest

from nvm_chain.meter.store.admissions import AdmitVoucher
from nvm_chain.meter.store.hold_ends import ChargeHold
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.store.writer import LATER_SECONDS, Job, Writer
from tests.meter.test_engine import BUYER, look
from tests.support.documents import DOCS
from tests.support.meter_engines import REQUEST, build_meter, held, running
from tests.support.meter_stores import open_books

REQUESTS = 20


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> list[list[type]]:
    """The kinds of changes in each group that was stored."""
    seen: list[list[type]] = []
    run = Store.run

    def note(store: Store, changes: Any) -> Any:
        seen.append([type(change) for change in changes])
        return run(store, changes)

    monkeypatch.setattr(Store, "run", note)
    return seen


def test_charge__before_the_next_request__rides_in_its_group(
    books_url: str, groups: list[list[type]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nvm_chain.meter.store.writer.LATER_SECONDS", 60)

    async def serve() -> None:
        async with running(books_url) as meter:
            await meter.account(*BUYER.key)
            del groups[:]
            for _ in range(REQUESTS):
                meter.charge(held(await meter.admit(REQUEST, BUYER.pay(), 1)), 1)

    asyncio.run(serve())
    assert groups[:REQUESTS] == [[AdmitVoucher], *[[ChargeHold, AdmitVoucher]] * (REQUESTS - 1)]
    assert look(books_url) == (REQUESTS, 0)  # the last charge was stored at the end


def test_page__says_how_long_a_charge_waits_for_a_group_at_most() -> None:
    page = (DOCS / "meter.md").read_text("utf-8")
    assert f"a group of its own that begins {LATER_SECONDS * 1000:.0f} milliseconds later" in page


def test_charge__without_another_request__is_stored_by_itself(books_url: str) -> None:
    async def serve() -> None:
        async with running(books_url) as meter:
            for _ in range(3):
                charged = await asyncio.wait_for(meter.charge(held(await meter.admit(REQUEST, BUYER.pay(), 1)), 1), 60)
            assert charged.total == 3

    asyncio.run(serve())
    assert look(books_url) == (3, 0)


def test_charge__seen_by_work_with_the_store__is_stored_before(books_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks at the books after a charge was given finds it there."""
    monkeypatch.setattr("nvm_chain.meter.store.writer.LATER_SECONDS", 60)

    async def serve() -> tuple[int, int]:
        writer = Writer(open_books(books_url))
        meter = build_meter(writer)
        charge = meter.charge(held(await meter.admit(REQUEST, BUYER.pay(), 4)), 4)
        await asyncio.to_thread(writer.run, lambda store: None)
        await charge
        await meter.close()
        return charge.result().total, charge.result().cost

    assert asyncio.run(serve()) == (4, 4)


def test_charges__of_several_loops_while_the_writer_closes__all_have_an_outcome(books_url: str) -> None:
    writer = Writer(open_books(books_url))
    outcomes: list[str] = []
    ready = threading.Barrier(3)

    async def serve(number: int) -> None:
        hold = held(await build_meter(writer).admit(REQUEST, BUYER.pay(ceiling=10_000 + number), 1))
        await asyncio.to_thread(ready.wait, 60)
        ends = [writer.send_along(ChargeHold(hold, 1), tell) for _ in range(50)]
        outcomes.extend(type(each).__name__ for each in await asyncio.wait_for(asyncio.gather(*ends), 60))

    def tell(job: Job, outcome: Any) -> None:
        job.future.set_result(outcome)

    def close() -> None:
        ready.wait(60)
        writer.close()

    threads = [threading.Thread(target=lambda number=number: asyncio.run(serve(number))) for number in (1, 2)]
    for thread in [*threads, threading.Thread(target=close)]:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(outcomes) == 100
    assert set(outcomes) <= {"StoredHold", "MeterClosed"}
