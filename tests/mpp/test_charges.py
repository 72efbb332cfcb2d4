"""Requests that are paid by MPP: with both official clients, once, for the request that was signed for, and beside x402."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from mpp import Receipt

from nvm_chain.gateway.buying.settings import BuyingSettings
from nvm_chain.gateway.offers import PAY_SECONDS
from nvm_chain.meter.bodies import hash_body
from nvm_chain.mpp import challenges
from nvm_chain.mpp.challenges import read_time, write_digest
from nvm_chain.mpp.credentials import write_credential
from nvm_chain.mpp.problems import BASE
from nvm_chain.mpp.receipts import read_receipt
from nvm_chain.x402.headers import read_header, write_header
from tests.client.clients import find_port
from tests.gateway.serving import Upstream, reply, served
from tests.mpp.market import PRICE, Market, Stand, read_challenge, read_opaque

MANY = 24


def read_problem(answer: requests.Response) -> str:
    """Return the word of a problem."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    told = answer.json()
    assert told["status"] == answer.status_code
    assert told["detail"]
    return str(told["type"]).removeprefix(BASE)


def read_payload(header: str) -> dict[str, Any]:
    """Return the payload of a credential."""
    payload: dict[str, Any] = json.loads(base64.urlsafe_b64decode(header.removeprefix("Payment ") + "=="))["payload"]
    return payload


async def fail(seen: Upstream, scope: Any, receive: Any, send: Any) -> None:
    """Answer as a service that is broken."""
    await reply(send, b"broken", 500)


def count_seen(upstream: Upstream, body: bytes) -> int:
    """Return how many requests with a body the upstream has seen."""
    return sum(seen.body == body for seen in upstream.seen)


# ---------------------------------------------------------------------- official clients


def test_official_python_client__is_served_and_gets_a_receipt(market: Market, stand: Stand) -> None:
    buyer = market.new_buyer()
    answer = stand.fetch(buyer, content=b"tea from python")
    assert answer.status_code == 200, answer.text
    assert json.loads(answer.text)["body"] == "tea from python"
    receipt = Receipt.from_payment_receipt(answer.headers["payment-receipt"])
    assert (receipt.status, receipt.method) == ("success", "evm")
    mined = market.shop.chain.web3.eth.get_transaction_receipt(receipt.reference)  # type: ignore[arg-type]
    assert mined["status"] == 1
    assert receipt.extensions is not None
    assert receipt.extensions["chainId"] == market.shop.chain.chain_id
    assert "private" in answer.headers["cache-control"]
    assert "payment-response" not in answer.headers
    assert market.read_paid(buyer) == PRICE


def test_official_typescript_client__is_served_and_gets_a_receipt(market: Market, stand: Stand) -> None:
    buyer = market.new_buyer()
    told = stand.fetch_by_node(buyer, body="tea from typescript")
    assert told["status"] == 200, told
    assert json.loads(told["text"])["body"] == "tea from typescript"
    assert told["receipt"]["status"] == "success"
    assert told["asked"] == [
        {"status": 402, "paid": False, "byX402": False},
        {"status": 200, "paid": True, "byX402": False},
    ]
    assert market.read_paid(buyer) == PRICE


@pytest.mark.parametrize("by", ["python", "typescript"])
def test_official_client__without_a_body__is_served(market: Market, stand: Stand, by: str) -> None:
    buyer = market.new_buyer()
    if by == "python":
        assert stand.fetch(buyer, "/data/tea?lang=fr", "GET").status_code == 200
    else:
        assert stand.fetch_by_node(buyer, "/data/tea?lang=fr", method="GET")["status"] == 200
    assert market.read_paid(buyer) == PRICE


def test_official_client__that_cannot_pay__is_not_served_and_pays_nothing(market: Market, stand: Stand) -> None:
    buyer = market.new_buyer(PRICE - 1)
    answer = stand.fetch(buyer, content=b"poor")
    assert answer.status_code == 402
    assert answer.json()["type"] == f"{BASE}verification-failed"
    assert market.read_paid(buyer, PRICE - 1) == 0


