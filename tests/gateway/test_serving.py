"""Requests over HTTP, one after the other: served, refused, charged or released. Upstream and buyer are told what is theirs."""

import base64
import json
from typing import Any

import pytest
import requests

from nvm_chain.meter.bindings import Level
from tests.gateway.serving import Upstream, reply
from tests.gateway.shop import METRICS_TOKEN, SECRET, Gate


def read_header(answer: requests.Response, name: str) -> Any:
    """Return the JSON of a header of x402."""
    return json.loads(base64.b64decode(answer.headers[name]))


# ---------------------------------------------------------------------- paid


def test_request__with_a_voucher__is_served_and_charged(gate: Gate, upstream: Upstream) -> None:
    before = len(upstream.seen)
    answer = gate.paid("POST", "/ask?topic=tea%2Fgreen", b"tea?")
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"method": "POST", "target": "/ask?topic=tea%2Fgreen", "body": "tea?"}
    assert len(upstream.seen) == before + 1
    told = read_header(answer, "PAYMENT-RESPONSE")
    assert (told["success"], told["amount"], told["payer"]) == (True, "2", gate.buyer.address)
    assert answer.headers["Cache-Control"] == "no-store, private"
    gate.wait_for("charged", str(gate.ceiling))


def test_upstream__of_a_paid_request__gets_the_sellers_secret_and_nothing_of_the_buyers(
    gate: Gate, upstream: Upstream
) -> None:
    extra = {"Cookie": "a=1", "X-Forwarded-For": "10.0.0.1", "NVM-Holder": "0xforged", "X-Own": "kept"}
    headers = gate.pay("POST", "/ask", b"tea?") | extra | {"Connection": "keep-alive, X-Named", "X-Named": "1"}
    answer = gate.ask("POST", "/ask", headers, data=b"tea?")
    assert answer.status_code == 200, answer.text
    seen = upstream.seen[-1]
    names = {name for name, _ in seen.headers}
    assert seen.header("authorization") == f"Bearer {SECRET}"
    assert seen.header("x-own") == "kept"
    assert seen.header("nvm-holder") == gate.buyer.address
    assert not names & {"payment-signature", "cookie", "x-forwarded-for", "x-named", "idempotency-key"}
    assert SECRET not in str(answer.headers) + answer.text


def test_request__again_with_the_same_voucher__is_refused_and_reaches_nobody(gate: Gate, upstream: Upstream) -> None:
    headers = gate.pay("POST", "/ask", b"once")
    assert gate.ask("POST", "/ask", headers, data=b"once").status_code == 200
    before = len(upstream.seen)
    answer = gate.ask("POST", "/ask", headers, data=b"once")
    assert answer.status_code == 402
    assert answer.json()["nvm"]["type"] == "AuthorityUsedUp"
    assert len(upstream.seen) == before


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [("POST", "/ask", b"other"), ("POST", "/ask?x=1", b"tea?"), ("GET", "/data/1", b"")],
    ids=["body", "query", "method and path"],
)
def test_voucher__for_another_request__is_refused_and_stays_good(
    gate: Gate, upstream: Upstream, method: str, target: str, body: bytes
) -> None:
    headers = gate.pay("POST", "/ask", b"tea?")
    before = len(upstream.seen)
    answer = gate.ask(method, target, headers, data=body)
    assert answer.status_code == 402
    assert answer.json()["nvm"]["type"] == "BindingMismatch"
    assert len(upstream.seen) == before
    assert gate.ask("POST", "/ask", headers, data=b"tea?").status_code == 200


def test_token__for_a_service_that_wants_bindings__is_refused(gate: Gate) -> None:
    answer = gate.ask("POST", "/ask", gate.token())
    assert answer.status_code == 402
    assert answer.json()["nvm"]["type"] == "BindingTooWeak"
    gate.ceiling -= 2


def test_voucher__with_too_low_a_ceiling__is_told_the_next_one_and_then_works(gate: Gate) -> None:
    known = gate.ceiling
    gate.wait_for("held", "0")
    answer = gate.paid("POST", "/ask", b"tea?", cost=1)
    assert answer.status_code == 402
    account = answer.json()["accepts"][0]["extra"]["account"]
    assert account["nextCeiling"] == str(known + 2)
    assert account["holder"] == gate.buyer.address
    assert read_header(answer, "PAYMENT-REQUIRED")["accepts"] == answer.json()["accepts"]
    gate.ceiling = known
    assert gate.paid("POST", "/ask", b"tea?").status_code == 200


