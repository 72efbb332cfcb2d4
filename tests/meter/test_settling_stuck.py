"""Transactions whose fee is too low: they are sent again with a higher fee, and nothing is taken twice (S11)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nvm_chain.chain import repricing
from nvm_chain.chain.embedded import deploy_all
from nvm_chain.chain.signed_transactions import read_signed
from nvm_chain.errors import NotMined, RpcFailed, SecondSettler
from nvm_chain.meter.settling import settler as settler_module
from nvm_chain.meter.settling.rules import SettleRules
from nvm_chain.meter.settling.settler import Settled
from nvm_chain.meter.store.leases import take_lease
from nvm_chain.meter.store.settlements import Settlement, SettlementState, read_open
from nvm_chain.meter.store.verifying import verify_books
from nvm_chain.operations.settlement import settle_vouchers
from tests.meter.settling_shop import Shop, open_shop
from tests.support.anvil import open_anvil, run_anvil
from tests.support.index_worlds import IndexWorld
from tests.support.world import World

OPEN, MINED, LOST, DONE, GONE = SettlementState
RULES = SettleRules(credits=1, stuck_seconds=0)
FULL, ROOM = 30_000, 30_000_000
"""Gas limits of blocks, without and with room for a settlement."""


@pytest.fixture(scope="module")
def node() -> Iterator[tuple[World, IndexWorld]]:
    """An anvil that mines when a test wants it."""
    with run_anvil(keeps_states=True) as url:
        chain = open_anvil(url)
        deploy_all(chain, chain.accounts[0])
        world = World(chain)
        yield world, IndexWorld(world, url)


@pytest.fixture
def stuck(
    node: tuple[World, IndexWorld], tmp_path: Path, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Shop, IndexWorld]]:
    """A shop whose settlement waits to be mined."""
    world, fork = node
    with fork.restored(), open_shop(world, tmp_path, empty_url) as shop:
        shop.charge(shop.sign(30), 20)
        monkeypatch.setattr(world.chain, "timeout_seconds", 1)
        fork.ask("evm_setAutomine", False)
        try:
            (settled,) = shop.settler(rules=RULES).settle()
            assert isinstance(settled.error, NotMined)
            pass_by(fork)
            yield shop, fork
        finally:
            fork.ask("evm_setAutomine", True)
        assert shop.writer.run(verify_books) == []


def pass_by(fork: IndexWorld, blocks: int = 2) -> None:
    """Mine blocks that pass by what waits: they have no room for it. (anvil drops what pays too little for a block.)"""
    fork.ask("evm_setBlockGasLimit", hex(FULL))
    fork.mine(blocks)
    fork.ask("evm_setBlockGasLimit", hex(ROOM))


def list_journal(shop: Shop) -> list[Settlement]:
    """Return the transactions that are not final, in the order of their prices."""
    return sorted(shop.writer.run(read_open), key=lambda each: read_fee(shop, each))


def read_fee(shop: Shop, settlement: Settlement) -> int:
    """Return the price of a transaction in the journal."""
    return int(read_signed(settlement.raw, shop.world.chain.chain_id)["maxFeePerGas"])


def test_settle__of_a_transaction_that_waits__replaces_it_with_a_higher_fee(stuck: tuple[Shop, IndexWorld]) -> None:
    shop, fork = stuck
    assert shop.settler(rules=RULES).settle() == []
    first, second = list_journal(shop)
    assert (first.nonce, first.items, first.plan_id) == (second.nonce, second.items, second.plan_id)
    one, two = (read_signed(each.raw, shop.world.chain.chain_id) for each in (first, second))
    for price in ("maxFeePerGas", "maxPriorityFeePerGas"):
        assert two[price] * 8 >= one[price] * 9  # type: ignore[operator]
    assert {**two, "maxFeePerGas": 0, "maxPriorityFeePerGas": 0} == {
        **one,
        "maxFeePerGas": 0,
        "maxPriorityFeePerGas": 0,
    }
    fork.mine()
    looked = {each.hash: each.state for each in shop.settler().look_up()}
    assert looked == {first.hash: LOST, second.hash: MINED}
    shop.feed()
    assert (shop.account().owed, shop.account().view.taken) == (0, 20)
    assert shop.settler(rules=RULES).settle() == []
    fork.mine(64)
    assert shop.settler().look_up() == []


def test_settle__after_a_kill_between_journal_and_replacement__knows_both(
    stuck: tuple[Shop, IndexWorld], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, fork = stuck

    class Killed(BaseException):
        pass

    def kill(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(repricing, "hand_over", kill)
        with pytest.raises(Killed):
            shop.settler(rules=RULES).settle()
    first, second = list_journal(shop)
    assert (first.state, second.state, second.nonce) == (OPEN, OPEN, first.nonce)
    shop.settler().look_up()  # the next process sends it
    fork.mine()
    assert {each.hash: each.state for each in shop.settler().look_up()} == {first.hash: LOST, second.hash: MINED}
    shop.feed()
    assert (shop.account().owed, shop.account().view.taken) == (0, 20)


def test_settle__of_which_the_first_transaction_is_mined__takes_the_credits_once(
    stuck: tuple[Shop, IndexWorld], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A miner may take the first one, although the second one is in the books."""
    shop, fork = stuck
    with monkeypatch.context() as patch:
        patch.setattr(repricing, "hand_over", lambda *_: None)
        shop.settler(rules=RULES).settle()
    first, second = list_journal(shop)
    fork.mine()
    assert {each.hash: each.state for each in shop.settler().look_up()} == {first.hash: MINED, second.hash: LOST}
    shop.feed()
    assert (shop.account().owed, shop.account().view.taken) == (0, 20)
    assert shop.settler(rules=RULES).settle() == []


