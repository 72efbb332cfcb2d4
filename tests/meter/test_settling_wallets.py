"""Contract wallets that change their mind: what is sent, what is given up, and what is shown as lost (S4)."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from web3.contract.contract import Contract

from nvm_chain.enums import SettlementResult
from nvm_chain.errors import RpcFailed, WalletChangedItsMind
from nvm_chain.meter.operating import read_status
from nvm_chain.meter.settling import settler as settler_module
from nvm_chain.meter.settling import wallets as wallets_module
from nvm_chain.meter.settling.outlooks import Hindrance
from nvm_chain.meter.settling.settler import Settler
from nvm_chain.meter.store.account_changes import OpenAuthority
from nvm_chain.meter.store.group_rows import AccountKey
from nvm_chain.meter.store.hold_ends import ChargeHold
from nvm_chain.meter.store.refused_vouchers import list_refused
from nvm_chain.meter.store.settlements import read_open
from nvm_chain.meter.store.verifying import verify_books
from nvm_chain.meter.verifying import verify_meter
from nvm_chain.operations.settlement import settle_vouchers
from nvm_chain.operations.settlement_simulations import simulate_settlement
from nvm_chain.signing.vouchers import SignedVoucher, build_voucher, voucher_digest
from tests.meter.settling_shop import AT_ONCE, Shop, open_shop
from tests.support.meter_stores import admitted, build_session, read_front, run, use
from tests.support.world import World

YES, NO, DIRTY, EMPTY, REVERT, BOMB, BURN_GAS, REENTER = range(8)
NOT_SIGNED = SettlementResult.NOT_SIGNED


@pytest.fixture
def wallet(world: World) -> Contract:
    """A contract wallet that answers as it is told."""
    return world.deploy("EvilWallet")


@pytest.fixture
def shop(
    world: World, wallet: Contract, tmp_path: Path, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shop]:
    """A shop whose customers are two accounts and a contract wallet."""
    monkeypatch.setattr(Shop, "holders", [world.subscriber, world.other, wallet])
    with open_shop(world, tmp_path, empty_url) as made:
        world.grant(made.plan_id, wallet.address, 100)
        made.feed()
        yield made
        assert made.writer.run(verify_books) == []


def sign(shop: Shop, wallet: Contract, ceiling: int = 50, context: bytes = b"session") -> SignedVoucher:
    """Return a voucher of a wallet, which looks at no signature."""
    voucher = build_voucher(
        shop.plan_id,
        holder=wallet.address,
        redeemer=shop.redeemer.address,
        ceiling=ceiling,
        deadline=shop.world.now + 7_200,
        context=context,
    )
    return SignedVoucher(voucher, b"\7" * 65)


def find_digest(shop: Shop, signed: SignedVoucher) -> bytes:
    """Return the digest of a voucher, which is the id of its session."""
    chain = shop.world.chain
    return voucher_digest(signed.voucher, chain_id=chain.chain_id, contract=chain.credits.address)


def serve(shop: Shop, signed: SignedVoucher, credits: int) -> None:
    """Serve a request in the session that a voucher opens."""

    def work(store: Any) -> None:
        session = build_session(
            key=AccountKey(shop.plan_id, signed.voucher.holder), authority_id=find_digest(shop, signed)
        )
        opened = run(store, OpenAuthority(session, signed))
        hold = admitted(run(store, use(opened, credits)))
        run(store, ChargeHold(hold, credits))

    shop.writer.run(work)


def ask_session(shop: Shop, signed: SignedVoucher) -> Any:
    """Return what the books say to one more request in the session of a voucher."""
    key = AccountKey(shop.plan_id, signed.voucher.holder)
    session = build_session(key=key, authority_id=find_digest(shop, signed))
    return shop.writer.run(lambda store: run(store, use(session, 1)))


def answer(shop: Shop, wallet: Contract, told: int) -> None:
    """Let the wallet answer so from now on."""
    shop.world.send(shop.world.builder, wallet.functions.setAnswer(told))


def count_sent(shop: Shop) -> int:
    """Return how many transactions are in the journal."""
    return len(shop.writer.run(read_open))


def says(error: Any) -> tuple[int, str, str]:
    """Return what the error says of a wallet that changed its mind."""
    assert isinstance(error, WalletChangedItsMind), error
    return error.next_ceiling, error.authority, error.holder


def list_losses(shop: Shop) -> list[tuple[str, int, str]]:
    """Return what the status and the verification show as lost."""
    shown = read_status(shop.writer).losses
    found = verify_meter(shop.writer, shop.settings.keys, shop.index, shop.world.chain)
    assert (found.is_right, found.losses) == (True, shown)
    return [(loss.key.holder, loss.credits, loss.reason) for loss in shown]


def test_settle__of_a_wallet_that_stands_by_its_signature__takes_the_credits(shop: Shop, wallet: Contract) -> None:
    signed = sign(shop, wallet)
    serve(shop, signed, 20)
    (settled,) = shop.settler().settle()
    assert settled.receipt is not None
    assert (settled.receipt.credits, settled.batch.has_wallets) == (20, True)
    (found,) = shop.writer.run(read_open)
    assert [item.voucher for item in found.items] == [find_digest(shop, signed)]
    assert list_losses(shop) == []


@pytest.mark.parametrize("told", [NO, DIRTY, EMPTY, REVERT, BOMB, BURN_GAS])
def test_settle__of_a_wallet_that_changed_its_mind__closes_its_session_and_sends_nothing(
    shop: Shop, wallet: Contract, monkeypatch: pytest.MonkeyPatch, told: int
) -> None:
    signed = sign(shop, wallet)
    serve(shop, signed, 20)
    answer(shop, wallet, told)
    (settled,) = shop.settler().settle()
    assert says(settled.error) == (20, "voucher", wallet.address)
    assert (count_sent(shop), settled.batch.credits) == (0, 20)
    assert says(ask_session(shop, signed)) == (21, "session", wallet.address)
    key = AccountKey(shop.plan_id, wallet.address)
    assert shop.writer.run(lambda store: read_front(store, key)).vouchers == ()
    assert shop.account(wallet).find_live_ceiling(shop.world.now) == 0  # type: ignore[arg-type]
    assert list_losses(shop) == [(wallet.address, 20, "wallet changed its mind")]
    asked: list[Any] = []
    monkeypatch.setattr(wallets_module, "simulate_settlement", lambda *parts, **more: asked.append(parts))
    assert shop.settler().settle() == []
    assert asked == []
    outlook = shop.settler().look()
    assert (outlook.owed, outlook.takeable, outlook.hindered) == (20, 0, {Hindrance.NO_VOUCHER: 20})


def test_settle__of_a_wallet_that_changed_its_mind__settles_the_others(shop: Shop, wallet: Contract) -> None:
    world = shop.world
    other = world.deploy("EvilWallet")
    world.grant(shop.plan_id, other.address, 100)
    shop.holders.append(other)  # type: ignore[arg-type]
    shop.feed()
    for each, credits in ((wallet, 20), (other, 7)):
        serve(shop, sign(shop, each), credits)
    shop.charge(shop.sign(10), 10)
    answer(shop, wallet, NO)
    settled = shop.settler().settle()
    assert sorted(each.receipt.credits for each in settled if each.receipt is not None) == [7, 10]
    assert [each.batch.credits for each in settled if each.error is not None] == [20]


def test_settle__while_the_node_does_not_simulate__closes_nothing(
    shop: Shop, wallet: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S4: a failure that passes costs no voucher, and the other wallets of the batch are settled."""
    signed = sign(shop, wallet)
    serve(shop, signed, 20)

    def fail(*_: Any, **__: Any) -> Any:
        raise RpcFailed("the node gives a call less gas than a wallet may need")

    monkeypatch.setattr(wallets_module, "simulate_settlement", fail)
    (settled,) = shop.settler().settle()
    assert isinstance(settled.error, RpcFailed)
    assert (count_sent(shop), shop.writer.run(list_refused)) == (0, [])
    monkeypatch.setattr(wallets_module, "simulate_settlement", simulate_settlement)
    assert [each.receipt.credits for each in shop.settler().settle() if each.receipt is not None] == [20]