def test_signature__of_somebody_else__tells_nothing_of_the_account(gate: Gate) -> None:
    known = gate.ceiling
    headers = gate.pay("POST", "/ask", b"tea?", ceiling=10**9)
    payment = json.loads(base64.b64decode(headers["PAYMENT-SIGNATURE"]))
    payment["payload"]["voucher"]["holder"] = gate.shop.buyers[1].address
    forged = base64.b64encode(json.dumps(payment).encode()).decode()
    answer = gate.ask("POST", "/ask", {"PAYMENT-SIGNATURE": forged}, data=b"tea?")
    assert answer.status_code == 402
    assert answer.json()["nvm"]["type"] == "VoucherSignatureInvalid"
    assert "account" not in answer.json()["accepts"][0]["extra"]
    gate.ceiling = known


# ---------------------------------------------------------------------- not paid


def test_request__without_payment__is_offered_everything_that_works(gate: Gate, upstream: Upstream) -> None:
    before = len(upstream.seen)
    answer = gate.ask("POST", "/ask", data=b"tea?")
    assert answer.status_code == 402
    told = answer.json()
    assert (told["x402Version"], told["nvm"]["type"]) == (2, "PaymentMissing")
    (offer,) = told["accepts"]
    chain = gate.shop.chain
    assert (offer["scheme"], offer["network"]) == ("nvm-credits", f"eip155:{chain.chain_id}")
    assert (offer["asset"], offer["amount"]) == (chain.credits.address, "2")
    assert offer["payTo"] == gate.shop.redeemer.address
    assert offer["extra"]["planId"] == str(gate.shop.credits_plan)
    plans = told["extensions"]["nvm-sign-in"]["info"]["plans"]
    assert {plan["planId"] for plan in plans} == {str(gate.shop.open_plan), str(gate.shop.time_plan)}
    assert answer.headers["Cache-Control"] == "no-store"
    assert len(answer.headers["PAYMENT-REQUIRED"]) < 8_000
    assert len(upstream.seen) == before


def test_open_endpoint__without_payment__is_served(gate: Gate, upstream: Upstream) -> None:
    answer = gate.ask("GET", "/about")
    assert (answer.status_code, answer.json()["target"]) == (200, "/about")
    assert upstream.seen[-1].header("nvm-holder") is None


def test_path__that_the_agent_does_not_have__is_not_found(gate: Gate, upstream: Upstream) -> None:
    before = len(upstream.seen)
    for method, target in (("POST", "/secret"), ("GET", "/ask"), ("DELETE", "/data/1")):
        answer = gate.paid(method, target)
        assert answer.status_code == 404
        gate.ceiling -= 2
    assert gate.ask("GET", "/nothing").json()["nvm"]["type"] == "UnknownEndpoint"
    assert len(upstream.seen) == before


def test_service__that_is_not_there__is_not_found(gate: Gate) -> None:
    answer = requests.get(f"{gate.url}/services/did:nv:{'0' * 64}/ask", timeout=60)
    assert (answer.status_code, answer.json()["nvm"]["type"]) == (404, "ServiceUnknown")
    assert requests.get(f"{gate.url}/nothing", timeout=60).status_code == 404
    assert requests.post(f"{gate.url}/account", timeout=60).headers["Allow"] == "GET"


# ---------------------------------------------------------------------- upstreams that fail


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_answer__with_a_status_of_failure__is_handed_on_and_not_charged(
    gate: Gate, upstream: Upstream, status: int
) -> None:
    async def fail(own: Upstream, scope: Any, receive: Any, send: Any) -> None:
        await reply(send, b"no", status)

    upstream.answers["/data/fails"] = fail
    assert gate.paid("POST", "/ask").status_code == 200
    charged = gate.wait_for("charged", str(gate.ceiling))["charged"]
    answer = gate.paid("GET", "/data/fails")
    assert (answer.status_code, answer.text) == (status, "no")
    assert read_header(answer, "PAYMENT-RESPONSE")["success"] is False
    told = gate.wait_for("held", "0")
    assert told["charged"] == charged
    gate.ceiling -= 2


def test_upstream__that_redirects_elsewhere__is_an_error_and_its_own_paths_are_not(
    gate: Gate, upstream: Upstream
) -> None:
    async def lead(own: Upstream, scope: Any, receive: Any, send: Any) -> None:
        to = b"https://elsewhere.example.com/" if scope["query_string"] else b"/data/there"
        await reply(send, b"", 302, ((b"location", to),))

    upstream.answers["/data/moved"] = lead
    assert gate.paid("GET", "/data/moved?away=1").status_code == 502
    gate.ceiling -= 2
    answer = gate.paid("GET", "/data/moved")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/data/there")


