"""The wire at a gateway that runs: what a payment accepts, corrections, sign-ins with a request, and answers to broken payments."""

import asyncio
import base64
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount
from x402 import x402Client
from x402.extensions.sign_in_with_x import (
    CreateSIWxClientExtensionOptions,
    create_siwx_client_extension,
    create_siwx_message,
    create_siwx_payload,
    encode_siwx_header,
)
from x402.http.clients.httpx import x402HttpxClient
from x402.http.utils import decode_payment_required_header, decode_payment_response_header
from x402.mechanisms.evm.exact import ExactEvmScheme
from x402.mechanisms.evm.signers import EthAccountSigner
from x402.schemas import PaymentRequired

from nvm_chain.meter.bindings import build_binding
from nvm_chain.meter.bodies import hash_body
from nvm_chain.meter.engine import Meter
from nvm_chain.signing.vouchers import build_voucher, sign_voucher
from nvm_chain.x402.payments import write_payment
from tests.gateway.conftest import shop as shop
from tests.gateway.conftest import upstream as upstream
from tests.gateway.conftest import upstream_url as upstream_url
from tests.gateway.processes import find_port
from tests.gateway.serving import Upstream, reply
from tests.gateway.shop import Gate, Shop
from tests.support.vectors import name
from tests.x402.wires import PAYMENTS, VECTORS, close_header, open_header


@pytest.fixture(scope="module")
def open_gate(shop: Shop, upstream_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """A gateway that knows its own address."""
    port = find_port()
    folder = tmp_path_factory.mktemp("gateway")
    with shop.open(folder, upstream_url, port=port, url=f"http://127.0.0.1:{port}") as gate:
        gate.wait_until_ready()
        yield gate


@pytest.fixture
def gate(open_gate: Gate) -> Gate:
    """The gateway, for a buyer of this test's own."""
    return Gate(open_gate.shop, open_gate.url, open_gate.shop.new_buyer())


def read_required(answer: requests.Response) -> dict[str, Any]:
    assert answer.status_code == 402, answer.text
    told: dict[str, Any] = open_header(answer.headers["PAYMENT-REQUIRED"])
    return told


def find_offer(gate: Gate, target: str = "/ask") -> dict[str, Any]:
    """Return the offer of credits that an unpaid request gets."""
    offer: dict[str, Any] = read_required(gate.ask("POST", target, data=b"tea?"))["accepts"][0]
    return offer


def pay_for(gate: Gate, offer: dict[str, Any], ceiling: int, target: str = "/ask") -> str:
    """Return a payment by a voucher that is bound to the request, and that accepts an offer."""
    shop, binding = gate.shop, build_binding(gate.shop.did, "POST", target, hash_body(b"tea?"), f"r-{time.time_ns()}")
    voucher = build_voucher(
        shop.credits_plan,
        holder=gate.buyer.address,
        redeemer=shop.redeemer.address,
        ceiling=ceiling,
        deadline=int(time.time()) + 3_600,
        context=binding.context,
    )
    chain = shop.chain
    signed = sign_voucher(gate.buyer, voucher, chain_id=chain.chain_id, contract=chain.credits.address)
    return write_payment(offer, signed, binding)


def ask(gate: Gate, payment: str, target: str = "/ask") -> requests.Response:
    return gate.ask("POST", target, {"PAYMENT-SIGNATURE": payment}, data=b"tea?")


# ---------------------------------------------------------------------- what is accepted


def test_payment__that_accepts_the_offer_of_now__is_served(gate: Gate) -> None:
    answer = ask(gate, pay_for(gate, find_offer(gate), 2))
    assert answer.status_code == 200
    told = decode_payment_response_header(answer.headers["PAYMENT-RESPONSE"])
    assert (told.success, told.payer, told.amount, told.transaction) == (True, gate.buyer.address, "2", "")
    assert told.network == f"eip155:{gate.shop.chain.chain_id}"
    assert answer.headers["Cache-Control"] == "no-store, private"


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("amount", {"amount": "1"}),
        ("maxTimeoutSeconds", {"maxTimeoutSeconds": 9_999}),
        ("payTo", {"payTo": "0x" + "77" * 20}),
        ("asset", {"asset": "0x" + "77" * 20}),
        ("network", {"network": "eip155:1"}),
    ],
)
def test_payment__that_accepts_another_offer__is_refused_and_not_spent(
    gate: Gate, upstream: Upstream, field: str, change: dict[str, Any]
) -> None:
    offer, before = find_offer(gate), len(upstream.seen)
    payment = pay_for(gate, offer, 2)
    changed = close_header({**open_header(payment), "accepted": {**offer, **change}})
    refused = ask(gate, changed)
    assert read_required(refused)["error"] == "No matching payment requirements"
    assert (refused.json()["nvm"]["type"], refused.json()["nvm"]["fields"]["field"]) == ("OfferDiffers", field)
    assert len(upstream.seen) == before
    assert ask(gate, payment).status_code == 200


