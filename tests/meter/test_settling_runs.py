"""The settler on real books and a real chain: what it sends, what it writes down, and what it does when something goes wrong."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account as KeyMaker

from nvm_chain.chain.embedded import deploy_all
from nvm_chain.enums import RedemptionRule, SettlementResult
from nvm_chain.errors import ConnectionFailed, InvalidConfig, NotRedeemer, SecondSettler
from nvm_chain.meter.operating import build_settler
from nvm_chain.meter.settling import settler as settler_module
from nvm_chain.meter.settling.journal import JournaledSigner
from nvm_chain.meter.settling.keys import find_debts
from nvm_chain.meter.settling.rules import SettleRules
from nvm_chain.meter.settling.settler import Settled
from nvm_chain.meter.store.leases import give_lease_back, take_lease
from nvm_chain.meter.store.owing import list_accounts
from nvm_chain.meter.store.settlements import SettlementState, read_open
from nvm_chain.meter.store.verifying import verify_books
from nvm_chain.operations.credits import read_account, read_balance
from nvm_chain.operations.settlement import settle_vouchers
from tests.meter.settling_shop import Shop, open_shop
from tests.support.anvil import open_anvil, run_anvil, wait_until
from tests.support.index_worlds import IndexWorld
from tests.support.meter_stores import open_books
from tests.support.world import World

WAIT_SECONDS = 30
OPEN, MINED, LOST, DONE, GONE = SettlementState


@pytest.fixture
def shop(world: World, tmp_path: Path, empty_url: str) -> Iterator[Shop]:
    """A shop with books in a file, and in PostgreSQL. After the test, the sums of the books are right (S10)."""
    with open_shop(world, tmp_path, empty_url) as made:
        yield made
        assert made.writer.run(verify_books) == []


@pytest.fixture
def forking(tmp_path: Path, empty_url: str) -> Iterator[tuple[Shop, IndexWorld]]:
    """A shop on an anvil of its own, whose blocks can be replaced."""
    with run_anvil(keeps_states=True) as url:
        chain = open_anvil(url)
        deploy_all(chain, chain.accounts[0])
        world = World(chain)
        with open_shop(world, tmp_path, empty_url) as made:
            yield made, IndexWorld(world, url)


def list_states(shop: Shop) -> list[SettlementState]:
    """Return the state of each transaction in the journal, in the order of their nonces."""

    def read(store: Any) -> list[Any]:
        with store.asking() as pen:
            return [row[0] for row in pen.ask("SELECT state FROM settlements ORDER BY nonce, signed_at")]

    return [SettlementState(state) for state in shop.writer.run(read)]


def settle(shop: Shop, **more: Any) -> list[int]:
    """Settle, and return the credits that each transaction took."""
    settled = shop.settler(**more).settle()
    assert [each.error for each in settled] == [None] * len(settled)
    return [each.receipt.credits for each in settled if each.receipt is not None]


# ---------------------------------------------------------------------- what is sent, and what is written down


def test_settle__of_what_is_owed__is_written_down_with_its_outcome(shop: Shop) -> None:
    shop.charge(shop.sign(30), 20)
    shop.charge(shop.sign(10, shop.world.other), 10)
    assert settle(shop) == [30]
    (looked,) = shop.writer.run(read_open)
    assert (looked.state, looked.plan_id, looked.redeemer, looked.credits) == (
        MINED,
        shop.plan_id,
        shop.redeemer.address,
        30,
    )
    assert looked.raw
    assert shop.settler().look_up() == [looked]
    assert {(item.holder, item.total, item.taken, item.result) for item in looked.items} == {
        (shop.world.subscriber.address, 20, 20, SettlementResult.SETTLED),
        (shop.world.other.address, 10, 10, SettlementResult.SETTLED),
    }
    receipt = shop.world.chain.read_mined(looked.hash)
    assert (looked.block_number, looked.gas) == (receipt["blockNumber"], receipt["gasUsed"])
    assert looked.fee == receipt["gasUsed"] * receipt["effectiveGasPrice"]
    shop.feed()
    assert (shop.account().owed, shop.account().view.taken) == (0, 20)


def test_settle__again_before_the_views_show_it__sends_nothing(shop: Shop) -> None:
    """Without the journal, the same totals would be sent again, and cost gas for nothing."""
    shop.charge(shop.sign(20), 20)
    assert settle(shop) == [20]
    outlook = shop.settler().look()
    assert (outlook.owed, outlook.waiting, outlook.batches) == (20, 20, ())
    assert settle(shop) == []
    shop.feed()
    shop.charge(shop.sign(30), 10)
    assert settle(shop) == [10]


def test_look__says_batches_gas_and_what_they_close__and_sends_nothing(shop: Shop) -> None:
    shop.charge(shop.sign(20), 20)
    shop.charge(shop.sign(10, shop.world.other), 10)
    before = shop.world.chain.read_block().number
    outlook = shop.settler().look()
    assert (outlook.owed, outlook.takeable, outlook.closes, outlook.holders) == (30, 30, 30, 2)
    (batch,) = outlook.batches
    assert shop.world.chain.read_block().number == before
    assert list_states(shop) == []
    (settled,) = shop.settler().settle()
    assert settled.receipt is not None
    used = settled.receipt.transaction.gas_used or 0
    # The first settlement of a holder writes a new slot of storage; the table is of later ones.
    assert batch.gas == outlook.gas
    assert used * 0.6 < batch.gas <= used * 1.05


def test_look__of_credits_that_were_burned__says_what_cannot_be_taken(shop: Shop) -> None:
    shop.charge(shop.sign(20), 20)
    world = shop.world
    world.send(world.subscriber, world.credits.functions.burn(shop.plan_id, world.subscriber.address, 95))
    shop.feed()
    outlook = shop.settler().look()
    assert (outlook.owed, outlook.takeable) == (20, 5)
    assert settle(shop) == [5]
    shop.feed()
    assert shop.settler().look().batches == ()
    assert settle(shop) == []


def test_settle__by_the_plans_rule__needs_no_voucher(world: World, tmp_path: Path, empty_url: str) -> None:
    with open_shop(world, tmp_path, empty_url, rule=RedemptionRule.REDEEMER) as shop:
        shop.charge(shop.sign(20), 20)
        assert settle(shop) == [20]


def test_settle__of_an_item_that_took_nothing__is_not_sent_again_until_the_account_changes(shop: Shop) -> None:
    """The books have not read yet that the credits were burned. Else each look would cost gas."""
    world = shop.world
    shop.charge(shop.sign(20), 20)
    world.send(world.subscriber, world.credits.functions.burn(shop.plan_id, world.subscriber.address, 100))
    assert settle(shop) == [0]
    (looked,) = shop.settler().look_up()
    assert [(item.taken, item.result) for item in looked.items] == [(0, SettlementResult.SHORT)]
    assert settle(shop) == []
    world.grant(shop.plan_id, world.subscriber.address, 30)
    shop.feed()
    assert settle(shop) == [20]


def test_settle__without_permission__says_so_and_sends_nothing(shop: Shop) -> None:
    shop.charge(shop.sign(20), 20)
    world = shop.world
    world.send(world.builder, world.credits.functions.setRedeemer(shop.plan_id, shop.redeemer.address, False))
    (settled,) = shop.settler().settle()
    assert isinstance(settled.error, NotRedeemer)
    assert list_states(shop) == []


# ---------------------------------------------------------------------- unknown outcomes


def sign_only(shop: Shop, nonce: int | None = None) -> str:
    """Write a settlement into the journal that nobody has sent, as if the process was killed in between."""
    (batch,) = shop.settler().look().batches
    chain = shop.world.chain
    items, totals = [item.item for item in batch.items], [item.total for item in batch.items]
    kept: list[Any] = []

    class Stopped(Exception):
        pass

    class Stopping(JournaledSigner):
        def sign_transaction(self, transaction_dict: dict[str, Any], /) -> Any:
            kept.append(super().sign_transaction({**transaction_dict, "nonce": nonce or transaction_dict["nonce"]}))
            raise Stopped

    with pytest.raises(Stopped):
        settle_vouchers(chain, Stopping(chain, shop.redeemer, shop.writer), batch.plan_id, items, totals=totals)
    (found,) = shop.writer.run(read_open)
    assert found.raw == bytes(kept[0].raw_transaction)
    return found.hash


def test_settle__after_a_kill_between_journal_and_sending__sends_the_same_bytes(shop: Shop) -> None:
    shop.charge(shop.sign(20), 20)
    signed_hash = sign_only(shop)
    assert settle(shop) == []  # the node has it now, and mines it soon
    assert wait_until(lambda: shop.settler().look_up()[0].state is MINED, WAIT_SECONDS)
    (looked,) = shop.settler().look_up()
    assert (looked.hash, looked.state, looked.credits) == (signed_hash, MINED, 20)
    shop.feed()
    assert shop.account().owed == 0


def test_settle__of_a_transaction_whose_nonce_another_took__is_made_anew(shop: Shop) -> None:
    shop.charge(shop.sign(20), 20)
    sign_only(shop)
    world = shop.world
    world.send(shop.redeemer, world.credits.functions.setApprovalForAll(world.other.address, True))
    assert settle(shop) == [20]
    assert sorted(each.state for each in shop.settler().look_up()) == [MINED, LOST]


def test_settle__of_a_transaction_that_no_node_takes__is_made_anew(shop: Shop) -> None:
    """Its chain has gone on without it: the node refuses its fee, for example. Here it has a nonce far away."""
    shop.charge(shop.sign(20), 20)
    sign_only(shop)

    def spoil(store: Any) -> None:
        with store.asking() as pen:
            pen.change("UPDATE settlements SET raw = ?", (b"\x02\xc0",))

    shop.writer.run(spoil)
    assert settle(shop) == [20]


def test_look_up__of_a_transaction_that_is_deep_enough__is_final_and_drops_its_bytes(
    forking: tuple[Shop, IndexWorld],
) -> None:
    shop, fork = forking
    shop.charge(shop.sign(20), 20)
    assert settle(shop) == [20]
    fork.mine(63)
    assert [each.state for each in shop.settler().look_up()] == [MINED]
    fork.mine(1)
    assert shop.settler().look_up() == []
    assert list_states(shop) == [DONE]


def test_settle__after_a_reorganization_dropped_it__takes_the_same_credits_again_and_no_more(
    forking: tuple[Shop, IndexWorld],
) -> None:
    """S9 and S11: what a replaced block took is due again."""
    shop, fork = forking
    shop.charge(shop.sign(20), 20)
    assert settle(shop) == [20]
    shop.feed()
    assert shop.settler().look_up()[0].state is MINED
    assert shop.account().owed == 0
    fork.reorganize(1)
    chain, holder = shop.world.chain, shop.world.subscriber.address
    assert read_balance(chain, shop.plan_id, holder) == 100
    fork.mine(2)
    shop.feed()
    assert shop.account().owed == 20
    assert settle(shop) == []  # the journal has its bytes, and the node gets them again
    fork.mine(1)
    assert [(each.state, each.credits) for each in shop.settler().look_up()] == [(MINED, 20)]
    shop.feed()
    assert (shop.account().owed, shop.account().view.taken) == (0, 20)
    assert read_account(chain, shop.plan_id, holder).settled == 20
    assert read_balance(chain, shop.plan_id, holder) == 80


def test_settle__after_a_reorganization_before_the_views_saw_it__is_due_again(
    forking: tuple[Shop, IndexWorld],
) -> None:
    shop, fork = forking
    shop.charge(shop.sign(20), 20)
    assert settle(shop) == [20]
    assert shop.settler().look_up()[0].state is MINED
    fork.reorganize(1)
    assert read_balance(shop.world.chain, shop.plan_id, shop.world.subscriber.address) == 100
    settle(shop)
    fork.mine(1)
    shop.settler().look_up()
    shop.feed()
    assert (shop.account().owed, shop.account().view.taken) == (0, 20)


# ---------------------------------------------------------------------- one at a time


def test_lease__of_another_owner__is_refused_until_its_end_or_until_it_is_given_back(shop: Shop) -> None:
    run = shop.writer.run
    assert run(lambda store: take_lease(store, "work", b"one", 60)) is None
    assert run(lambda store: take_lease(store, "work", b"one", 60)) is None
    assert run(lambda store: take_lease(store, "other work", b"two", 60)) is None
    assert (run(lambda store: take_lease(store, "work", b"two", 60)) or 0) > 0
    run(lambda store: give_lease_back(store, "work", b"two"))
    assert run(lambda store: take_lease(store, "work", b"two", 60)) is not None
    run(lambda store: give_lease_back(store, "work", b"one"))
    assert run(lambda store: take_lease(store, "work", b"two", -10)) is None
    assert run(lambda store: take_lease(store, "work", b"one", 60)) is None


def test_settle__while_another_process_settles__is_refused_and_sends_nothing(shop: Shop) -> None:
    shop.charge(shop.sign(20), 20)
    lease = f"settle with {shop.redeemer.address}"
    shop.writer.run(lambda store: take_lease(store, lease, b"another", 600))
    with pytest.raises(SecondSettler, match="Another process settles"):
        shop.settler().settle()
    assert list_states(shop) == []
    shop.writer.run(lambda store: give_lease_back(store, lease, b"another"))
    assert settle(shop) == [20]


def test_settle__that_loses_its_lease_between_two_batches__stops(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that was stopped for longer than its lease finds another one at work, and sends nothing more."""
    shop.charge(shop.sign(20), 20)
    settler = shop.settler()
    lease = f"settle with {shop.redeemer.address}"
    choose = settler.choose

    def sleep_and_choose(now: int | None = None) -> Any:
        def take_away(store: Any) -> None:
            with store.asking() as pen:
                pen.change("UPDATE leases SET until = 0")
            assert take_lease(store, lease, b"another", 600) is None

        shop.writer.run(take_away)
        return choose(now)

    monkeypatch.setattr(settler, "choose", sleep_and_choose)
    (settled,) = settler.settle()
    assert isinstance(settled.error, SecondSettler)
    assert list_states(shop) == []


