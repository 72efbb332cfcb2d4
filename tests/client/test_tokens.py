"""Plans without vouchers, and sessions: one signature, and many requests with a token."""

import threading
from collections.abc import Callable

import pytest
import requests

from nvm_chain.client.payment import find_payment
from nvm_chain.errors import GatewayRefused, PaymentNotAllowed
from tests.client.clients import Client
from tests.gateway.serving import Upstream
from tests.gateway.shop import Gate

Open = Callable[..., Client]


def find_tokens(client: Client) -> list[str]:
    """Return the tokens that went out to the service."""
    sent = [request for request in client.sent if "/services/" in str(request.url)]
    return [str(request.headers["authorization"]) for request in sent if "authorization" in request.headers]


def revoke(client: Client, token: str) -> None:
    """Revoke a token behind the back of a client."""
    answer = requests.delete(f"{client.gate.url}/sessions", headers={"Authorization": token}, timeout=60)
    assert answer.status_code == 200, answer.text


# ---------------------------------------------------------------------- sign-ins


@pytest.mark.parametrize(("plan", "cost"), [("time_plan", 0), ("open_plan", 2)])
def test_plan__without_vouchers__is_used_after_one_sign_in(client: Open, gate: Gate, plan: str, cost: int) -> None:
    plan_id = getattr(gate.shop, plan)
    buyer = client(signer=gate.shop.buyers[2], limits={"plans": [plan_id]})
    for _ in range(3):
        answer = buyer.ask("POST", "/ask", data=b"tea?")
        assert answer.status_code == 200, answer.text
        payment = find_payment(answer)
        assert payment is not None
        assert (payment.plan_id, payment.credits) == (plan_id, cost)
    assert len(set(find_tokens(buyer))) == 1
    assert [request.method for request in buyer.sent if str(request.url).endswith("/sign-in")] == ["POST"]
    assert buyer.vouchers() == []


def test_token__that_was_revoked__is_replaced_by_a_new_sign_in(client: Open, gate: Gate) -> None:
    buyer = client(signer=gate.shop.buyers[2], limits={"plans": [gate.shop.time_plan]})
    buyer.ask("POST", "/ask")
    revoke(buyer, find_tokens(buyer)[-1])
    answer = buyer.ask("POST", "/ask", data=b"again")
    assert answer.status_code == 200, answer.text
    assert len(set(find_tokens(buyer))) == 2


def test_token__before_its_end__is_renewed_before_the_request(client: Open, gate: Gate) -> None:
    buyer = client(signer=gate.shop.buyers[2], limits={"plans": [gate.shop.time_plan]})
    buyer.ask("POST", "/ask")
    for known in buyer.buyer._known.values():
        known.end = buyer.buyer.find_now()  # type: ignore[union-attr]  # a token, after a sign-in
    assert buyer.ask("POST", "/ask").status_code == 200
    assert len(set(find_tokens(buyer))) == 2


def test_open_access__is_used_before_credits(client: Open, gate: Gate) -> None:
    buyer = client(signer=gate.shop.buyers[2], limits={"plans": []})
    answer = buyer.ask("POST", "/ask")
    payment = find_payment(answer)
    assert (answer.status_code, payment and payment.plan_id) == (200, gate.shop.time_plan)


# ---------------------------------------------------------------------- sessions


def test_session__of_a_client__is_one_signature_for_many_requests(client: Open, upstream: Upstream) -> None:
    buyer = client()
    session = buyer.adapter.open_session(f"{buyer.gate.service_url}/ask", method="POST", limit=8)
    before = len(upstream.seen)
    for _ in range(4):
        assert buyer.ask("POST", "/ask", data=b"tea?").status_code == 200
    assert len(upstream.seen) == before + 4
    assert (len(buyer.vouchers()), session.spent) == (1, 8)
    assert buyer.ask("POST", "/ask", data=b"more").status_code == 200
    _, voucher = buyer.vouchers()
    assert int(voucher["ceiling"]) == 10  # the session is used up, so each request is signed again


def test_session__of_a_new_state__covers_its_limit_beyond_what_was_served(client: Open) -> None:
    first, second = client(), client()
    for _ in range(3):
        assert first.ask("POST", "/ask").status_code == 200
    session = second.adapter.open_session(f"{second.gate.service_url}/ask", method="POST", limit=10)
    for _ in range(5):
        assert second.ask("POST", "/ask").status_code == 200
    assert session.spent == 10
    (proof,) = second.vouchers()
    assert int(proof["ceiling"]) == 1
    assert second.buyer.ceilings.sum_signed() == 16


def test_session__that_is_closed__gives_back_what_it_did_not_spend(client: Open) -> None:
    buyer = client()
    session = buyer.adapter.open_session(f"{buyer.gate.service_url}/ask", method="POST", limit=100, seconds=1_800)
    assert buyer.ask("POST", "/ask").status_code == 200
    buyer.adapter.close_session(session, timeout=60)
    token = find_tokens(buyer)[-1]
    refused = buyer.ask("POST", "/ask", headers={"Authorization": token})
    assert refused.json()["nvm"]["type"] == "AuthorityRevoked"
    assert buyer.ask("POST", "/ask").status_code == 200
    _, voucher = buyer.vouchers()
    assert int(voucher["ceiling"]) == 4
    assert buyer.buyer.ceilings.sum_signed() == 100


def test_session__that_the_gateway_revoked__is_followed_by_vouchers(client: Open) -> None:
    buyer = client()
    buyer.adapter.open_session(f"{buyer.gate.service_url}/ask", method="POST", limit=20)
    buyer.ask("POST", "/ask")
    revoke(buyer, find_tokens(buyer)[-1])
    assert buyer.ask("POST", "/ask").status_code == 200
    assert len(buyer.vouchers()) == 2


@pytest.mark.parametrize("limits", [{"in_all": 9}, {"per_request": 1}, {"services": [9]}], ids=str)
def test_session__above_the_limits__is_not_signed(client: Open, limits: dict[str, int]) -> None:
    buyer = client(limits=limits)
    with pytest.raises(PaymentNotAllowed):
        buyer.adapter.open_session(f"{buyer.gate.service_url}/ask", method="POST", limit=10)
    assert buyer.buyer.ceilings.sum_signed() <= 1  # for the proof of the account


def test_session__for_an_endpoint_that_costs_nothing__is_refused(client: Open) -> None:
    buyer = client()
    with pytest.raises(GatewayRefused, match="GET /about asks for no credits"):
        buyer.adapter.open_session(f"{buyer.gate.service_url}/about", limit=10)


def test_session__of_many_threads__stays_within_its_limit(client: Open) -> None:
    buyer = client()
    buyer.adapter.open_session(f"{buyer.gate.service_url}/ask", method="POST", limit=10)
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(buyer.ask("POST", "/ask").status_code)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 8
