"""Books that go away and come back, and a disk that is full for a while, with 64 requests in flight (S1, S2, S3, S10)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from nvm_chain.errors import AuthorityUsedUp, DiskFull, IndexUnavailable
from nvm_chain.meter.credentials import VoucherCredential
from nvm_chain.meter.engine import Meter
from nvm_chain.meter.store.group_rows import StoredHold
from tests.support.full_disk import full_disk
from tests.support.meter_books import CHARGED, check_books, read_rows
from tests.support.meter_engines import REQUEST, Buyer, GivenViews, held, running
from tests.support.meter_stores import open_books
from tests.support.postgres import Postgres

IN_FLIGHT = 64
SECONDS = 60
COST = 2
BUYER = Buyer()


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nvm_chain.meter.storing.RETRY_SECONDS", 0.01)


@dataclass
class Crowd:
    """Buyers who try again with the same voucher until they are served, or are told that it is spent."""

    meter: Meter
    served: list[StoredHold] = field(default_factory=list)
    charges: "list[asyncio.Future[StoredHold]]" = field(default_factory=list)
    refused: int = 0
    spent_in_vain: int = 0
    """Vouchers that were spent by a commit of which nobody was told. Their holds stay open until they are swept."""
    is_over: bool = False

    async def ask(self) -> None:
        """Ask again and again, as one of many."""
        while not self.is_over:
            await self._ask_until_it_works(BUYER.pay())

    async def _ask_until_it_works(self, credential: VoucherCredential) -> None:
        while True:
            try:
                hold = held(await self.meter.admit(REQUEST, credential, COST))
            except (IndexUnavailable, DiskFull):
                self.refused += 1
                await asyncio.sleep(0.01)
            except AuthorityUsedUp:
                self.spent_in_vain += 1
                return
            else:
                self.served.append(hold)
                self.charges.append(self.meter.charge(hold, COST))
                return


@asynccontextmanager
async def crowd(url: str) -> AsyncIterator[Crowd]:
    """Let many ask at once during the block, and wait until all charges are stored."""
    async with running(url, views=GivenViews(10**6)) as meter:
        made = Crowd(meter)
        asking = asyncio.gather(*(made.ask() for _ in range(IN_FLIGHT)))
        yield made
        made.is_over = True
        await asyncio.wait_for(asking, SECONDS)
        charged = await asyncio.wait_for(asyncio.gather(*made.charges), SECONDS)
        assert [hold.cost for hold in charged] == [COST] * len(made.served)


async def wait_for(crowd: Crowd, what: str) -> None:
    """Wait until as many more were served, or refused, as are in flight."""

    def count() -> int:
        return len(crowd.served) if what == "served" else crowd.refused

    least = count() + IN_FLIGHT
    async with asyncio.timeout(SECONDS):
        while count() < least:
            await asyncio.sleep(0.01)


def check(url: str, crowd: Crowd) -> None:
    """Each served request has a hold of its own, which was charged. Nothing else was charged."""
    store = open_books(url)
    check_books(store)
    rows = dict(read_rows(store, "SELECT hold_id, state FROM holds"))
    store.close()
    served = [hold.hold_id for hold in crowd.served]
    assert len(set(served)) == len(served)
    assert {hold_id for hold_id, state in rows.items() if state == CHARGED} == set(served)
    assert len(rows) == len(served) + crowd.spent_in_vain


@pytest.mark.parametrize("way", ["stop", "kill"])
def test_requests__in_flight_while_the_server_goes_away_and_comes_back__are_served_once(
    postgres: Postgres, postgres_books_url: str, way: str
) -> None:
    async def serve() -> Crowd:
        async with crowd(postgres_books_url) as made:
            await wait_for(made, "served")
            await asyncio.to_thread(getattr(postgres, way))
            await wait_for(made, "refused")
            await asyncio.to_thread(postgres.start)
            await wait_for(made, "served")
        return made

    check(postgres_books_url, asyncio.run(serve()))


def test_requests__in_flight_while_the_disk_is_full__are_served_once(tmp_path: Path) -> None:
    url = str(tmp_path / "books.db")

    async def serve() -> Crowd:
        async with crowd(url) as made:
            await wait_for(made, "served")
            with full_disk(4_096):
                await wait_for(made, "refused")
            await wait_for(made, "served")
        return made

    made = asyncio.run(serve())
    check(url, made)
    assert made.spent_in_vain == 0