def test_settle__until_the_change_is_deep_enough__gives_nothing_up(shop: Shop, wallet: Contract) -> None:
    """S9: a reorganization could take the change back."""
    signed = sign(shop, wallet)
    serve(shop, signed, 20)
    settings = replace(shop.settings, depth=2)
    settler = Settler(shop.world.chain, shop.redeemer, shop.writer, settings, AT_ONCE)
    answer(shop, wallet, NO)
    for _ in range(2):
        assert (settler.settle(), shop.writer.run(list_refused)) == ([], [])
        shop.world.mine_at(shop.world.now + 1)
    (settled,) = settler.settle()
    assert isinstance(settled.error, WalletChangedItsMind)
    assert count_sent(shop) == 0


def test_settle__of_a_change_that_was_taken_back__sends(shop: Shop, wallet: Contract) -> None:
    serve(shop, sign(shop, wallet), 20)
    settler = Settler(shop.world.chain, shop.redeemer, shop.writer, replace(shop.settings, depth=2), AT_ONCE)
    answer(shop, wallet, NO)
    assert settler.settle() == []
    answer(shop, wallet, YES)
    assert [each.receipt.credits for each in settler.settle() if each.receipt is not None] == [20]


def test_settle__after_the_wallet_signed_anew__takes_what_was_lost(shop: Shop, wallet: Contract) -> None:
    signed = sign(shop, wallet)
    serve(shop, signed, 20)
    answer(shop, wallet, NO)
    shop.settler().settle()
    answer(shop, wallet, YES)
    again = sign(shop, wallet, ceiling=25, context=b"second session")
    serve(shop, again, 5)
    assert list_losses(shop) == []
    assert [each.receipt.credits for each in shop.settler().settle() if each.receipt is not None] == [25]
    assert isinstance(ask_session(shop, signed), WalletChangedItsMind)  # the first session stays closed


