"""Spend controls of the official client: what the plug-in allows, and what it does not raise for other schemes."""

from typing import Any

import pytest
from eth_account import Account
from x402 import x402ClientSync
from x402.mechanisms.evm.exact import ExactEvmScheme
from x402.schemas import NoMatchingRequirementsError, PaymentRequired, PaymentRequirements

import nvm_chain as nvm
from nvm_chain.client.buyer import Buyer
from nvm_chain.client.limits import build_budget, build_limits
from nvm_chain.errors import InvalidConfig, InvalidUrl, PaymentNotAllowed
from nvm_chain.integrations.x402.controls import build_spend_controls
from nvm_chain.integrations.x402.plugin import pay_from_credits
from nvm_chain.integrations.x402.requests_session import open_session
from tests.support.world import PRICE
from tests.x402.python.fastapi_shop import Kiosk, run_kiosk

OTHER = "0x" + "22" * 20
URL = "https://gateway.example.com"


@pytest.fixture(scope="module")
def kiosk() -> Any:
    """A chain with TestUSDC."""
    with run_kiosk() as kiosk:
        yield kiosk


@pytest.fixture(scope="module")
def plan_id(kiosk: Kiosk) -> int:
    """A plan that costs TestUSDC."""
    price = nvm.get_erc20_price_config(PRICE, kiosk.token, kiosk.payee.address)
    config = nvm.get_fixed_credits_config(100)
    return int(nvm.register_plan(kiosk.chain, kiosk.world.builder, price, config).plan_id)


def make_buyer(kiosk: Kiosk, plan_id: int | None = None) -> Buyer:
    """Return a buyer, with a budget for a plan if one is given."""
    budgets = [] if plan_id is None else [build_budget(plan_id, orders=1, max_cost=PRICE)]
    return Buyer(kiosk.chain, Account.create(), build_limits(per_request=5, in_all=100), budgets=budgets)


def make_offer(kiosk: Kiosk, amount: int, asset: str = "") -> PaymentRequired:
    """Return what a server says that wants a transfer."""
    offer = PaymentRequirements(
        scheme="exact",
        network=f"eip155:{kiosk.chain.chain_id}",
        asset=asset or kiosk.token,
        amount=str(amount),
        pay_to=kiosk.payee.address,
        max_timeout_seconds=60,
        extra={"name": "USDC", "version": "2"},
    )
    return PaymentRequired(accepts=[offer])


def test_controls__of_a_buyer_without_budgets__allow_credits_alone(kiosk: Kiosk) -> None:
    network = f"eip155:{kiosk.chain.chain_id}"
    credits = {"network": network, "asset": kiosk.chain.credits.address, "max_amount_per_payment": "5"}
    assert build_spend_controls(make_buyer(kiosk)) == {"allowed_assets": [credits]}
    own = {"max_amount_per_payment": "$3", "allowed_assets": [{"network": "eip155:1", "asset": OTHER}]}
    assert build_spend_controls(make_buyer(kiosk), own) == {
        "max_amount_per_payment": "$3",
        "allowed_assets": [credits, {"network": "eip155:1", "asset": OTHER}],
    }
    assert own["allowed_assets"] == [{"network": "eip155:1", "asset": OTHER}]
    assert build_spend_controls(make_buyer(kiosk), {"allowed_assets": True}) == {"allowed_assets": True}


def test_controls__of_a_budget__allow_its_token_up_to_its_cost(kiosk: Kiosk, plan_id: int) -> None:
    controls = build_spend_controls(make_buyer(kiosk, plan_id))
    token = next(entry for entry in controls["allowed_assets"] if entry["asset"] == kiosk.token)
    assert token["max_amount_per_payment"] == str(PRICE)


def open_exact(kiosk: Kiosk, buyer: Buyer, controls: Any = None) -> x402ClientSync:
    """Return an official client that pays by transfers too."""
    client = x402ClientSync()
    client.register(f"eip155:{kiosk.chain.chain_id}", ExactEvmScheme(Account.create()))
    return pay_from_credits(client, buyer, URL, spend_controls=controls)


def test_budget__does_not_let_other_schemes_pay_its_token(kiosk: Kiosk, plan_id: int) -> None:
    client = open_exact(kiosk, make_buyer(kiosk, plan_id))
    with pytest.raises(PaymentNotAllowed, match="other schemes may not pay"):
        client.create_payment_payload(make_offer(kiosk, 1))


def test_own_controls__say_what_other_schemes_pay_of_the_token_of_a_budget(kiosk: Kiosk, plan_id: int) -> None:
    entry = {"network": f"eip155:{kiosk.chain.chain_id}", "asset": kiosk.token, "max_amount_per_payment": "10000"}
    client = open_exact(kiosk, make_buyer(kiosk, plan_id), {"allowed_assets": [entry]})
    payload: Any = client.create_payment_payload(make_offer(kiosk, 10_000))
    assert payload.payload["authorization"]["value"] == "10000"
    with pytest.raises(PaymentNotAllowed, match="other schemes may not pay"):
        client.create_payment_payload(make_offer(kiosk, 10_001))


def test_other_tokens__stay_under_the_controls_of_the_official_client(kiosk: Kiosk, plan_id: int) -> None:
    with pytest.raises(NoMatchingRequirementsError, match="spend_controls"):
        open_exact(kiosk, make_buyer(kiosk, plan_id)).create_payment_payload(make_offer(kiosk, 1, OTHER))


def test_client__without_the_plug_in__is_told_what_is_missing(kiosk: Kiosk) -> None:
    with pytest.raises(InvalidConfig, match="pay_from_credits"):
        open_session(x402ClientSync())
    with pytest.raises(InvalidUrl):
        pay_from_credits(x402ClientSync(), make_buyer(kiosk), "gateway.example.com")
