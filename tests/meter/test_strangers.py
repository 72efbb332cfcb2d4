"""Strangers: whoever has a key can sign vouchers, and who never had anything on the chain leaves nothing in the books (S8)."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from eth_account import Account

from nvm_chain.enums import PlanKind
from nvm_chain.errors import CreditsUsedUp, NvmChainError
from nvm_chain.index.database import Index, open_index
from nvm_chain.index.following import Follower
from nvm_chain.meter.admission import Policy
from nvm_chain.meter.bindings import Level
from nvm_chain.meter.credentials import VoucherCredential
from nvm_chain.meter.engine import Meter
from nvm_chain.meter.feed.asking import read_movements
from nvm_chain.meter.opening import open_meter
from nvm_chain.meter.settings import MeterSettings, ServiceTerms
from nvm_chain.meter.store.account_changes import BlockCredits, SeeView
from nvm_chain.meter.store.group_rows import AccountKey, StoredHold
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.store.window_changes import ReadWindow, SeeWindow
from nvm_chain.meter.windows import WindowPolicy, WindowView
from nvm_chain.operations.credits import mint_credits
from nvm_chain.operations.plans import set_redeemer
from nvm_chain.signing.vouchers import build_voucher, sign_voucher
from tests.meter.services import TIME_PLAN
from tests.support.accounts import build_view
from tests.support.feed_fixtures import keeping_chain as keeping_chain
from tests.support.feed_fixtures import world as world
from tests.support.meter_books import read_rows
from tests.support.meter_engines import REQUEST, Buyer, GivenViews, held, running
from tests.support.meter_stores import (
    KEY,
    fill,
    key_of,
    open_books,
    present,
    read_account,
    run,
    see_balance,
    sign,
)
from tests.support.world import World

STRANGERS: Final = 10_000
AT_ONCE: Final = 500
TABLES: Final = ("accounts", "pasts", "windows", "authorities", "tokens", "holds", "requests", "notices")


def count_rows(store: Store) -> dict[str, int]:
    """Return the number of rows in each table that has some."""
    counts = {table: read_rows(store, f"SELECT count(*) FROM {table}")[0][0] for table in TABLES}
    return {table: count for table, count in counts.items() if count}


# ---------------------------------------------------------------------- the store


def test_strangers__ten_thousand_of_them_beside_a_buyer__leave_no_row(store: Store) -> None:
    """Each group has a request of a buyer too, so each of them is committed."""
    fill(store, 1_000)
    before = count_rows(store)
    for start in range(0, STRANGERS, AT_ONCE):
        keys = [key_of(1_000 + number) for number in range(start, start + AT_ONCE)]
        seen = store.run([see_balance(0, key=key) for key in keys])
        assert {account.view.block_number for account in seen} == {0}
        *refused, hold = store.run([*(present(sign(key=key), 1) for key in keys), present(sign(), 1)])
        assert {type(error) for error in refused} == {CreditsUsedUp}
        assert isinstance(hold, StoredHold)
    after = count_rows(store)
    assert after.pop("holds") == STRANGERS // AT_ONCE
    assert after == before


def test_see_view__of_nothing__is_kept_where_there_are_books(store: Store) -> None:
    """What an account has lost has to count, and so has what was blocked before its first view."""
    fill(store, 10)
    run(store, see_balance(0, block_number=2))
    assert (read_account(store).view.block_number, read_account(store).least_backing) == (2, 0)
    run(store, BlockCredits(key_of(5), 3))
    run(store, see_balance(0, key=key_of(5)))
    assert read_account(store, key_of(5)).view.block_number == 1


@pytest.mark.parametrize("more", [{"settled": 3}, {"settled": 3, "taken": 3}, {"lapsed": 4}])
def test_see_view__of_an_account_that_had_something__is_kept(store: Store, more: dict[str, Any]) -> None:
    run(store, see_balance(0, **more))
    assert read_account(store).view.block_number == 1


def test_see_view__of_a_stranger_that_was_granted_something__has_all_views(store: Store) -> None:
    views = (build_view(1, 0), build_view(5, 7))
    run(store, SeeView(KEY, views, depth=3))
    account = read_account(store)
    assert (account.view.block_number, account.view.balance, account.least_backing) == (5, 7, 0)


def test_see_window__that_was_never_open__is_not_kept(store: Store) -> None:
    key = AccountKey(TIME_PLAN, KEY.holder)
    run(store, SeeWindow(key, (WindowView(1, 0), WindowView(4, 0)), 0))
    assert count_rows(store) == {}
    run(store, SeeWindow(key, (WindowView(1, 0), WindowView(5, 99)), 0))
    assert run(store, ReadWindow(key)).least_until == 99
    run(store, SeeWindow(key, (WindowView(6, 0),), 0))
    assert run(store, ReadWindow(key)).least_until == 0


def test_store__two_processes_that_make_one_account__make_it_once(postgres_books_url: str) -> None:
    """The first one drops the row that it made, and the second one waited for it. Both admit in turn, and once in all."""
    stores = [open_books(postgres_books_url) for _ in range(4)]
    outcomes: list[Any] = []
    signed = sign()

    def work(store: Store) -> None:
        for _ in range(50):
            outcomes.extend(store.run([see_balance(0), present(signed, 1)])[1:])

    def grow(store: Store) -> None:
        for _ in range(20):
            store.run([see_balance(0)])
        outcomes.extend(store.run([see_balance(1), present(signed, 1)])[1:])

    acts = (work, work, work, grow)
    threads = [threading.Thread(target=act, args=(each,)) for act, each in zip(acts, stores, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sum(isinstance(outcome, StoredHold) for outcome in outcomes) == 1
    assert all(isinstance(outcome, StoredHold | NvmChainError) for outcome in outcomes)
    assert count_rows(stores[0]) == {"accounts": 1, "pasts": 1, "holds": 1}
    for store in stores:
        store.close()


# ---------------------------------------------------------------------- the engine


def test_admit__of_a_stranger_that_buys_later__is_served(books_url: str) -> None:
    views = GivenViews(0)
    buyer = Buyer()

    async def serve() -> None:
        async with running(books_url, views=views) as meter:
            for _ in range(2):
                with pytest.raises(CreditsUsedUp):
                    await meter.admit(REQUEST, buyer.pay(), 1)
                with pytest.raises(CreditsUsedUp):
                    await meter.open_session(*buyer.open_terms())
                assert not meter._first.seen
            assert (await meter.account(*buyer.key)).view.block_number == 0
            views.balance = 5
            held(await meter.admit(REQUEST, buyer.pay(), 5))
            await meter.open_session(*buyer.open_terms())
            known = len(views.read)
            with pytest.raises(CreditsUsedUp):
                await meter.admit(REQUEST, buyer.pay(), 1)
            assert len(views.read) == known

    asyncio.run(serve())


# ---------------------------------------------------------------------- a chain, an index and a meter


class Shop:
    """A meter's settings on two plans of a chain, and who signs."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.folder, chain = world, folder, world.chain
        self.plan_id = world.register()
        self.time_plan = world.register(kind=PlanKind.TIME, credits=3, duration=1000, min_redeem=0, max_redeem=0)
        set_redeemer(chain, world.builder, self.plan_id, world.redeemer.address, True)
        policies, windows = {self.plan_id: Policy(100)}, {self.time_plan: WindowPolicy(2)}
        terms = ServiceTerms(REQUEST.service, policies, Level.NONE, windows=windows)
        services = {REQUEST.service: terms}
        redeemer = world.redeemer.address
        self.settings = MeterSettings(chain.chain_id, chain.credits.address, redeemer, services, depth=0)

    def pay(self, number: int) -> VoucherCredential:
        """Return the voucher of a stranger."""
        account, chain = Account.from_key(number.to_bytes(32)), self.world.chain
        deadline = self.world.now + 3_600
        parts = {"holder": account.address, "redeemer": self.settings.redeemer, "deadline": deadline}
        voucher = build_voucher(self.plan_id, ceiling=10, context=bytes(32), **parts)
        signed = sign_voucher(account, voucher, chain_id=chain.chain_id, contract=chain.credits.address)
        return VoucherCredential(signed, None)


