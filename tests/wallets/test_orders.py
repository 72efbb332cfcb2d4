"""Orders of wallets: a wallet signs an order, a stranger brings it, and the wallet pays and gets the credits."""

import pytest

from nvm_chain.errors import AuthorizationFailed
from nvm_chain.operations.signed_orders import relay_order, sign_plan_order
from nvm_chain.signing.signed_orders import SignedOrder
from tests.support.fiat_token import deploy_fiat_token
from tests.support.signed import bring
from tests.support.world import CREDITS, PRICE, World
from tests.wallets.catalogue import WALLETS
from tests.wallets.signing import Disguised
from tests.wallets.wallet import Wallet


@pytest.fixture(params=WALLETS)
def wallet(world: World, request: pytest.FixtureRequest) -> Wallet:
    """Each wallet."""
    return WALLETS[request.param](world)


def test_relay_order__of_a_wallet__is_paid(world: World, wallet: Wallet) -> None:
    plan_id = world.register()
    world.send(world.stranger, world.usdc.functions.mint(wallet.address, PRICE))
    signed = sign_plan_order(world.chain, wallet.signer, plan_id)
    assert SignedOrder.from_json(signed.to_json()) == signed
    relay_order(world.chain, world.relayer, signed)
    assert (world.balance(plan_id, wallet.address), world.tokens(wallet.address)) == (CREDITS, 0)


def test_relay_order__of_a_wallet_in_circles_usdc__is_paid(world: World, wallet: Wallet) -> None:
    token = deploy_fiat_token(world)
    plan_id = world.register(token=token.address)
    world.send(world.stranger, token.functions.mint(wallet.address, PRICE))
    signed = sign_plan_order(world.chain, wallet.signer, plan_id)
    relay_order(world.chain, world.relayer, signed)
    assert (world.balance(plan_id, wallet.address), world.tokens(wallet.address, token)) == (CREDITS, 0)


def test_order__of_a_wallet_by_a_wrong_signer__is_refused(world: World, wallet: Wallet) -> None:
    plan_id = world.register()
    world.send(world.stranger, world.usdc.functions.mint(wallet.address, PRICE))
    assert wallet.wrong
    for signer in wallet.wrong.values():
        signed = sign_plan_order(world.chain, Disguised(wallet.address, signer), plan_id)
        with pytest.raises(AuthorizationFailed):
            world.send(world.relayer, bring(world, signed.order, signed.signature))
    assert (world.balance(plan_id, wallet.address), world.tokens(wallet.address)) == (0, PRICE)