def test_settle__of_a_wallet_that_answers_a_transaction_in_another_way__sends_it_once(
    shop: Shop, wallet: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wallet may say yes to a simulation and no to a transaction. That costs the seller's gas once, and not for ever."""
    signed = sign(shop, wallet)
    serve(shop, signed, 20)

    def change_and_settle(*parts: Any, **more: Any) -> Any:
        answer(shop, wallet, NO)
        return settle_vouchers(*parts, **more)

    monkeypatch.setattr(settler_module, "settle_vouchers", change_and_settle)
    (settled,) = shop.settler().settle()
    assert settled.receipt is not None
    assert [outcome.result for outcome in settled.receipt.outcomes] == [NOT_SIGNED]
    answer(shop, wallet, YES)
    assert shop.settler().settle() == []
    assert isinstance(ask_session(shop, signed), WalletChangedItsMind)
    assert list_losses(shop) == [(wallet.address, 20, "wallet changed its mind")]
    assert count_sent(shop) == 1


def test_settle__of_a_signature_of_somebody_else__sends_nothing(shop: Shop) -> None:
    """An account without code is like a wallet that accepts nothing."""
    forged = shop.sign(20)
    signed = SignedVoucher(forged.voucher, shop.sign(20, shop.world.other).signature)
    shop.charge(signed, 20)
    (settled,) = shop.settler().settle()
    assert isinstance(settled.error, WalletChangedItsMind)
    assert count_sent(shop) == 0
    shop.charge(shop.sign(21), 1)
    assert [each.receipt.credits for each in shop.settler().settle() if each.receipt is not None] == [21]
