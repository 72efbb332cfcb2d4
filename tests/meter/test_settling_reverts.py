"""Settlements that cost gas and took nothing, keys that others settle with, and keys that become redeemers late."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from nvm_chain.enums import RedemptionRule
from nvm_chain.meter.operating import build_settler
from nvm_chain.meter.settling.journal import Journal
from nvm_chain.meter.settling.rules import SettleRules
from nvm_chain.meter.store.settlements import Settlement, SettlementState, note_outcomes, read_open
from nvm_chain.meter.store.verifying import verify_books
from tests.meter.settling_shop import Shop, open_shop
from tests.meter.test_settling_runs import list_states, settle, sign_only
from tests.support.world import World

OPEN, MINED, LOST, DONE, GONE = SettlementState


@pytest.fixture
def shop(world: World, tmp_path: Path, empty_url: str) -> Iterator[Shop]:
    """A shop with books in a file, and in PostgreSQL."""
    with open_shop(world, tmp_path, empty_url) as made:
        yield made
        assert made.writer.run(verify_books) == []


def revert_next(shop: Shop) -> None:
    """Let the next settlement revert: it is signed, and sent when the key is not a redeemer."""
    world = shop.world
    change = world.credits.functions.setRedeemer
    sign_only(shop)
    world.send(world.builder, change(shop.plan_id, shop.redeemer.address, False))
    shop.settler().look_up()
    world.send(world.builder, change(shop.plan_id, shop.redeemer.address, True))
    shop.settler().look_up()


def test_settle__after_a_transaction_of_two_holders_reverted__settles_each_alone(shop: Shop) -> None:
    """One of them may be the reason. The other one need not wait for that."""
    shop.charge(shop.sign(20), 20)
    shop.charge(shop.sign(10, shop.world.other), 10)
    revert_next(shop)
    assert list_states(shop) == [MINED]
    assert sorted(settle(shop)) == [10, 20]


def test_settle__after_reverts__pays_for_gas_less_and_less_often(shop: Shop) -> None:
    shop.charge(shop.sign(20), 20)
    revert_next(shop)
    (first,) = shop.writer.run(read_open)
    assert [batch.credits for batch in shop.settler().choose()] == [20]
    again = replace(first, hash="0x" + "1" * 64, nonce=first.nonce + 100)

    def note(store: Any) -> None:
        with store.asking() as pen:
            pen.change(
                "INSERT INTO settlements SELECT ?, plan, redeemer, nonce, signed_at, state, block_number, block_hash, failed, "
                "gas, fee, items, raw, opens_from FROM settlements",
                (bytes.fromhex(again.hash[2:]),),
            )

    shop.writer.run(note)
    assert shop.settler().choose() == []
    assert shop.settler().look().waiting == 20
    assert [batch.credits for batch in shop.settler().choose(max(first.signed_at, shop.world.now) + 61)] == [20]


def test_look_up__of_another_keys_transaction_that_a_node_has_lost__gives_up_only_what_can_never_be_mined(
    shop: Shop,
) -> None:
    """Only the settler of the key sends it again. Until it runs, the holders are due again."""
    shop.charge(shop.sign(20), 20)
    sign_only(shop)
    journal = Journal(shop.world.chain, shop.world.relayer.address, shop.writer)
    (lost,) = journal.look_up()
    assert (lost.state, bool(lost.raw)) == (LOST, True)
    age(shop, lost)
    assert [each.state for each in journal.look_up()] == [LOST]
    world = shop.world
    world.send(shop.redeemer, world.credits.functions.setApprovalForAll(world.other.address, True))
    assert journal.look_up() == []
    assert list_states(shop) == [GONE]


def age(shop: Shop, lost: Settlement) -> None:
    """Let a transaction be lost for longer than a reorganization goes back."""
    for _ in range(64):
        shop.world.mine_at(shop.world.now + 1)
    shop.writer.run(lambda store: note_outcomes(store, [lost]))


def test_look_up__without_a_key__sends_nothing(shop: Shop) -> None:
    shop.charge(shop.sign(20), 20)
    sign_only(shop)
    assert [each.state for each in Journal(shop.world.chain, None, shop.writer).look_up()] == [LOST]
    assert settle(shop) == []  # the settler of the key sends it
    assert list_states(shop) == [MINED] or shop.settler().look_up()[0].state is MINED


def test_build_settler__with_a_key_that_becomes_a_redeemer_later__settles_by_the_plans_rule(
    world: World, tmp_path: Path, empty_url: str
) -> None:
    """As `nvm-chain meter settle` with a new key does, which may be started before the key has the right."""
    with open_shop(world, tmp_path, empty_url, rule=RedemptionRule.REDEEMER) as shop:
        shop.by_vouchers = False
        shop.charge(shop.sign(20), 20)
        settler = build_settler(world.chain, world.relayer, shop.writer, SettleRules(credits=1))
        assert settler.settle() == []
        change = world.credits.functions.setRedeemer
        world.send(world.builder, change(shop.plan_id, world.relayer.address, True))
        assert [each.receipt.credits for each in settler.settle() if each.receipt is not None] == [20]