@contextmanager
def indexing(shop: Shop) -> Iterator[Index]:
    chain = shop.world.chain
    index = open_index(shop.folder / "index.db", chain_id=chain.chain_id, credits=chain.credits.address, create=True)
    try:
        yield index
    finally:
        index.close()


def test_open_meter__asked_by_strangers__keeps_nothing_of_them_and_serves_the_one_that_buys(
    world: World, tmp_path: Path, books_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stranger is read from the index once, until something changes there."""
    shop, numbers = Shop(world, tmp_path), range(1, 40)
    where = str(tmp_path / "meter.db") if books_url.startswith("sqlite") else books_url
    read: list[int] = []

    def count(connection: Any, spans: Any, redeemers: Any) -> Any:
        read.append(len(spans))
        return read_movements(connection, spans, redeemers)

    monkeypatch.setattr("nvm_chain.meter.feed.accounts.read_movements", count)

    async def refuse(meter: Meter, number: int) -> None:
        with pytest.raises(CreditsUsedUp):
            await meter.admit(REQUEST, shop.pay(number), 1)

    async def act(index: Index) -> None:
        async with open_meter(where, tmp_path / "index.db", shop.settings, renews=True) as meter:
            for _ in range(3):
                await asyncio.gather(*(refuse(meter, number) for number in numbers))
            assert sum(read) == len(numbers)
            assert await asyncio.to_thread(meter.writer.run, count_rows) == {}
            buyer = Account.from_key(numbers[3].to_bytes(32)).address
            mint_credits(world.chain, world.builder, shop.plan_id, buyer, 2)
            await asyncio.to_thread(Follower(world.chain, index).sync)
            while not (await meter.account(shop.plan_id, buyer)).view.balance:
                await asyncio.sleep(0.01)
            await meter.charge(held(await meter.admit(REQUEST, shop.pay(numbers[3]), 1)), 1)
            await refuse(meter, numbers[4])
            counts = await asyncio.to_thread(meter.writer.run, count_rows)
            assert counts == {"accounts": 1, "pasts": 1, "holds": 1}

    with indexing(shop) as index:
        Follower(world.chain, index).sync()
        asyncio.run(act(index))