def test_payment__that_accepts_the_offer_of_a_cheaper_endpoint__is_refused(gate: Gate) -> None:
    cheap, dear = find_offer(gate), find_offer(gate, "/dear")
    assert (cheap["amount"], dear["amount"]) == ("2", "4")
    assert ask(gate, pay_for(gate, cheap, 4, "/dear"), "/dear").json()["nvm"]["fields"]["field"] == "amount"
    assert ask(gate, pay_for(gate, dear, 4, "/dear"), "/dear").status_code == 200


def test_payment__whose_numbers_are_fractions__is_served(gate: Gate) -> None:
    offer = find_offer(gate)
    told = open_header(pay_for(gate, offer, 2))
    told["x402Version"], told["accepted"]["maxTimeoutSeconds"] = 2.0, float(offer["maxTimeoutSeconds"])
    told["payload"]["binding"]["v"] = 1.0
    assert ask(gate, close_header(told)).status_code == 200


def test_payment__of_a_scheme_that_is_not_offered__is_refused(gate: Gate) -> None:
    for kind in ("exact", "order"):
        refused = ask(gate, PAYMENTS[kind])
        assert read_required(refused)["error"] == "No matching payment requirements"
        assert refused.json()["nvm"]["fields"]["field"] == "scheme"


@pytest.mark.parametrize("vector", VECTORS["broken"], ids=name)
def test_payment__that_is_broken__gets_the_code_and_the_offers(
    gate: Gate, upstream: Upstream, vector: dict[str, str]
) -> None:
    before = len(upstream.seen)
    refused = ask(gate, vector["header"])
    required = decode_payment_required_header(refused.headers["PAYMENT-REQUIRED"])
    assert isinstance(required, PaymentRequired)
    assert required.error == vector["code"] == refused.json()["nvm"]["fields"]["code"]
    assert required.accepts[0].scheme == "nvm-credits"
    assert len(upstream.seen) == before


# ---------------------------------------------------------------------- corrections


def test_ceiling__that_is_too_low__is_corrected_by_the_402(gate: Gate) -> None:
    assert ask(gate, pay_for(gate, find_offer(gate), 2)).status_code == 200
    refused = ask(gate, pay_for(gate, find_offer(gate), 3))  # a fresh client, which knows of no earlier request
    offer = read_required(refused)["accepts"][0]
    account = offer["extra"]["account"]
    assert (account["holder"], account["nextCeiling"]) == (gate.buyer.address, "4")
    assert ask(gate, pay_for(gate, offer, int(account["nextCeiling"]))).status_code == 200


def test_ceiling__of_a_stranger__is_told_to_nobody(gate: Gate) -> None:
    told = open_header(pay_for(gate, find_offer(gate), 1))
    told["payload"]["voucher"]["signature"] = "0x" + "11" * 65
    offers = read_required(ask(gate, close_header(told)))["accepts"]
    assert [offer["extra"].get("account") for offer in offers] == [None] * len(offers)


def test_answer__of_an_upstream_that_fails__says_that_nothing_was_paid(gate: Gate, upstream: Upstream) -> None:
    upstream.answers["/data/broken"] = lambda *parts: reply(parts[-1], status=500)
    told = open_header(gate.pay("GET", "/data/broken")["PAYMENT-SIGNATURE"])
    offer = read_required(gate.ask("GET", "/data/broken"))["accepts"][0]
    answer = gate.ask("GET", "/data/broken", {"PAYMENT-SIGNATURE": close_header({**told, "accepted": offer})})
    assert answer.status_code == 500
    response = decode_payment_response_header(answer.headers["PAYMENT-RESPONSE"])
    assert (response.success, response.error_reason, response.amount) == (False, "not_served", "0")


# ---------------------------------------------------------------------- sign-ins with a request


def challenge(gate: Gate) -> dict[str, Any]:
    """Return what a 402 declares for sign-ins, with the chain chosen as official clients do it."""
    declared = read_required(gate.ask("POST", "/ask", data=b"tea?"))["extensions"]["sign-in-with-x"]
    return {**declared["info"], **declared["supportedChains"][0]}


def sign(info: dict[str, Any], account: LocalAccount, url: str) -> str:
    """Return the header that the official extension writes."""
    return encode_siwx_header(asyncio.run(create_siwx_payload(info, account, url)))


def sign_in(gate: Gate, account: LocalAccount, header: str | None = None, **more: str) -> requests.Response:
    header = sign(challenge(gate), account, gate.service_url) if header is None else header
    return gate.ask("POST", "/ask", {"SIGN-IN-WITH-X": header, **more}, data=b"tea?")


def test_sign_in__by_the_official_client__is_served_on_a_time_plan(gate: Gate) -> None:
    buyer = gate.shop.buyers[0]

    async def ask_twice() -> list[Any]:
        client = x402Client().register("eip155:*", ExactEvmScheme(EthAccountSigner(buyer)))
        client.register_extension(create_siwx_client_extension(CreateSIWxClientExtensionOptions(signers=[buyer])))
        async with x402HttpxClient(client) as http:
            return [await http.post(f"{gate.service_url}/ask", content=b"tea?") for _ in range(2)]

    for answer in asyncio.run(ask_twice()):
        assert answer.status_code == 200, answer.text
        told = decode_payment_response_header(answer.headers["PAYMENT-RESPONSE"])
        assert (told.success, told.payer, told.amount) == (True, buyer.address, "0")
        assert told.extra is not None
        assert int(told.extra["planId"]) == gate.shop.time_plan


