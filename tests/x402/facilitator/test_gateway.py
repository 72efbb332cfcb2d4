"""The facilitator of a gateway: other servers have payments settled, also those with credits of the gateway's own plans."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from msgspec import json as fast_json

from nvm_chain.gateway.facilitator.settings import FacilitatorPart
from nvm_chain.operations.tokens import mint_test_usdc, read_token_balance
from nvm_chain.x402.facilitator.callers import build_caller
from nvm_chain.x402.offers import CreditsOffer
from nvm_chain.x402.vouchers import write_voucher
from tests.gateway.serving import Upstream, served
from tests.gateway.shop import Gate, Shop, run_shop
from tests.x402.facilitator.desks import FUNDS, PRICE, TOKENS, hash_token, pay_officially


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with run_shop() as opened:
        yield opened


@pytest.fixture(scope="module")
def gate(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """A gateway with a facilitator, whose caller shop takes credits."""
    assert shop.chain.usdc is not None
    callers = (
        build_caller("shop", hash_token(TOKENS["shop"]), services=[shop.did]),
        build_caller("other", hash_token(TOKENS["other"])),
    )
    part = FacilitatorPart(callers, tokens=(shop.chain.usdc,))
    with (
        served(Upstream()) as upstream,
        shop.open(tmp_path_factory.mktemp("gateway"), upstream, facilitator=part) as opened,
    ):
        opened.wait_until_ready()
        yield opened


def ask(gate: Gate, path: str, payment: Any, required: Any, caller: str = "shop") -> Any:
    """Ask the facilitator."""
    body = {"x402Version": 2, "paymentPayload": payment, "paymentRequirements": required}
    headers = {"Authorization": f"Bearer {TOKENS[caller]}"}
    answer = requests.post(f"{gate.url}/facilitator{path}", json=body, headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_exact__through_a_gateway__is_settled_once(gate: Gate) -> None:
    chain = gate.shop.chain
    usdc, seller, payer = str(chain.usdc), chain.accounts[9].address, gate.shop.new_buyer()
    mint_test_usdc(chain, chain.accounts[0], payer.address, FUNDS)
    required = {
        "scheme": "exact",
        "network": "eip155:31337",
        "asset": usdc,
        "amount": str(PRICE),
        "payTo": seller,
        "maxTimeoutSeconds": 300,
        "extra": {"name": "USDC", "version": "2"},
    }
    payment = pay_officially(payer, required)
    assert ask(gate, "/verify", payment, required)["isValid"] is True
    assert ask(gate, "/settle", payment, required)["success"] is True
    assert ask(gate, "/settle", payment, required, "other")["errorReason"] == "duplicate_settlement"
    assert read_token_balance(chain, usdc, seller) == PRICE


def offer_credits(gate: Gate, amount: int) -> dict[str, Any]:
    """Return an offer as another server makes it for the agent."""
    shop = gate.shop
    where = (shop.chain.chain_id, shop.chain.credits.address, shop.credits_plan, shop.redeemer.address)
    return CreditsOffer(*where, amount, 300, shop.did, "full").to_json()


def test_credits__of_the_gateways_plan__are_charged_once(gate: Gate) -> None:
    required, binding = offer_credits(gate, 3), gate.bind("GET", "/elsewhere")
    signed = gate.sign(3, binding)
    payload = json.loads(fast_json.encode(write_voucher(signed, binding)))
    payment = {"x402Version": 2, "accepted": required, "payload": payload}
    for _ in range(2):
        assert ask(gate, "/verify", payment, required) == {"isValid": True, "payer": gate.buyer.address}
    other = ask(gate, "/settle", payment, required, "other")
    assert (other["success"], other["errorReason"]) == (False, "nvm_ServiceNotYours")
    settled = ask(gate, "/settle", payment, required)
    assert (settled["success"], settled["amount"], settled["transaction"]) == (True, "3", "")
    gate.wait_for("charged", "3")
    again = ask(gate, "/settle", payment, required)
    assert (again["success"], again["errorReason"]) == (False, "nvm_AuthorityUsedUp")
    assert ask(gate, "/verify", payment, required)["isValid"] is False


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"amount": "4"}, "nvm_CeilingTooLow"),
        ({"payTo": "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"}, "invalid_payment_requirements"),
        ({"network": "eip155:1"}, "network_mismatch"),
    ],
)
def test_credits__for_other_requirements__are_refused(gate: Gate, changed: dict[str, Any], reason: str) -> None:
    fresh = replace(gate, buyer=gate.shop.new_buyer(), ceiling=0)
    required, binding = offer_credits(fresh, 3), fresh.bind("GET", "/elsewhere")
    payload = json.loads(fast_json.encode(write_voucher(fresh.sign(3, binding), binding)))
    told = ask(gate, "/verify", {"x402Version": 2, "accepted": required, "payload": payload}, {**required, **changed})
    assert (told["isValid"], told["invalidReason"]) == (False, reason)


def test_supported__of_a_gateway__has_its_credits(gate: Gate) -> None:
    told = requests.get(f"{gate.url}/facilitator/supported", timeout=30).json()
    assert [kind["scheme"] for kind in told["kinds"]] == ["exact", "nvm-order", "nvm-credits"]
    assert told["kinds"][2]["extra"]["payTo"] == gate.shop.redeemer.address


def test_facilitator__of_a_gateway_without_callers__is_not_there(shop: Shop, tmp_path: Path) -> None:
    with served(Upstream()) as upstream, shop.open(tmp_path, upstream) as plain:
        assert requests.get(f"{plain.url}/facilitator/supported", timeout=30).status_code == 404
