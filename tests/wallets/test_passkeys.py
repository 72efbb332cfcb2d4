"""Passkeys of a Coinbase Smart Wallet (a double): they sign vouchers on a chain that has the precompile for them."""

import pytest

from nvm_chain.operations.signed_orders import relay_order, sign_plan_order
from nvm_chain.signing.wallets.coinbase import CoinbaseWalletSigner
from tests.support.signed import NOT_SIGNED, SETTLED, bring
from tests.support.world import CREDITS, PRICE, World
from tests.wallets.accounts import HIGH_PASSKEY, PASSKEY_INDEX, deploy_coinbase_with_passkey
from tests.wallets.signing import CEILING, is_accepted, register_for, settle_voucher, sign_anyway, voucher_of
from tests.wallets.wallet import Wallet


@pytest.fixture
def wallet(osaka: World) -> Wallet:
    """A wallet with a passkey, on a chain that has the precompile."""
    return deploy_coinbase_with_passkey(osaka)


def test_settle__of_a_passkeys_voucher__takes_the_credits(osaka: World, wallet: Wallet) -> None:
    voucher = voucher_of(osaka, register_for(osaka, wallet.address), wallet.address)
    signed = sign_anyway(osaka, wallet.signer, voucher)
    assert len(signed.signature) == 640
    assert is_accepted(osaka, signed)
    assert settle_voucher(osaka, signed) == (CEILING, SETTLED)


def test_settle__of_a_passkey_that_gives_the_high_s__takes_the_credits(osaka: World, wallet: Wallet) -> None:
    voucher = voucher_of(osaka, register_for(osaka, wallet.address), wallet.address)
    signer = CoinbaseWalletSigner(wallet.address, HIGH_PASSKEY, osaka.chain.chain_id, PASSKEY_INDEX)
    signed = sign_anyway(osaka, signer, voucher)
    assert signed == sign_anyway(osaka, wallet.signer, voucher)
    assert settle_voucher(osaka, signed) == (CEILING, SETTLED)


def test_settle__of_a_passkeys_voucher_by_a_wrong_signer__is_refused(osaka: World, wallet: Wallet) -> None:
    voucher = voucher_of(osaka, register_for(osaka, wallet.address), wallet.address)
    for signer in wallet.wrong.values():
        signed = sign_anyway(osaka, signer, voucher)
        assert not is_accepted(osaka, signed)
        assert settle_voucher(osaka, signed) == (0, NOT_SIGNED)


def test_settle__of_a_passkeys_voucher_without_the_precompile__is_refused_for_its_gas(world: World) -> None:
    """The wallet accepts it, but checking a passkey by code takes more gas than a settlement gives."""
    wallet = deploy_coinbase_with_passkey(world)
    signed = sign_anyway(world, wallet.signer, voucher_of(world, register_for(world, wallet.address), wallet.address))
    assert is_accepted(world, signed)
    assert settle_voucher(world, signed) == (0, NOT_SIGNED)


def test_relay_order__of_a_passkey__is_paid(osaka: World, wallet: Wallet) -> None:
    plan_id = osaka.register()
    osaka.send(osaka.stranger, osaka.usdc.functions.mint(wallet.address, PRICE))
    relay_order(osaka.chain, osaka.relayer, sign_plan_order(osaka.chain, wallet.signer, plan_id))
    assert (osaka.balance(plan_id, wallet.address), osaka.tokens(wallet.address)) == (CREDITS, 0)


def test_order__of_a_passkey_without_the_precompile__is_paid(world: World) -> None:
    """An order has no limit of gas, other than a voucher."""
    wallet, plan_id = deploy_coinbase_with_passkey(world), world.register()
    world.send(world.stranger, world.usdc.functions.mint(wallet.address, PRICE))
    signed = sign_plan_order(world.chain, wallet.signer, plan_id)
    world.send(world.relayer, bring(world, signed.order, signed.signature))
    assert (world.balance(plan_id, wallet.address), world.tokens(wallet.address)) == (CREDITS, 0)
