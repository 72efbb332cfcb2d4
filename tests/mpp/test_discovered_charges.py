"""What discovery says of charges is what a challenge asks for, and the official validator takes it."""

import base64
import json

import requests

from nvm_chain.x402.headers import read_header
from tests.gateway.test_discovery import validate
from tests.mpp.market import CREDITS, Market, Stand, read_challenge


def test_openapi__with_charges__has_the_offers_that_challenges_make(market: Market, stand: Stand) -> None:
    document = requests.get(f"{stand.gate.url}/openapi.json", timeout=60).json()
    assert validate(document) == []
    path = f"/services/{stand.gate.shop.did}/ask"
    operation = document["paths"][path]["post"]
    info = operation["x-payment-info"]
    assert info["protocols"] == ["x402", "mpp"]
    (offer,) = info["offers"]
    challenge = stand.challenge()
    asked = json.loads(base64.urlsafe_b64decode(challenge.request + "=="))
    assert (offer["method"], offer["intent"]) == (challenge.method, challenge.intent)
    assert (offer["amount"], offer["currency"]) == (asked["amount"], asked["currency"])
    assert operation["security"] == [{"x402": []}, {"token": []}, {"mpp": []}]
    assert document["components"]["securitySchemes"]["mpp"]["scheme"] == "Payment"
    schemes = {plan["planId"]: plan["scheme"] for plan in operation["x-nvm-plans"]}
    credits = {str(plan_id): "nvm-credits" for plan_id in (market.shop.credits_plan, market.plan_id)}
    assert schemes == {str(market.usage_id): "exact", **credits}


def test_openapi__has_the_address_of_a_plan_with_what_its_challenge_asks_for(market: Market, stand: Stand) -> None:
    document = requests.get(f"{stand.gate.url}/openapi.json", timeout=60).json()
    path = f"/plans/{market.plan_id}/orders"
    operation = document["paths"][path]["post"]
    answer = requests.post(stand.gate.url + path, timeout=60)
    asked = json.loads(base64.urlsafe_b64decode(read_challenge(answer).request + "=="))
    (offer,) = operation["x-payment-info"]["offers"]
    assert (offer["amount"], offer["currency"]) == (asked["amount"], asked["currency"])
    (plan,) = operation["x-nvm-plans"]
    required = read_header(answer.headers["payment-required"], "header")
    assert plan["schemes"] == [found["scheme"] for found in required["accepts"]]
    assert (plan["planId"], plan["credits"]) == (str(market.plan_id), str(CREDITS))
    assert operation["security"] == [{"x402": []}, {"mpp": []}]


def test_manifest__lists_the_address_of_a_plan(market: Market, stand: Stand) -> None:
    told = requests.get(f"{stand.gate.url}/.well-known/x402", timeout=60).json()
    assert told["resources"][-1].endswith(f"/plans/{market.plan_id}/orders")
