"""Wallets whose answer depends on who asks and how: what settles is what the wallet answers to Credits in a transaction."""

from functools import partial
from typing import Any

import pytest
from eth_utils.crypto import keccak

from nvm_chain.errors import (
    AuthorizationFailed,
    AuthorizationSignatureInvalid,
    InsufficientCoin,
    NetworkError,
    RpcFailed,
    VoucherAlreadySettled,
    VoucherSignatureInvalid,
)
from nvm_chain.operations.orders import order_plan
from nvm_chain.operations.plans import read_plan_state
from nvm_chain.operations.relays import relay_orders
from nvm_chain.operations.settlement import settle_vouchers
from nvm_chain.operations.settlement_forecast import forecast_outcomes
from nvm_chain.operations.signed_orders import check_signed_order, relay_order, send_signed_order, sign_plan_order
from nvm_chain.operations.voucher_checks import check_voucher
from nvm_chain.operations.wallets import ask_wallets
from nvm_chain.signing.signed_orders import SignedOrder
from nvm_chain.signing.wallets.plain import PlainSigner
from tests.support.delegated import delegate
from tests.support.fiat_token import deploy_fiat_token
from tests.support.odd_node import Forward, Hook, Reply, open_odd_chain, refuse
from tests.support.signed import NOT_SIGNED, SETTLED
from tests.support.world import PRICE, World
from tests.wallets.accounts import deploy_nexus, deploy_solady
from tests.wallets.askers import install_base_fee_helper
from tests.wallets.catalogue import Deploy
from tests.wallets.signing import (
    CEILING,
    Disguised,
    is_accepted,
    register_for,
    settle_voucher,
    sign_anyway,
    sign_plainly,
    voucher_of,
)
from tests.wallets.wallet import OWNER, Wallet


@pytest.mark.parametrize(("deploy", "prefix"), [(deploy_solady, b""), (deploy_nexus, bytes(20))])
def test_settle__of_a_plain_signature_that_is_taken_only_without_a_gas_price__is_refused(
    world: World, deploy: Deploy, prefix: bytes
) -> None:
    install_base_fee_helper(world)
    signed = sign_plainly(world, deploy(world), prefix)
    assert is_accepted(world, signed, has_price=False)
    assert not is_accepted(world, signed)
    assert settle_voucher(world, signed) == (0, NOT_SIGNED)


def test_settle__of_a_plain_signature_that_the_owner_lets_credits_bring__takes_the_credits(world: World) -> None:
    deploy = partial(deploy_nexus, safe_senders=(world.credits.address,))
    signed = sign_plainly(world, deploy(world), bytes(20))
    assert not is_accepted(world, signed)
    assert settle_voucher(world, signed) == (CEILING, SETTLED)


def test_settle__of_a_plain_signature_for_another_validator__is_refused(world: World) -> None:
    wallet = deploy_nexus(world, safe_senders=(world.credits.address,))
    assert settle_voucher(world, sign_plainly(world, wallet, b"\1" * 20)) == (0, NOT_SIGNED)


def sign_plainly_for_circles_token(world: World, plan_id: int, wallet: Wallet) -> SignedOrder:
    """Sign an order by the plain signature of a wallet's owner."""
    return sign_plan_order(world.chain, Disguised(wallet.address, PlainSigner(wallet.address, [OWNER])), plan_id)


def test_send_signed_order__of_a_signature_that_counts_only_without_a_gas_price__sends_nothing(world: World) -> None:
    """The estimate has a price too. Otherwise the relayer pays for a transaction that fails."""
    install_base_fee_helper(world)
    wallet, token = deploy_solady(world), deploy_fiat_token(world)
    plan_id = world.register(token=token.address)
    world.send(world.stranger, token.functions.mint(wallet.address, PRICE))
    signed = sign_plainly_for_circles_token(world, plan_id, wallet)
    before = world.chain.count_sent(world.relayer.address, "latest")
    with pytest.raises(AuthorizationFailed):
        send_signed_order(world.chain, world.relayer, read_plan_state(world.chain, plan_id), signed)
    assert world.chain.count_sent(world.relayer.address, "latest") == before
    assert isinstance(relay_orders(world.chain, world.relayer, [signed])[0], AuthorizationSignatureInvalid)


