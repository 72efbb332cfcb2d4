"""Payers of the facilitator that are contract wallets, and orders of plans that it sends."""

import json
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

import nvm_chain as nvm
from nvm_chain.chain.client import Chain
from nvm_chain.operations.signed_orders import sign_plan_order
from nvm_chain.operations.token_domains import read_token_domain
from nvm_chain.operations.tokens import mint_test_usdc
from nvm_chain.x402.orders import OrderOffer
from tests.x402.facilitator.desks import FacilitatorDesk, open_desk, pay_as
from tests.x402.facilitator.wallets import CREATE2, WalletSigner

COST = 20_000_000


def test_settle__of_a_deployed_wallet__is_paid(desk: FacilitatorDesk) -> None:
    owner, required = Account.create(), desk.require()
    signer = WalletSigner(owner)
    desk.chain.send_data(desk.chain.accounts[6], f"0x{signer.deployment.hex()}", CREATE2)
    payment = pay_as(desk, signer, required)
    assert desk.ask("/verify", payment, required).json() == {"isValid": True, "payer": signer.address}
    assert desk.ask("/settle", payment, required).json()["success"] is True
    forged = pay_as(desk, signer, required)
    forged["payload"]["signature"] = payment["payload"]["signature"]
    told = desk.ask("/verify", forged, required).json()
    assert told["invalidReason"] == "invalid_exact_evm_payload_signature"


def test_settle__of_an_undeployed_wallet__needs_an_allowed_factory(
    desk: FacilitatorDesk, paid_chain: Chain, tmp_path: Path
) -> None:
    signer, required = WalletSigner(Account.create(), wraps=True), desk.require()
    payment = pay_as(desk, signer, required)
    for path, word in (("/verify", "invalidReason"), ("/settle", "errorReason")):
        assert desk.ask(path, payment, required).json()[word] == "eip6492_factory_not_allowed"
    assert not paid_chain.has_code(signer.address)
    with open_desk(paid_chain, tmp_path, factories=(CREATE2,)) as open_handed:
        assert open_handed.ask("/verify", payment, required).json()["isValid"] is True
        assert not paid_chain.has_code(signer.address)
        assert open_handed.ask("/settle", payment, required).json()["success"] is True
    assert paid_chain.has_code(signer.address)


@pytest.fixture(scope="module")
def plan_id(paid_chain: Chain) -> int:
    """A plan of 100 credits for 20 USDC."""
    assert paid_chain.usdc is not None
    builder = paid_chain.accounts[1]
    price = nvm.get_erc20_price_config(COST, paid_chain.usdc, builder.address)
    return nvm.register_plan(paid_chain, builder, price, nvm.get_fixed_credits_config(100)).plan_id


def offer_order(desk: FacilitatorDesk, plan_id: int) -> dict[str, Any]:
    """Return the offer of a plan."""
    domain = read_token_domain(desk.chain, desk.usdc)
    redeemer = desk.chain.accounts[3].address
    return OrderOffer(domain, desk.chain.credits.address, plan_id, COST, 100, redeemer, 300).to_json()


def test_settle__of_an_order__buys_the_plan_once(desk: FacilitatorDesk, plan_id: int) -> None:
    buyer, required = Account.create(), offer_order(desk, plan_id)
    mint_test_usdc(desk.chain, desk.chain.accounts[0], buyer.address, 2 * COST)
    signed = sign_plan_order(desk.chain, buyer, plan_id)
    payment = {"x402Version": 2, "accepted": required, "payload": {"order": json.loads(signed.to_json())}}
    assert desk.ask("/verify", payment, required).json() == {"isValid": True, "payer": buyer.address}
    told = desk.ask("/settle", payment, required).json()
    assert (told["success"], told["amount"]) == (True, str(COST))
    assert nvm.read_balance(desk.chain, plan_id, buyer.address) == 100
    assert desk.ask("/settle", payment, required).json()["errorReason"] == "duplicate_settlement"
    assert desk.ask("/verify", payment, required, "other").json()["invalidReason"] == "duplicate_settlement"
    assert desk.balance(buyer.address) == COST


def test_verify__of_an_order_for_something_else__is_refused(desk: FacilitatorDesk, plan_id: int) -> None:
    buyer, required = Account.create(), offer_order(desk, plan_id)
    mint_test_usdc(desk.chain, desk.chain.accounts[0], buyer.address, COST)
    signed = sign_plan_order(desk.chain, buyer, plan_id)
    order = json.loads(signed.to_json())
    payment = {"x402Version": 2, "accepted": required, "payload": {"order": order}}
    for changed in (
        {"amount": str(COST + 1)},
        {"payTo": buyer.address},
        {"asset": buyer.address},
        {"extra": {**required["extra"], "planId": "7"}},
    ):
        told = desk.ask("/verify", payment, {**required, **changed}).json()
        assert (told["isValid"], told["invalidReason"]) == (False, "invalid_payment_requirements")
    forged = {**payment, "payload": {"order": {**order, "quantity": "2"}}}
    assert desk.ask("/verify", forged, required).json()["isValid"] is False