# ---------------------------------------------------------------------- tokens


def test_session__opened_by_sign_in__pays_on_plans_without_vouchers(gate: Gate, upstream: Upstream) -> None:
    for plan_id, cost in ((gate.shop.time_plan, "0"), (gate.shop.open_plan, "2")):
        token = gate.sign_in(gate.shop.buyers[2], plan_id, "http://127.0.0.1")
        answer = gate.ask("POST", "/ask", {"Authorization": f"Bearer {token}"}, data=b"tea?")
        assert answer.status_code == 200, answer.text
        assert read_header(answer, "PAYMENT-RESPONSE")["amount"] == cost
        assert token not in str(upstream.seen[-1].headers)
        headers = {"Authorization": f"Bearer {token}"}
        assert requests.delete(f"{gate.url}/sessions", headers=headers, timeout=60).status_code == 200
        refused = gate.ask("POST", "/ask", headers, data=b"tea?")
        assert (refused.status_code, refused.json()["nvm"]["type"]) == (402, "AuthorityRevoked")


def test_token__that_nobody_gave_out__is_refused(gate: Gate) -> None:
    answer = gate.ask("POST", "/ask", {"Authorization": "Bearer nvms_" + "x" * 43})
    assert (answer.status_code, answer.json()["nvm"]["type"]) == (402, "AuthorityUnknown")


# ---------------------------------------------------------------------- idempotency


def test_request__again_with_its_payment_id__gets_the_same_answer_and_is_not_served_again(
    gate: Gate, upstream: Upstream
) -> None:
    headers = gate.pay("POST", "/ask", b"tea?", payment_id="pay_0123456789abcdef")
    first = gate.ask("POST", "/ask", headers, data=b"tea?")
    before = len(upstream.seen)
    again = gate.ask("POST", "/ask", headers, data=b"tea?")
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.content == first.content
    assert again.headers["NVM-Repeated"] == "true"
    assert read_header(again, "PAYMENT-RESPONSE") == read_header(first, "PAYMENT-RESPONSE")
    assert len(upstream.seen) == before


# ---------------------------------------------------------------------- what is malformed


@pytest.mark.parametrize(
    "headers",
    [
        {"PAYMENT-SIGNATURE": "not base64!"},
        {"PAYMENT-SIGNATURE": "e30="},
        {"PAYMENT-SIGNATURE": "A" * 20_000},
        {"PAYMENT-SIGNATURE": base64.b64encode(b'{"x402Version":1}').decode()},
        {"PAYMENT-SIGNATURE": base64.b64encode(b"[" * 9_000).decode()},
        {"Authorization": "Bearer not-a-token"},
        {"Authorization": "Bearer nvms_x", "PAYMENT-SIGNATURE": "e30="},
    ],
    ids=["no base64", "no payment", "too long", "version", "deep", "no token", "both"],
)
def test_credential__that_is_malformed__is_refused(gate: Gate, headers: dict[str, str]) -> None:
    answer = gate.ask("POST", "/ask", headers, data=b"tea?")
    is_payment = set(headers) == {"PAYMENT-SIGNATURE"}
    expected = (402, "PaymentMalformed") if is_payment else (400, "InvalidMessage")
    assert (answer.status_code, answer.json()["nvm"]["type"]) == expected


@pytest.mark.parametrize("target", ["/a//b", "/data/%2e%2e/ask", "/data%2fx", "/data/%5cx", "/data/%00"])
def test_target__that_servers_read_differently__is_a_bad_request(gate: Gate, target: str) -> None:
    session = requests.Session()
    request = requests.Request("GET", gate.service_url + "/data/1").prepare()
    request.url = gate.service_url + target
    answer = session.send(request, timeout=60)
    assert (answer.status_code, answer.json()["nvm"]["type"]) == (400, "InvalidTarget")


# ---------------------------------------------------------------------- pages in browsers


def test_preflight__of_a_page__costs_nothing(gate: Gate, upstream: Upstream) -> None:
    before = len(upstream.seen)
    headers = {
        "Origin": "https://app.example.com",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "payment-signature",
    }
    answer = gate.ask("OPTIONS", "/ask", headers)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Headers"] == "payment-signature"
    refused = gate.ask("POST", "/ask", {"Origin": "https://app.example.com"})
    assert refused.headers["Access-Control-Allow-Origin"] == "*"
    assert "payment-required" in refused.headers["Access-Control-Expose-Headers"]
    assert len(upstream.seen) == before