def refuse_prices(method: str, params: list[Any], forward: Forward) -> Reply:
    """Refuse every price in a call."""
    return refuse("unknown field") if method == "eth_call" and "maxFeePerGas" in params[0] else None


def give_little_gas(method: str, params: list[Any], forward: Forward) -> Reply:
    """Give a call 150,000 gas at most, without a word."""
    if method == "eth_call":
        params[0]["gas"] = hex(min(150_000, int(params[0].get("gas", "0x989680"), 16)))
    return None


@pytest.mark.parametrize("hook", [refuse_prices, give_little_gas])
def test_checks__by_a_node_that_cannot_ask_as_the_chain_does__say_neither_yes_nor_no(world: World, hook: Hook) -> None:
    """The plain signatures count in calls without a price, and the good ones do not in calls with that little gas."""
    install_base_fee_helper(world)
    wallet, token = deploy_solady(world), deploy_fiat_token(world)
    plan_id = world.register(token=token.address)
    world.send(world.stranger, token.functions.mint(wallet.address, PRICE))
    voucher = sign_plainly(world, wallet)
    good = sign_anyway(world, wallet.signer, voucher.voucher)
    order = sign_plainly_for_circles_token(world, plan_id, wallet)
    with open_odd_chain(world, timeout_seconds=5) as (node, chain):
        node.hook = hook
        for each in (voucher, good):
            with pytest.raises(RpcFailed) as caught:
                check_voucher(chain, each)
            assert caught.value.next_step == "Use another node."
        with pytest.raises(RpcFailed):
            check_signed_order(chain, order, relayer=world.relayer.address)
        [answer] = relay_orders(chain, world.relayer, [order])
        assert isinstance(answer, RpcFailed)
        node.hook = None
        assert check_voucher(chain, good).available == CEILING


def test_ask_wallets__by_a_node_that_takes_no_price__does_not_ask_without_one(world: World) -> None:
    wallet = deploy_solady(world)
    with open_odd_chain(world, timeout_seconds=5) as (node, chain):
        node.hook = refuse_prices
        with pytest.raises(RpcFailed) as caught:
            ask_wallets(chain)(wallet.address, bytes(32), bytes(65))
        assert caught.value.next_step == "Use another node."
        node.hook = lambda method, params, forward: {"result": None} if method == "eth_call" else None
        with pytest.raises(NetworkError):
            ask_wallets(chain)(wallet.address, bytes(32), bytes(65))


def test_check_signed_order__by_a_node_that_takes_no_other_balance__wants_a_relayer_with_coin(world: World) -> None:
    wallet, token = deploy_solady(world), deploy_fiat_token(world)
    plan_id = world.register(token=token.address)
    world.send(world.stranger, token.functions.mint(wallet.address, PRICE))
    signed = sign_plan_order(world.chain, wallet.signer, plan_id)
    with open_odd_chain(world, timeout_seconds=5) as (node, chain):
        node.hook = lambda method, params, forward: refuse("too many arguments") if len(params) > 2 else None
        with pytest.raises(RpcFailed) as caught:
            check_signed_order(chain, signed)
        assert caught.value.next_step == "Name an account with coin as the sender, or use another node."
        check_signed_order(chain, signed, relayer=world.relayer.address)


def refuse_override(method: str, params: list[Any], forward: Forward) -> Reply:
    """Refuse to give a sender other coin than it has."""
    return refuse("too many arguments", -32602) if len(params) > 2 else None