def test_sign_in__once_more__is_refused(gate: Gate) -> None:
    buyer = gate.shop.buyers[1]
    header = sign(challenge(gate), buyer, gate.service_url)
    assert sign_in(gate, buyer, header).status_code == 200
    assert read_required(sign_in(gate, buyer, header))["error"] == "invalid_siwx_nonce"


def test_sign_ins__of_many_requests__open_one_authority(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nvm_chain.meter.store.sign_ins.MOST_AUTHORITIES", 1)
    statuses = [sign_in(gate, gate.shop.buyers[2]).status_code for _ in range(5)]
    assert statuses == [200] * 5


def test_sign_in__after_its_authority_was_revoked__opens_another(gate: Gate, open_gate: Gate) -> None:
    buyer, seen = gate.shop.buyers[4], []
    original = Meter.sign_in

    async def watch(meter: Meter, *arguments: Any, **named: Any) -> Any:
        seen.append(await original(meter, *arguments, **named))
        return seen[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Meter, "sign_in", watch)
        assert [sign_in(gate, buyer).status_code for _ in range(2)] == [200, 200]
        assert len(seen) == 1
        token = {"Authorization": f"Bearer {seen[0][0]}"}
        assert requests.delete(f"{gate.url}/sessions", headers=token, timeout=60).status_code == 200
        refused = sign_in(gate, buyer)
        assert (refused.status_code, refused.json()["nvm"]["type"]) == (402, "AuthorityRevoked")
        assert sign_in(gate, buyer).status_code == 200
        assert len(seen) == 2


def test_sign_in__of_an_account_without_a_plan__is_refused_and_a_payment_beside_it_counts(gate: Gate) -> None:
    header = sign(challenge(gate), gate.buyer, gate.service_url)
    refused = sign_in(gate, gate.buyer, header)
    assert read_required(refused)["accepts"][0]["scheme"] == "nvm-credits"
    assert refused.json()["nvm"]["type"] in ("WindowClosed", "CreditsUsedUp")
    payment = pay_for(gate, find_offer(gate), 2)
    assert sign_in(gate, gate.buyer, header, **{"PAYMENT-SIGNATURE": payment}).status_code == 200


def test_sign_in__beside_a_token__is_a_bad_request(gate: Gate) -> None:
    assert sign_in(gate, gate.shop.buyers[0], "e30=", Authorization="Bearer nvms_x").status_code == 400


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"domain": "other.example.com"}, "invalid_siwx_domain_mismatch"),
        ({"uri": "https://other.example.com/"}, "invalid_siwx_uri_mismatch"),
        ({"chainId": "eip155:1"}, "invalid_siwx_chain_id"),
        ({"nonce": "0123456789abcdef" * 4}, "invalid_siwx_nonce"),
        ({"issuedAt": "2026-01-01T00:00:00Z", "expirationTime": "2026-01-01T00:10:00Z"}, "invalid_siwx_expired"),
        ({"issuedAt": "2100-01-01T00:00:00Z", "expirationTime": "2100-01-01T00:10:00Z"}, "invalid_siwx_not_yet_valid"),
        ({"expirationTime": "2100-01-01T00:00:00Z"}, "invalid_payload"),
        ({"resources": ["https://other.example.com/"]}, "nvm_SignInMismatch"),
    ],
    ids=["domain", "uri", "chain", "nonce", "expired", "future", "too long", "service"],
)
def test_sign_in__that_is_not_good_here_and_now__is_refused(gate: Gate, change: dict[str, Any], reason: str) -> None:
    info = {**challenge(gate), **change}
    account = gate.shop.buyers[3]
    refused = sign_in(gate, account, sign_freely(info, account))
    assert read_required(refused)["error"] == reason


def sign_freely(info: dict[str, Any], account: LocalAccount) -> str:
    """Return a header as the official extension writes it, also for a challenge that it would refuse to sign."""
    text = create_siwx_message(info, account.address)
    signature = account.sign_message(encode_defunct(text=text)).signature
    return close_header({**info, "address": account.address, "signature": f"0x{signature.hex()}"})


def test_sign_in__signed_by_another_account__is_refused(gate: Gate) -> None:
    info = challenge(gate)
    told = open_header(sign(info, Account.create(), gate.service_url))
    header = close_header({**told, "address": gate.shop.buyers[0].address})
    assert read_required(sign_in(gate, gate.shop.buyers[0], header))["error"] == "invalid_siwx_signature"


@pytest.mark.parametrize("header", ["!", "e30=", base64.b64encode(b"[]").decode(), close_header({"domain": 7})])
def test_sign_in__that_cannot_be_read__is_refused(gate: Gate, header: str) -> None:
    refused = sign_in(gate, gate.shop.buyers[0], header)
    assert (read_required(refused)["error"], refused.json()["nvm"]["type"]) == ("invalid_payload", "PaymentMalformed")