# ---------------------------------------------------------------------- the gateway's own addresses


def test_services__of_the_gateway__have_plans_and_costs(gate: Gate) -> None:
    (service,) = requests.get(f"{gate.url}/services", timeout=60).json()["services"]
    assert (service["did"], service["name"], service["level"]) == (
        gate.shop.did,
        "Tea <b>answers</b>",
        Level.FULL.value,
    )
    assert {plan["kind"] for plan in service["plans"]} == {"credits", "time"}
    assert "websocket" not in service


def test_health__of_a_gateway_that_serves__is_good(gate: Gate) -> None:
    assert requests.get(f"{gate.url}/health/live", timeout=60).json() == {"status": "ok"}
    gate.account()  # which waits until the plans were read
    gate.wait_until_ready()


def test_receipt__of_a_request__is_told_to_its_holder_only(gate: Gate) -> None:
    answer = gate.paid("POST", "/ask", b"tea?")
    hold = read_header(answer, "PAYMENT-RESPONSE")["extra"]["hold"]
    gate.wait_for("charged", str(gate.ceiling))
    url = f"{gate.url}/receipts/{hold}"
    mine = requests.get(url, headers=gate.token(0, ceiling=gate.ceiling), timeout=60)
    assert mine.status_code == 200, mine.text
    assert json.loads(mine.json()["receipt"])["credits"] == "2"
    others = requests.get(url, headers=gate.token(0, buyer=gate.shop.buyers[1], ceiling=5), timeout=60)
    assert (others.status_code, others.json()["nvm"]["type"]) == (400, "ReceiptUnavailable")


def test_page__of_a_request_without_payment__shows_text_of_metadata_as_text(gate: Gate) -> None:
    answer = gate.ask("GET", "/data/1", {"Accept": "text/html,*/*"})
    assert answer.status_code == 402
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "<h1>Tea &lt;b&gt;answers&lt;/b&gt;</h1>" in answer.text
    assert "free while access is open" in answer.text
    assert read_header(answer, "PAYMENT-REQUIRED")["accepts"]


def test_metrics__with_their_token_only__count_requests_and_credits(gate: Gate) -> None:
    assert gate.paid("POST", "/ask", b"tea?").status_code == 200
    gate.wait_for("charged", "2")
    url = f"{gate.url}/metrics"
    for headers in ({}, {"Authorization": "Bearer other"}):
        refused = requests.get(url, headers=headers, timeout=60)
        assert (refused.status_code, refused.json()["nvm"]["type"]) == (401, "OperatorUnknown")
        assert refused.headers["WWW-Authenticate"] == 'Bearer realm="operator"'
        assert "metrics_token" in refused.json()["error"]
    text = requests.get(url, headers={"Authorization": f"Bearer {METRICS_TOKEN}"}, timeout=60).text
    assert f'nvm_requests_total{{service="{gate.shop.did}",status="200"}}' in text
    assert f'nvm_charged_credits_total{{service="{gate.shop.did}"}}' in text
    assert "nvm_books_held 0.0" in text
    assert SECRET not in text
    assert gate.buyer.address not in text


def test_revocation__without_a_token__asks_for_one_and_not_for_a_payment(gate: Gate) -> None:
    refused = requests.delete(f"{gate.url}/sessions", timeout=60)
    assert (refused.status_code, refused.json()["nvm"]["type"]) == (401, "TokenMissing")
    assert refused.headers["WWW-Authenticate"] == 'Bearer realm="sessions"'
    assert "paid" not in refused.json()["error"]


def test_endpoint__with_a_cost_of_its_own__costs_that(gate: Gate) -> None:
    assert gate.ask("POST", "/dear").json()["accepts"][0]["amount"] == "4"
    assert gate.paid("POST", "/dear", b"tea?", cost=3).status_code == 402
    gate.ceiling = 0
    answer = gate.paid("POST", "/dear", b"tea?", cost=4)
    assert (answer.status_code, read_header(answer, "PAYMENT-RESPONSE")["amount"]) == (200, "4")
    gate.wait_for("charged", "4")


def test_endpoint__whose_cost_the_plan_does_not_allow__is_not_sold_on_it(gate: Gate, upstream: Upstream) -> None:
    before = len(upstream.seen)
    assert gate.ask("POST", "/unsold").json()["accepts"] == []
    answer = gate.paid("POST", "/unsold", b"tea?", cost=9)
    assert (answer.status_code, answer.json()["nvm"]["type"]) == (402, "PlanNotAccepted")
    assert len(upstream.seen) == before