# ---------------------------------------------------------------------- challenges


def test_challenge__stands_beside_the_offers_of_x402(market: Market, stand: Stand) -> None:
    answer = stand.ask(body=b"tea")
    assert answer.status_code == 402
    required = read_header(answer.headers["payment-required"], "header")
    assert [offer["scheme"] for offer in required["accepts"]] == ["nvm-credits", "nvm-credits", "exact"]
    challenge = read_challenge(answer)
    assert challenge.realm == "127.0.0.1"
    assert read_opaque(challenge)["plan"] == str(market.usage_id)
    assert challenge.digest == write_digest(hash_body(b"tea"))
    assert answer.headers["cache-control"] == "no-store"


def test_challenge__of_a_request_without_a_body__has_no_digest(stand: Stand) -> None:
    assert stand.challenge("GET", "/data").digest == ""


@pytest.mark.parametrize("newer", [False, True])
def test_credential__with_either_nonce__is_served(market: Market, stand: Stand, newer: bool) -> None:
    buyer = market.new_buyer()
    body = f"newer {newer}".encode()
    challenge = stand.challenge(body=body)
    answer = stand.ask(body=body, Authorization=stand.sign(buyer, challenge, newer))
    assert answer.status_code == 200, answer.text
    assert read_receipt(answer.headers["payment-receipt"])["challengeId"] == challenge.challenge_id


# ---------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [("POST", "/ask", b"another"), ("POST", "/ask", b""), ("POST", "/ask?x=1", b"tea"), ("GET", "/data", b"")],
)
def test_credential__for_another_request__is_refused_before_anything_is_sent(
    market: Market, stand: Stand, method: str, target: str, body: bytes
) -> None:
    buyer = market.new_buyer()
    paid = stand.sign(buyer, stand.challenge(body=b"tea"))
    answer = stand.ask(method, target, body, Authorization=paid)
    assert (answer.status_code, read_problem(answer)) == (402, "invalid-challenge")
    read_challenge(answer)
    assert market.read_paid(buyer) == 0
    assert stand.ask(body=b"tea", Authorization=paid).status_code == 200


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"value": PRICE - 1}, "verification-failed"),
        ({"value": PRICE + 1}, "verification-failed"),
        ({"payee": "0x000000000000000000000000000000000000dEaD"}, "verification-failed"),
        ({"nonce": b"n" * 32}, "verification-failed"),
        ({"valid_before": 1_000_000_000}, "payment-expired"),
        ({"valid_before": 10**12}, "verification-failed"),
    ],
)
def test_credential__whose_transfer_does_not_pay__is_refused(
    market: Market, stand: Stand, changes: dict[str, Any], problem: str
) -> None:
    buyer = market.new_buyer()
    body = f"bad {sorted(changes)}".encode()
    answer = stand.ask(body=body, Authorization=stand.sign(buyer, stand.challenge(body=body), **changes))
    assert (answer.status_code, read_problem(answer)) == (402, problem)
    read_challenge(answer)
    assert market.read_paid(buyer) == 0


def test_credential__signed_by_another_account__is_refused(market: Market, stand: Stand) -> None:
    buyer, thief = market.new_buyer(), market.new_buyer()
    challenge = stand.challenge(body=b"theft")
    payload = read_payload(stand.sign(thief, challenge)) | {"from": buyer.address}
    answer = stand.ask(body=b"theft", Authorization=write_credential(challenge, payload))
    assert (answer.status_code, read_problem(answer)) == (402, "verification-failed")
    assert market.read_paid(buyer) == market.read_paid(thief) == 0


@pytest.mark.parametrize("text", ["!", "e30", "WzFd", "a" * 20_000])
def test_credential__that_is_malformed__is_refused_with_a_challenge(stand: Stand, text: str) -> None:
    answer = stand.ask(Authorization=f"Payment {text}")
    assert (answer.status_code, read_problem(answer)) == (402, "malformed-credential")
    read_challenge(answer)


