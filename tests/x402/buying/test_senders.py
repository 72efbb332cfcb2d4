"""The sender's own troubles: fees that are too low, keys without coin, wallets that are contracts, and Circle's token."""

import pytest

from nvm_chain.errors import InsufficientCoin, PaymentUnderWay, TransferRefused
from nvm_chain.meter.store.payment_rows import PaymentState
from nvm_chain.meter.store.payments import list_unfinished
from nvm_chain.operations.token_domains import read_token_domain
from nvm_chain.operations.tokens import read_token_balance
from nvm_chain.signing.authorizations import build_transfer_authorization, sign_transfer_authorization
from nvm_chain.x402.settling.transfers import TransferRules, Transfers
from tests.support.fiat_token import deploy_fiat_token
from tests.x402.buying.market import CREDITS, FUNDS, PRICE, SECONDS, Desk, Market


def test_payment__that_waits_because_of_its_fee__is_sent_again_with_a_higher_one_and_made_once(
    market: Market, desk: Desk
) -> None:
    buyer = market.new_buyer()
    signed = market.sign(buyer)
    new = market.order(signed)
    market.ask("evm_setAutomine", False)
    try:
        chain = market.connect()
        chain.timeout_seconds = 1
        quick = Transfers(chain, market.world.relayer, desk.writer, TransferRules(stuck_seconds=0))
        with pytest.raises(PaymentUnderWay):
            quick.take(signed, new, payee=market.payee, value=PRICE, seconds=SECONDS)
        first = desk.read(new)
        found = quick.advance(first)
        assert found.state is PaymentState.SENT
        second = desk.read(new)
        assert second.hash != first.hash
        assert second.sender_nonce == first.sender_nonce
    finally:
        market.ask("evm_setAutomine", True)
    market.mine()
    desk.work()
    assert desk.read(new).hash == second.hash
    assert desk.finish(new).state is PaymentState.GRANTED
    assert (market.read_credits(buyer), market.read_paid(buyer)) == (CREDITS, PRICE)


def test_take__by_a_key_without_coin__sends_nothing_and_works_when_it_has_some(market: Market, desk: Desk) -> None:
    buyer = market.new_buyer()
    signed = market.sign(buyer)
    new = market.order(signed)
    relayer = market.world.relayer.address
    coin = market.ask("eth_getBalance", relayer, "latest")
    market.ask("anvil_setBalance", relayer, "0x0")
    with pytest.raises((InsufficientCoin, TransferRefused)):
        desk.take(signed, new)
    assert (desk.writer.run(list_unfinished), market.read_paid(buyer)) == ([], 0)
    market.ask("anvil_setBalance", relayer, coin)
    assert desk.take(signed, new).payment.is_paid


def test_grant__by_a_minter_without_coin__waits_until_it_has_some(market: Market, desk: Desk) -> None:
    buyer = market.new_buyer()
    signed = market.sign(buyer)
    new = market.order(signed)
    minter = market.world.minter.address
    coin = market.ask("eth_getBalance", minter, "latest")
    desk.take(signed, new)
    market.mine()
    market.ask("anvil_setBalance", minter, "0x0")
    desk.work()
    assert desk.read(new).state is PaymentState.PAID
    assert [type(error) for error in market.errors] == [InsufficientCoin]
    market.ask("anvil_setBalance", minter, coin)
    assert desk.finish(new).state is PaymentState.GRANTED
    assert (market.read_credits(buyer), market.read_paid(buyer)) == (CREDITS, PRICE)


def test_take__of_a_transfer_of_circles_token__is_made_once(market: Market, desk: Desk) -> None:
    token = deploy_fiat_token(market.world)
    buyer = market.new_buyer()
    market.world.send(market.world.builder, token.functions.mint(buyer.address, FUNDS))
    made = build_transfer_authorization(
        payer=buyer.address, payee=market.payee, value=PRICE, valid_before=market.chain.read_time() + SECONDS
    )
    domain = read_token_domain(market.chain, token.address)
    signed = sign_transfer_authorization(buyer, made, token=domain)
    new = market.request(signed)
    assert desk.take(signed, new).payment.is_paid
    assert desk.take(signed, new).payment.is_paid
    assert read_token_balance(market.chain, token.address, buyer.address) == FUNDS - PRICE
