"""The books against their charges, against the events of an index, and against the chain: each wrong number is named (S10)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nvm_chain.errors import IndexBehind
from nvm_chain.index.database import open_index
from nvm_chain.meter.store.group_rows import StoredAccount
from nvm_chain.meter.store.packing import pack_key, pack_view, unpack_account
from nvm_chain.meter.verifying import MeterVerification, verify_meter
from nvm_chain.meter.views import View
from tests.meter.settling_shop import Shop, open_shop
from tests.support.world import World


@pytest.fixture
def shop(world: World, tmp_path: Path, empty_url: str) -> Iterator[Shop]:
    """A shop that settled some of what was charged. The views are of the head."""
    with open_shop(world, tmp_path, empty_url) as made:
        made.charge(made.sign(30), 20)
        made.charge(made.sign(10, world.other), 10)
        assert made.settler().settle()
        made.charge(made.sign(40), 5)
        made.feed()
        yield made


def verify(shop: Shop, *, asks_chain: bool = False) -> MeterVerification:
    """Compare with the index, and with the chain if asked."""
    return verify_meter(shop.writer, shop.settings.keys, shop.index, shop.world.chain if asks_chain else None)


def name(found: MeterVerification) -> list[tuple[str, int, int, str]]:
    """Return what differs."""
    assert found.is_right is (not found.differences)
    return [(each.what, each.by_books, each.by_entries, each.source) for each in found.differences]


def spoil_view(shop: Shop, **changes: Any) -> None:
    """Change the view of the subscriber's account by hand."""

    def spoil(store: Any) -> None:
        with store.asking() as pen:
            plan, holder = pack_key(shop.key())
            (row,) = pen.ask("SELECT * FROM accounts WHERE plan = ? AND holder = ?", (plan, holder))
            stored: StoredAccount = unpack_account(shop.key(), row, None, has_past=False)
            view = stored.account.view
            fields = {name: getattr(view, name) for name in View.__dataclass_fields__}
            packed = pack_view(View(**{**fields, **{name: change(fields[name]) for name, change in changes.items()}}))
            pen.change("UPDATE accounts SET view = ? WHERE plan = ? AND holder = ?", (packed, plan, holder))

    shop.writer.run(spoil)


def test_verify__of_right_books__finds_nothing_and_says_how_much_was_compared(shop: Shop) -> None:
    seen: list[int] = []
    found = verify_meter(shop.writer, shop.settings.keys, shop.index, shop.world.chain, seen.append)
    assert name(found) == []
    assert (found.accounts, found.charged, found.taken, found.with_chain) == (2, 35, 30, True)
    assert found.block == shop.index.state.head
    assert seen[-1] == 2


def test_verify__without_an_index__compares_with_charges_only(shop: Shop) -> None:
    spoil_view(shop, taken=lambda taken: taken + 1)
    found = verify_meter(shop.writer, shop.settings.keys)
    assert (name(found), found.block, found.with_chain) == ([], None, False)
    shop.writer.run(lambda store: change(store, "UPDATE accounts SET committed = committed + 1 WHERE committed = 25"))
    assert name(verify_meter(shop.writer, ())) == [("charged", 26, 25, "charges")]


def change(store: Any, statement: str) -> None:
    """Change the books by hand."""
    with store.asking() as pen:
        pen.change(statement)


def test_verify__of_a_view_with_a_wrong_number__names_it_to_the_unit(shop: Shop) -> None:
    spoil_view(shop, taken=lambda taken: taken + 1)
    assert name(verify(shop)) == [("taken by the seller's keys", 21, 20, "index")]
    spoil_view(shop, taken=lambda taken: taken - 1, settled=lambda settled: settled + 2)
    assert name(verify(shop)) == [("settled", 22, 20, "index")]
    spoil_view(shop, settled=lambda settled: settled - 2, balance=lambda balance: balance + 3)
    assert name(verify(shop)) == [("balance and what lapsed", 83, 80, "index")]


def test_verify__of_a_view_of_a_block_that_is_not_in_the_index__says_so(shop: Shop) -> None:
    spoil_view(shop, block_hash=lambda _: b"\7" * 32)
    ((what, *_),) = name(verify(shop))
    assert what == "block of the view, which was replaced or is not in the index"
    spoil_view(shop, block_number=lambda number: number + 1_000)
    ((what, *_),) = name(verify(shop))
    assert what == "block of the view, which was replaced or is not in the index"


def test_verify__with_another_key_that_redeemed__counts_only_the_keys_that_are_given(
    world: World, tmp_path: Path, empty_url: str
) -> None:
    """What a former key took is missing if nobody names the key."""
    with open_shop(world, tmp_path, empty_url) as shop:
        world.send(world.builder, world.credits.functions.setRedeemer(shop.plan_id, world.relayer.address, True))
        shop.charge(shop.sign(20), 20)
        shop.settler().settle()
        shop.redeemer, shop.former = world.relayer, (world.redeemer.address,)
        shop.feed()
        assert name(verify(shop, asks_chain=True)) == []
        shop.former = ()
        assert name(verify(shop)) == [("taken by the seller's keys", 20, 0, "index")]


def test_verify__of_an_index_that_differs_from_the_chain__names_it(shop: Shop) -> None:
    """Books and index can be wrong together. The chain is asked for what was settled."""
    with shop.index.writing() as connection:
        pen = shop.index.take_pen(connection)
        pen.change("UPDATE movements SET amount = -19 WHERE amount = -20")
    spoil_view(
        shop,
        taken=lambda taken: taken - 1,
        settled=lambda settled: settled - 1,
        balance=lambda balance: balance + 1,
    )
    assert name(verify(shop)) == []
    assert name(verify(shop, asks_chain=True)) == [("settled", 19, 20, "chain")]


def test_verify__with_an_empty_index__is_refused(shop: Shop, tmp_path: Path) -> None:
    origin: dict[str, Any] = {"chain_id": shop.world.chain.chain_id, "credits": shop.world.credits.address}
    empty = open_index(tmp_path / "none.db", create=True, **origin)
    with pytest.raises(IndexBehind):
        verify_meter(shop.writer, shop.settings.keys, empty)
    empty.close()


def test_verify__of_an_account_without_a_view__compares_its_charges_only(shop: Shop) -> None:
    def forget(store: Any) -> None:
        with store.asking() as pen:
            pen.change("UPDATE accounts SET view = ?", (pack_view(replace_unseen()),))

    shop.writer.run(forget)
    assert name(verify(shop)) == []


def replace_unseen() -> View:
    """Return the view of an account that was never read."""
    return View(0, bytes(32), 0, 0, 0, 0)