def test_credential__of_another_method__is_refused_as_unsupported(stand: Stand) -> None:
    challenge = replace(stand.challenge(), method="tempo")
    answer = stand.ask(Authorization=write_credential(challenge, {"type": "transaction"}))
    assert (answer.status_code, read_problem(answer)) == (400, "method-unsupported")


def test_credential__beside_a_payment_of_x402__is_refused(stand: Stand) -> None:
    answer = stand.ask(Authorization="Payment e30", PAYMENT_SIGNATURE="e30=")
    assert answer.status_code == 400


# ---------------------------------------------------------------------- once


def test_credential__presented_again__is_not_served_again_and_asks_for_nothing(
    market: Market, stand: Stand, upstream: Upstream
) -> None:
    buyer = market.new_buyer()
    body = b"only once"
    paid = stand.sign(buyer, stand.challenge(body=body))
    assert stand.ask(body=body, Authorization=paid).status_code == 200
    again = stand.ask(body=body, Authorization=paid)
    assert (again.status_code, read_problem(again)) == (403, "verification-failed")
    assert "www-authenticate" not in again.headers
    assert "payment-receipt" not in again.headers
    assert count_seen(upstream, body) == 1
    assert market.read_paid(buyer) == PRICE


def test_credential__presented_many_times_at_once__is_served_once(
    market: Market, stand: Stand, upstream: Upstream
) -> None:
    buyer = market.new_buyer()
    body = b"all at once"
    paid = stand.sign(buyer, stand.challenge(body=body))
    with ThreadPoolExecutor(MANY) as pool:
        answers = list(pool.map(lambda _: stand.ask(body=body, Authorization=paid), range(MANY)))
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(200) == 1, statuses
    assert set(statuses) <= {200, 202, 403, 409}
    assert not [answer for answer in answers if "www-authenticate" in answer.headers]
    assert count_seen(upstream, body) == 1
    assert market.read_paid(buyer) == PRICE


def test_upstream__that_fails__leaves_the_payment_for_the_same_request(
    market: Market, stand: Stand, upstream: Upstream
) -> None:
    buyer = market.new_buyer()
    body = b"after a failure"
    paid = stand.sign(buyer, stand.challenge(body=body))
    upstream.answers["/ask"] = fail
    try:
        failed = stand.ask(body=body, Authorization=paid)
    finally:
        del upstream.answers["/ask"]
    assert failed.status_code == 500
    assert "payment-receipt" not in failed.headers
    served = stand.ask(body=body, Authorization=paid)
    assert served.status_code == 200
    assert "payment-receipt" in served.headers
    assert market.read_paid(buyer) == PRICE