def test_relay_order__by_a_node_that_takes_no_other_balance__wants_the_coin_of_one_order(world: World) -> None:
    wallet, token = deploy_solady(world), deploy_fiat_token(world)
    plan_id = world.register(token=token.address)
    world.send(world.stranger, token.functions.mint(wallet.address, PRICE))
    signed, relayer = sign_plan_order(world.chain, wallet.signer, plan_id), world.relayer
    with open_odd_chain(world, timeout_seconds=5) as (node, chain):
        node.hook = refuse_override
        world.chain.ask("anvil_setBalance", relayer.address, hex(10**12))
        with pytest.raises(InsufficientCoin) as caught:
            relay_order(chain, relayer, signed)
        assert (caught.value.account, caught.value.balance) == (relayer.address, 10**12)
        assert caught.value.required < 10**15
        world.chain.ask("anvil_setBalance", relayer.address, hex(10**15))
        assert relay_order(chain, relayer, signed).payer == wallet.address


def test_check_voucher__by_a_node_that_takes_no_other_balance__wants_the_coin_of_one_settlement(world: World) -> None:
    wallet = deploy_solady(world)
    plan_id = register_for(world, wallet.address)
    good = sign_anyway(world, wallet.signer, voucher_of(world, plan_id, wallet.address))
    bad = sign_anyway(world, Disguised(wallet.address, wallet.wrong["owner"]), good.voucher)
    redeemer = world.redeemer.address
    with open_odd_chain(world, timeout_seconds=5) as (node, chain):
        node.hook = refuse_override
        world.chain.ask("anvil_setBalance", redeemer, hex(10**12))
        forecast = partial(forecast_outcomes, chain, plan_id, [good], redeemer=redeemer)
        for check in (partial(check_voucher, chain, good), forecast):
            with pytest.raises(InsufficientCoin) as caught:
                check()
            assert (caught.value.account, caught.value.balance) == (redeemer, 10**12)
        world.chain.ask("anvil_setBalance", redeemer, hex(10**15))
        assert check_voucher(chain, good).available == CEILING
        with pytest.raises(VoucherSignatureInvalid):
            check_voucher(chain, bad)
        world.chain.ask("anvil_setBalance", redeemer, hex(10**17))
        settle_vouchers(world.chain, world.redeemer, plan_id, [good])
        with pytest.raises(VoucherAlreadySettled):
            check_voucher(chain, good)


def test_order_plan__of_a_payer_with_code_and_little_coin__pays_otherwise_than_by_a_refused_permit(
    world: World,
) -> None:
    payer, plan_id = world.subscriber, world.register()
    world.send(world.other, world.usdc.functions.mint(payer.address, PRICE))
    delegate(world, payer, world.deploy("AcceptsCredits").address)
    world.chain.ask("anvil_setBalance", payer.address, hex(10**15))
    with open_odd_chain(world, timeout_seconds=5) as (node, chain):
        node.hook = refuse_override
        assert order_plan(chain, payer, plan_id).payer == payer.address


def test_check_signed_order__of_a_blocked_payer__asks_the_token_for_its_state_once(world: World) -> None:
    wallet, token = deploy_solady(world), deploy_fiat_token(world)
    plan_id = world.register(token=token.address)
    world.send(world.stranger, token.functions.mint(wallet.address, PRICE))
    signed = sign_plan_order(world.chain, Disguised(wallet.address, wallet.wrong["owner"]), plan_id)
    paused = f"0x{keccak(text='paused()')[:4].hex()}"
    asked: list[str] = []
    with open_odd_chain(world, timeout_seconds=5) as (node, chain):

        def note(method: str, params: list[Any], forward: Forward) -> Reply:
            if method == "eth_call":
                asked.append(params[0].get("data", "")[:10])
            return None

        node.hook = note
        with pytest.raises(AuthorizationSignatureInvalid):
            check_signed_order(chain, signed)
    assert asked.count(paused) == 1
