"""Accounts that send for themselves: SimpleAccount has no signatures of its own, so it approves and orders by transaction."""

import pytest
from web3.contract.contract import Contract, ContractFunction

from nvm_chain.signing.wallets.plain import PlainSigner
from tests.support.calls import encode_call
from tests.support.signed import NOT_SIGNED
from tests.support.world import CREDITS, MAX_UINT, PRICE, World
from tests.wallets.accounts import deploy_simple_account
from tests.wallets.artifacts import read_double
from tests.wallets.catalogue import ACCOUNTS
from tests.wallets.signing import BALANCE, is_accepted, register_for, settle_voucher, sign_anyway, voucher_of
from tests.wallets.wallet import OWNER


@pytest.fixture
def account(world: World) -> Contract:
    """A SimpleAccount, whose owner has coin for gas."""
    world.chain.send_data(world.stranger, "0x", to=OWNER.address, value=10**18)
    return deploy_simple_account(world)


def purchase(world: World, buyer: str) -> tuple[int, list[ContractFunction]]:
    """Give a buyer the price of a new plan. Returns the plan's id, and the calls that buy it."""
    plan_id = world.register()
    world.send(world.stranger, world.usdc.functions.mint(buyer, PRICE))
    order = world.credits.functions.order(plan_id, buyer, 1, MAX_UINT)
    return plan_id, [world.usdc.functions.approve(world.credits.address, PRICE), order]


def as_calls(functions: list[ContractFunction]) -> list[tuple[str, int, bytes]]:
    """Return calls as accounts take them."""
    return [(function.address, 0, bytes.fromhex(encode_call(function)[2:])) for function in functions]


def test_order__of_an_account_that_sends_two_calls__is_paid(world: World, account: Contract) -> None:
    plan_id, calls = purchase(world, account.address)
    for call in as_calls(calls):
        world.send(OWNER, account.functions.execute(*call))
    assert (world.balance(plan_id, account.address), world.tokens(account.address)) == (CREDITS, 0)


def test_order__of_an_account_that_sends_a_batch__is_paid(world: World, account: Contract) -> None:
    plan_id, calls = purchase(world, account.address)
    world.send(OWNER, account.functions.executeBatch(as_calls(calls)))
    assert (world.balance(plan_id, account.address), world.tokens(account.address)) == (CREDITS, 0)


def test_order__of_a_coinbase_wallet_that_sends_a_batch__is_paid(world: World) -> None:
    wallet = ACCOUNTS["Coinbase Smart Wallet (double), key"](world)
    plan_id, calls = purchase(world, wallet.address)
    contract = world.chain.bind(wallet.address, read_double("CoinbaseSmartWalletDouble").abi)
    world.send(world.stranger, contract.functions.executeBatch(as_calls(calls)))
    assert (world.balance(plan_id, wallet.address), world.tokens(wallet.address)) == (CREDITS, 0)


def test_settle__of_a_voucher_of_an_account_without_signatures__is_refused(world: World, account: Contract) -> None:
    plan_id = register_for(world, account.address)
    signer = PlainSigner(account.address, [OWNER])
    signed = sign_anyway(world, signer, voucher_of(world, plan_id, account.address))
    assert not is_accepted(world, signed)
    assert settle_voucher(world, signed) == (0, NOT_SIGNED)
    assert world.balance(plan_id, account.address) == BALANCE