@pytest.mark.parametrize(
    "rules",
    [SettleRules(credits=1, stuck_seconds=60), SettleRules(credits=1, stuck_seconds=0, max_fee_percent=100)],
    ids=["too early", "above the limit"],
)
def test_settle__of_a_transaction_that_should_wait__signs_nothing(
    stuck: tuple[Shop, IndexWorld], rules: SettleRules
) -> None:
    shop, _ = stuck
    assert shop.settler(rules=rules).settle() == []
    assert len(list_journal(shop)) == 1


def test_settle__while_the_chain_makes_no_blocks__signs_nothing(stuck: tuple[Shop, IndexWorld]) -> None:
    """A higher fee would change nothing."""
    shop, fork = stuck
    assert shop.settler(rules=RULES).settle() == []
    assert len(list_journal(shop)) == 2
    for _ in range(3):
        assert shop.settler(rules=RULES).settle() == []
    assert len(list_journal(shop)) == 2
    pass_by(fork)
    shop.settler(rules=RULES).settle()
    assert len(list_journal(shop)) == 3


def test_settle__that_loses_its_lease_before_the_replacement__signs_nothing(
    stuck: tuple[Shop, IndexWorld], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, _ = stuck
    settler = shop.settler(rules=RULES)
    monkeypatch.setattr(settler, "_drop_vouchers", lambda: None)
    look_up = settler.look_up

    def look_and_lose() -> Any:
        found = look_up()
        lose_lease(shop)
        return found

    monkeypatch.setattr(settler, "look_up", look_and_lose)
    with pytest.raises(SecondSettler):
        settler.settle()
    assert len(list_journal(shop)) == 1


def lose_lease(shop: Shop) -> None:
    """Give the lease to another process, as if this one had stood still for longer than it."""

    def take(store: Any) -> None:
        with store.asking() as pen:
            pen.change("UPDATE leases SET until = 0")
        assert take_lease(store, f"settle with {shop.redeemer.address}", b"another", 600) is None

    shop.writer.run(take)


# ---------------------------------------------------------------------- one at a time


@pytest.fixture
def shop(world: World, tmp_path: Path, empty_url: str) -> Iterator[Shop]:
    """A shop with books in a file, and in PostgreSQL."""
    with open_shop(world, tmp_path, empty_url) as made:
        yield made


def test_settle__that_loses_its_lease_while_it_prepares_a_transaction__signs_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The requests before a signature may take longer than the lease."""
    shop.charge(shop.sign(20), 20)

    def wait_and_settle(*parts: Any, **more: Any) -> Any:
        lose_lease(shop)
        return settle_vouchers(*parts, **more)

    monkeypatch.setattr(settler_module, "settle_vouchers", wait_and_settle)
    (settled,) = shop.settler().settle()
    assert isinstance(settled.error, SecondSettler)
    assert shop.writer.run(read_open) == []


def test_settle__behind_a_transaction_that_is_not_mined__sends_no_more(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each one would wait as long as the first, and the first would not be replaced meanwhile."""
    monkeypatch.setattr("nvm_chain.meter.settling.batches.MOST_ITEMS", 1)
    shop.charge(shop.sign(20), 20)
    shop.charge(shop.sign(10, shop.world.other), 10)
    settler = shop.settler()
    batches = [type(batch)(batch.plan_id, (item,)) for batch in settler.choose() for item in batch.items]
    assert len(batches) == 2
    monkeypatch.setattr(settler, "choose", lambda: batches)

    def give_up(*_: Any, **__: Any) -> Any:
        raise NotMined("0x" + "1" * 64, 120)

    monkeypatch.setattr(settler_module, "settle_vouchers", give_up)
    assert [type(each.error) for each in settler.settle()] == [NotMined]
    failing = RpcFailed("not now")

    def fail(*_: Any, **__: Any) -> Any:
        raise failing

    monkeypatch.setattr(settler_module, "settle_vouchers", fail)
    assert [each.error for each in settler.settle()] == [failing, failing]


def test_run__after_a_long_wait_for_a_transaction__looks_again_soon(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pause of ten times the wait would be longer than the margin before a voucher ends."""
    shop.charge(shop.sign(20), 20)
    settler, clock, pauses = shop.settler(), [0.0], list[float]()

    def wait_and_settle(*parts: Any, **more: Any) -> Any:
        clock[0] += 120
        return settle_vouchers(*parts, **more)

    class Stop:
        is_over = False

        def is_set(self) -> bool:
            return self.is_over

        def wait(self, seconds: float) -> None:
            pauses.append(seconds)
            self.is_over = True

    told: list[Any] = []
    monkeypatch.setattr("nvm_chain.meter.settling.settler.time.monotonic", lambda: clock[0])
    monkeypatch.setattr(settler_module, "settle_vouchers", wait_and_settle)
    settler.run(Stop(), told.append, pause_seconds=15)  # type: ignore[arg-type]
    assert [each.error for each in told if isinstance(each, Settled)] == [None]
    assert pauses == [15]