def test_challenge__that_is_over__is_good_for_what_was_paid_and_for_nothing_else(
    market: Market, stand: Stand, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = market.new_buyer(), market.new_buyer()
    body = b"late"
    challenge = stand.challenge(body=body)
    paid, unpaid = stand.sign(first, challenge), stand.sign(second, challenge)
    upstream.answers["/ask"] = fail
    try:
        assert stand.ask(body=body, Authorization=paid).status_code == 500
    finally:
        del upstream.answers["/ask"]
    monkeypatch.setattr(challenges, "read_time", lambda text: read_time(text) - PAY_SECONDS - 1)  # as if it were later
    late = stand.ask(body=body, Authorization=unpaid)
    assert (late.status_code, read_problem(late)) == (402, "invalid-challenge")
    assert stand.ask(body=body, Authorization=paid).status_code == 200
    assert (market.read_paid(first), market.read_paid(second)) == (PRICE, 0)


def test_challenge__of_a_gateway_before_its_restart__is_good_after_it(
    market: Market, upstream_url: str, tmp_path: Path
) -> None:
    buyer = market.new_buyer()
    with market.open(tmp_path, upstream_url) as stand:
        paid = stand.sign(buyer, stand.challenge(body=b"restart"))
    with market.open(tmp_path, upstream_url) as stand:
        assert stand.ask(body=b"restart", Authorization=paid).status_code == 200
        assert stand.ask(body=b"restart", Authorization=paid).status_code == 403


def test_challenge__of_another_gateway__is_refused(
    market: Market, stand: Stand, upstream_url: str, tmp_path: Path
) -> None:
    with market.open(tmp_path, upstream_url) as other:
        paid = other.sign(market.new_buyer(), other.challenge(body=b"other"))
    answer = stand.ask(body=b"other", Authorization=paid)
    assert (answer.status_code, read_problem(answer)) == (402, "invalid-challenge")


def test_challenge__on_the_host_of_a_service__is_of_that_host(
    market: Market, upstream_url: str, tmp_path: Path
) -> None:
    with market.open(tmp_path, upstream_url, hosts=("tea.example.com",)) as stand:
        asked = {"data": b"host", "timeout": 60}
        own = {"Host": "tea.example.com"}
        challenge = read_challenge(requests.post(f"{stand.gate.url}/ask", headers=own, **asked))  # type: ignore[arg-type]
        assert challenge.realm == "tea.example.com"
        paid = stand.sign(market.new_buyer(), challenge)
        assert stand.ask(body=b"host", Authorization=paid).status_code == 402
        own["Authorization"] = paid
        answer = requests.post(f"{stand.gate.url}/ask", headers=own, **asked)  # type: ignore[arg-type]
        assert answer.status_code == 200


def test_gateway__that_sells_no_requests_for_money__offers_no_charge(
    market: Market, upstream_url: str, tmp_path: Path
) -> None:
    with market.open(tmp_path, upstream_url, buying=BuyingSettings()) as stand:
        assert "www-authenticate" not in stand.ask().headers
        answer = stand.ask(Authorization="Payment e30")
        assert answer.status_code == 402
        assert "nvm-credits" in answer.text


@pytest.mark.parametrize("by", ["python", "typescript"])
def test_official_client__whose_request_fails_after_the_payment__pays_once(
    market: Market, stand: Stand, upstream: Upstream, by: str
) -> None:
    buyer = market.new_buyer()
    upstream.answers["/ask"] = fail
    try:
        if by == "python":
            assert stand.fetch(buyer, content=b"fails").status_code == 500
        else:
            told = stand.fetch_by_node(buyer, body="fails")
            assert [asked["status"] for asked in told["asked"]] == [402, 500]
    finally:
        del upstream.answers["/ask"]
    assert market.read_paid(buyer) == PRICE


def test_transfer__that_a_stranger_has_sent_first__pays_all_the_same(market: Market, stand: Stand) -> None:
    buyer = market.new_buyer()
    body = b"front run"
    paid = stand.sign(buyer, stand.challenge(body=body))
    payload = read_payload(paid)
    signature = bytes.fromhex(payload["signature"][2:])
    values = (payload["from"], payload["to"], *(int(payload[name]) for name in ("value", "validAfter", "validBefore")))
    parts = (bytes.fromhex(payload["nonce"][2:]), signature[64], signature[:32], signature[32:64])
    transfer = market.world.usdc.functions.transferWithAuthorization(*values, *parts)
    market.world.send(market.world.stranger, transfer)
    answer = stand.ask(body=body, Authorization=paid)
    assert answer.status_code == 200, answer.text
    assert stand.ask(body=body, Authorization=paid).status_code == 403
    assert market.read_paid(buyer) == PRICE


# ---------------------------------------------------------------------- what reaches whom


def test_upstream__never_sees_a_credential_and_its_own_challenge_reaches_nobody(
    market: Market, stand: Stand, upstream: Upstream
) -> None:
    async def ask_itself(seen: Upstream, scope: Any, receive: Any, send: Any) -> None:
        own = (b"www-authenticate", b'Payment id="x", realm="y", method="evm", intent="charge", request="e30"')
        await reply(send, b"ok", 200, (own, (b"payment-receipt", b"e30")))

    buyer = market.new_buyer()
    body = b"who sees what"
    upstream.answers["/ask"] = ask_itself
    try:
        paid = stand.sign(buyer, stand.challenge(body=body))
        answer = stand.ask(body=body, Authorization=paid, Accept_Payment="evm/charge")
    finally:
        del upstream.answers["/ask"]
    assert answer.status_code == 200
    assert "www-authenticate" not in answer.headers
    assert read_receipt(answer.headers["payment-receipt"])["method"] == "evm"
    seen = next(seen for seen in upstream.seen if seen.body == body)
    assert "Payment " not in (seen.header("authorization") or "")
    assert seen.header("accept-payment") is None
    assert seen.header("nvm-holder") == buyer.address


def test_page_in_a_browser__can_read_challenges_and_receipts(stand: Stand) -> None:
    answer = stand.ask(Origin="https://page.example.com")
    exposed = answer.headers["access-control-expose-headers"]
    assert {"www-authenticate", "payment-receipt"} <= {name.strip() for name in exposed.split(",")}


# ---------------------------------------------------------------------- beside x402


def test_clients_of_both_protocols__at_the_same_url__are_served_from_the_same_books(
    market: Market, stand: Stand, upstream: Upstream
) -> None:
    by_x402, by_mpp = market.new_buyer(), market.new_buyer()
    told = stand.fetch_by_node(by_x402, body="by x402", x402=True)
    assert told["status"] == 200, told
    assert told["asked"][-1] == {"status": 200, "paid": False, "byX402": True}
    assert "payment-receipt" not in told["headers"]
    assert read_header(told["headers"]["payment-response"], "header")["success"] is True
    assert stand.fetch(by_mpp, content=b"by mpp").status_code == 200
    assert (market.read_paid(by_x402), market.read_paid(by_mpp)) == (PRICE, PRICE)
    assert (count_seen(upstream, b"by x402"), count_seen(upstream, b"by mpp")) == (1, 1)


def test_transfer_of_a_charge__presented_over_x402__pays_for_nothing_more(
    market: Market, stand: Stand, upstream: Upstream
) -> None:
    buyer = market.new_buyer()
    body = b"one transfer, two protocols"
    answer = stand.ask(body=body)
    paid = stand.sign(buyer, read_challenge(answer))
    assert stand.ask(body=body, Authorization=paid).status_code == 200
    required = read_header(answer.headers["payment-required"], "header")
    offer = next(offer for offer in required["accepts"] if offer["scheme"] == "exact")
    fields = read_payload(paid)
    signature = fields.pop("signature")
    del fields["type"]
    payment = {"x402Version": 2, "accepted": offer, "payload": {"authorization": fields, "signature": signature}}
    again = stand.ask(body=body, PAYMENT_SIGNATURE=write_header(payment))
    assert again.status_code == 409, again.text
    assert count_seen(upstream, body) == 1
    assert market.read_paid(buyer) == PRICE


def test_voucher__beside_charges__is_served_as_before(market: Market, stand: Stand) -> None:
    stand.gate.wait_until_ready()  # other tests have mined blocks that are read in a moment
    answer = stand.gate.paid("POST", "/ask", b"by credits")
    assert answer.status_code == 200, answer.text
    assert "payment-receipt" not in answer.headers


def test_service_that_is_away__after_the_payment__tells_the_payment_and_serves_it_later(
    market: Market, tmp_path: Path
) -> None:
    buyer, upstream, port = market.new_buyer(), Upstream(), find_port()
    with market.open(tmp_path, f"http://127.0.0.1:{port}") as stand:
        paid = stand.sign(buyer, stand.challenge(body=b"away"))
        away = stand.ask(body=b"away", Authorization=paid)
        assert away.status_code == 502
        assert "www-authenticate" not in away.headers
        told = requests.get(f"{stand.gate.url}/payments/{away.json()['payment']}", timeout=60).json()
        assert (told["state"], told["transaction"]) == ("paid", away.json()["transaction"])
        with served(upstream, port):
            assert stand.ask(body=b"away", Authorization=paid).status_code == 200
    assert market.read_paid(buyer) == PRICE