def test_run__while_the_node_is_away__tells_it_and_goes_on(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settler_module, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(settler_module, "SHARE_OF_LOOKS", 0)
    shop.charge(shop.sign(20), 20)
    settler, stop, told = shop.settler(), threading.Event(), list[Any]()
    choose, away = settler.choose, iter([True, True, False])

    def choose_or_fail(now: int | None = None) -> Any:
        if next(away, False):
            raise ConnectionFailed("http://127.0.0.1:1", "refused")
        return choose(now)

    def tell(what: Any) -> None:
        told.append(what)
        if isinstance(what, Settled):
            stop.set()

    monkeypatch.setattr(settler, "choose", choose_or_fail)
    settler.run(stop, tell)
    assert [type(each).__name__ for each in told] == ["ConnectionFailed", "ConnectionFailed", "Settled"]


# ---------------------------------------------------------------------- vouchers that are over


def test_settle__with_vouchers_that_were_over_at_a_final_block__drops_them(forking: tuple[Shop, IndexWorld]) -> None:
    shop, fork = forking
    shop.charge(shop.sign(20, seconds=1_000), 5)
    shop.charge(shop.sign(10, seconds=5_000), 5)
    assert settle(shop) == [10]
    fork.ask("evm_increaseTime", 2_000)
    fork.mine(10)
    shop.feed()
    settle(shop)
    assert count_vouchers(shop) == 2  # no block is deep enough, so the chain could still go back to before the deadline
    fork.mine(70)
    settle(shop)
    assert count_vouchers(shop) == 1
    assert shop.account().ceiling == 10


def count_vouchers(shop: Shop) -> int:
    """Return how many vouchers the books keep of the subscriber."""
    (part,) = [part for part in list_accounts(shop.writer) if part]
    return next(len(stored.front.vouchers) for key, stored in part if key == shop.key())


# ---------------------------------------------------------------------- rotation of the key


def test_settle__after_a_rotation__takes_with_the_old_key_what_only_it_can_take(shop: Shop) -> None:
    world, old = shop.world, shop.redeemer
    shop.charge(shop.sign(30), 30)
    shop.charge(shop.sign(10, world.other), 10)
    world.send(world.builder, world.credits.functions.setRedeemer(shop.plan_id, world.relayer.address, True))
    shop.redeemer, shop.former = world.relayer, (old.address,)
    shop.charge(shop.sign(40), 5)  # 35 are owed, and a voucher for the new key covers them all
    assert [(debt.redeemer, debt.credits, debt.holders) for debt in read_debts(shop) if debt.credits] == [
        (old.address, 10, 1),
        (world.relayer.address, 5, 1),
    ]
    assert settle(shop) == [35]
    shop.feed()
    assert settle(shop) == []
    assert [(debt.redeemer, debt.credits) for debt in read_debts(shop) if debt.credits] == [(old.address, 10)]
    assert settle(shop, signer=old) == [10]
    shop.feed()
    assert [debt.credits for debt in read_debts(shop)] == [0, 0]
    assert (shop.account(world.other).owed, shop.account(world.other).view.taken) == (0, 10)


def read_debts(shop: Shop) -> Any:
    """Return what is owed to each key."""
    books = [(stored.account, stored.front) for part in list_accounts(shop.writer) for _, stored in part]
    return find_debts(books, shop.world.now)


def test_settler__with_a_key_that_is_not_of_the_settings__is_refused(shop: Shop) -> None:
    with pytest.raises(InvalidConfig, match="is not a redeemer of these settings"):
        shop.settler(KeyMaker.create())


def test_settle__with_the_old_key__leaves_plans_without_vouchers_to_the_new_one(
    world: World, tmp_path: Path, empty_url: str
) -> None:
    with open_shop(world, tmp_path, empty_url, rule=RedemptionRule.REDEEMER) as shop:
        old = shop.redeemer
        world.send(world.builder, world.credits.functions.setRedeemer(shop.plan_id, world.relayer.address, True))
        shop.charge(shop.sign(20), 20)
        shop.redeemer, shop.former = world.relayer, (old.address,)
        assert settle(shop, signer=old) == []
        assert settle(shop) == [20]


def test_settle__after_the_old_keys_settler_has_ended__does_not_wait_for_its_transactions(shop: Shop) -> None:
    """S4: what the old key sent last is looked up by the new one, so that its holders are due again."""
    world, old = shop.world, shop.redeemer
    shop.charge(shop.sign(20), 20)
    assert settle(shop) == [20]
    world.send(world.builder, world.credits.functions.setRedeemer(shop.plan_id, world.relayer.address, True))
    shop.redeemer, shop.former = world.relayer, (old.address,)
    shop.feed()
    shop.charge(shop.sign(30), 10)
    assert settle(shop) == [10]


def test_settle__after_its_transaction_reverted__is_due_again_at_once(shop: Shop) -> None:
    """S4: else the voucher could end before the next try."""
    world = shop.world
    shop.charge(shop.sign(20), 20)
    sign_only(shop)
    change = world.credits.functions.setRedeemer
    world.send(world.builder, change(shop.plan_id, shop.redeemer.address, False))
    assert shop.settler().settle() == []  # the journal's transaction is sent, and reverts
    (refused,) = shop.settler().settle()
    assert isinstance(refused.error, NotRedeemer)
    world.send(world.builder, change(shop.plan_id, shop.redeemer.address, True))
    assert settle(shop) == [20]


def test_build_settler__before_a_plan_has_accounts__settles_it_when_it_has(shop: Shop) -> None:
    """As `nvm-chain meter settle --every` does, which may be started first."""
    world, first = shop.world, shop.plan_id
    settler = build_settler(world.chain, shop.redeemer, shop.writer, SettleRules(credits=1), waits=True)
    assert settler.settle() == []
    for plan_id in (first, world.register(rule=RedemptionRule.HOLDER)):
        shop.plan_id = plan_id
        if plan_id != first:
            world.send(world.builder, world.credits.functions.setRedeemer(plan_id, shop.redeemer.address, True))
            world.grant(plan_id, world.subscriber.address, 100)
            shop.feed()
        shop.charge(shop.sign(20), 20)
        assert [settled.batch.credits for settled in settler.settle()] == [20]
        shop.feed()


# ---------------------------------------------------------------------- many accounts


def test_look__of_more_accounts_than_a_part_has__sees_them_all(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nvm_chain.meter.store.owing.ROWS_AT_ONCE", 1)
    shop.charge(shop.sign(20), 20)
    shop.charge(shop.sign(10, shop.world.other), 10)
    outlook = shop.settler(rules=SettleRules(credits=15)).look()
    assert (outlook.owed, outlook.holders, outlook.closes) == (30, 2, 20)


def test_lease__of_a_process_that_was_killed__ends_when_its_file_is_opened_again(tmp_path: Path) -> None:
    """A file of SQLite is of one process alone, so nobody else can have a lease of it."""
    where = tmp_path / "books.db"
    store = open_books(str(where))
    assert take_lease(store, "settle", b"killed", 3_600) is None
    store.close()
    again = open_books(str(where))
    assert take_lease(again, "settle", b"another", 3_600) is None
    again.close()
