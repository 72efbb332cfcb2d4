"""A meter from end to end: a chain, its index, books, requests, a settlement, and a restart."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from nvm_chain.errors import AuthorityUsedUp, CreditsUsedUp, ExposureReached, HoldOver, NvmChainError, WrongDatabase
from nvm_chain.index.database import Index, open_index
from nvm_chain.index.following import Follower
from nvm_chain.meter import engine, opening
from nvm_chain.meter.admission import Policy
from nvm_chain.meter.bindings import Level
from nvm_chain.meter.books import Account
from nvm_chain.meter.credentials import VoucherCredential
from nvm_chain.meter.engine import Meter
from nvm_chain.meter.opening import open_meter
from nvm_chain.meter.requests import Request
from nvm_chain.meter.settings import MeterSettings, ServiceTerms
from nvm_chain.meter.settling.rules import SettleRules
from nvm_chain.meter.settling.settler import Settler
from nvm_chain.meter.store.verifying import verify_books
from nvm_chain.operations.credits import mint_credits, read_account, read_balance
from nvm_chain.operations.plans import set_redeemer
from nvm_chain.operations.settlement import sign_next_voucher
from nvm_chain.types.ids import format_did
from tests.support.world import World

SERVICE = format_did(7)
REQUEST = Request(SERVICE, "POST", "/ask", "-")


@dataclass
class Shop:
    """A plan of 100 credits, a subscriber who has them, and an index."""

    world: World
    plan_id: int
    index: Index
    folder: Path
    exposure: int = 60

    @property
    def settings(self) -> MeterSettings:
        """One service on the plan."""
        terms = ServiceTerms(SERVICE, {self.plan_id: Policy(self.exposure)}, Level.NONE)
        chain = self.world.chain
        return MeterSettings(
            chain.chain_id, chain.credits.address, self.world.redeemer.address, {SERVICE: terms}, depth=0
        )

    def sync(self) -> None:
        """Bring the index to the head."""
        Follower(self.world.chain, self.index).sync()

    def sign(self, ceiling: int) -> VoucherCredential:
        """Return a voucher up to a ceiling."""
        world = self.world
        return VoucherCredential(
            sign_next_voucher(
                world.chain,
                world.subscriber,
                self.plan_id,
                redeemer=world.redeemer.address,
                cost=1,
                last_ceiling=ceiling - 1,
            )
        )

    async def serve(self, meter: Meter, ceiling: int, credits: int) -> None:
        """Pay for a request, and charge all of it."""
        hold = await meter.admit(REQUEST, self.sign(ceiling), credits)
        await meter.charge(hold, credits)  # type: ignore[arg-type]

    async def account(self, meter: Meter) -> Account:
        """Return the subscriber's account in the books."""
        return await meter.account(self.plan_id, self.world.subscriber.address)

    async def settle(self, meter: Meter) -> list[int]:
        """Settle everything, and return the credits of each batch."""
        rules = SettleRules(credits=1)
        settler = Settler(self.world.chain, self.world.redeemer, meter.writer, self.settings, rules)
        settled = await asyncio.to_thread(settler.settle)
        assert [each.error for each in settled] == [None] * len(settled)
        return [each.batch.credits for each in settled]


@pytest.fixture
def shop(world: World, tmp_path: Path) -> Iterator[Shop]:
    """A shop on the chain of the tests."""
    plan_id = world.register()
    chain = world.chain
    set_redeemer(chain, world.builder, plan_id, world.redeemer.address, True)
    mint_credits(chain, world.builder, plan_id, world.subscriber.address, 100)
    index = open_index(tmp_path / "index.db", chain_id=chain.chain_id, credits=chain.credits.address, create=True)
    with closing(index):
        made = Shop(world, plan_id, index, tmp_path)
        made.sync()
        yield made


def test_open_meter__of_requests_and_settlements__takes_on_chain_what_was_charged(shop: Shop) -> None:
    async def run() -> None:
        async with open_meter(shop.folder / "meter.db", shop.folder / "index.db", shop.settings, renews=True) as meter:
            for ceiling in (20, 40, 60):
                await shop.serve(meter, ceiling, 20)
            with pytest.raises(ExposureReached):
                await shop.serve(meter, 80, 20)
            assert await shop.settle(meter) == [60]
            assert await shop.settle(meter) in ([], [60])  # until the views have the settlement, it is sent again
            await asyncio.to_thread(shop.sync)
            while (await shop.account(meter)).owed:
                await asyncio.sleep(0.01)
            await shop.serve(meter, 100, 40)
            with pytest.raises(CreditsUsedUp):
                await shop.serve(meter, 101, 1)
            assert await shop.settle(meter) == [40]
            assert await asyncio.to_thread(meter.writer.run, verify_books) == []

    asyncio.run(run())
    chain, subscriber = shop.world.chain, shop.world.subscriber.address
    assert read_balance(chain, shop.plan_id, subscriber) == 0
    assert read_account(chain, shop.plan_id, subscriber).settled == 100


def test_open_meter__after_it_ended_with_an_open_hold__releases_it_and_keeps_the_voucher_spent(shop: Shop) -> None:
    signed = shop.sign(5)

    async def leave() -> None:
        async with open_meter(shop.folder / "meter.db", shop.folder / "index.db", shop.settings, renews=True) as meter:
            await meter.admit(REQUEST, signed, 5)
            assert (await shop.account(meter)).held == 5

    async def come_back() -> None:
        async with open_meter(shop.folder / "meter.db", shop.folder / "index.db", shop.settings, renews=True) as meter:
            account = await shop.account(meter)
            assert (account.held, account.committed) == (0, 0)
            with pytest.raises(AuthorityUsedUp):
                await meter.admit(REQUEST, signed, 5)

    asyncio.run(leave())
    asyncio.run(come_back())


def test_open_meter__with_a_hold_whose_end_has_passed__releases_it(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """So is a hold of another process on PostgreSQL, which was killed."""
    monkeypatch.setattr(opening, "SWEEP_SECONDS", 0.05)
    monkeypatch.setattr(engine, "SPARE_SECONDS", -1_000)

    async def run() -> None:
        async with open_meter(shop.folder / "meter.db", shop.folder / "index.db", shop.settings, renews=True) as meter:
            hold = await meter.admit(REQUEST, shop.sign(5), 5)
            while (await shop.account(meter)).held:
                await asyncio.sleep(0.01)
            with pytest.raises(HoldOver):
                await meter.charge(hold, 5)  # type: ignore[arg-type]

    asyncio.run(run())


def test_open_meter__on_an_index_of_another_program__says_so_at_once(shop: Shop) -> None:
    """New accounts are refused with the error that ended the feed."""
    folder = shop.folder
    (folder / "other.db").write_bytes(b"the notes of another program, which are no database" * 100)
    credential = shop.sign(1)

    async def serve() -> None:
        told: asyncio.Queue[NvmChainError] = asyncio.Queue()
        async with open_meter(
            folder / "meter.db",
            folder / "other.db",
            shop.settings,
            on_trouble=told.put_nowait,
        ) as meter:
            assert isinstance(await asyncio.wait_for(told.get(), 60), WrongDatabase)
            with pytest.raises(WrongDatabase):
                await meter.admit(REQUEST, credential, 1)

    asyncio.run(serve())
