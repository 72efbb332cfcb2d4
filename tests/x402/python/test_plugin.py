"""The official Python client with the plug-in, against a real gateway: paid, bound, corrected, and within the limits."""

from collections.abc import Callable

import pytest
from x402.http.clients.httpx import PaymentError as HttpxError
from x402.http.clients.requests import PaymentError as RequestsError

from nvm_chain.errors import PaymentNotAllowed
from tests.gateway.serving import Upstream
from tests.gateway.shop import Gate
from tests.x402.python.officials import KINDS, Official, read_header

Open = Callable[..., Official]
BINDING = ("session", "client")
REFUSED = (HttpxError, RequestsError)


@pytest.mark.parametrize("kind", BINDING)
def test_request__of_the_official_client__is_paid_from_credits(official: Open, upstream: Upstream, kind: str) -> None:
    buyer = official(kind)
    for number in range(3):
        answer = buyer.ask("POST", f"/ask?topic={number}", data=b'{"q": 1}')
        assert answer.status_code == 200, answer.text
        assert upstream.seen[-1].body == b'{"q": 1}'
    told = read_header(answer, "payment-response")
    assert (told["success"], told["amount"], told["payer"]) == (True, "2", buyer.buyer.signer.address)
    assert [int(voucher["ceiling"]) for voucher in buyer.vouchers()] == [2, 4, 6]
    binding = buyer.payments[-1]["payload"]["binding"]
    assert (binding["level"], binding["method"], binding["target"]) == ("full", "POST", "/ask?topic=2")
    assert binding["body"].startswith("sha-256:")
    buyer.gate.wait_for("charged", "6")


@pytest.mark.parametrize("kind", BINDING)
def test_ceiling__that_others_have_passed__is_corrected_once(official: Open, kind: str) -> None:
    first, second = official(kind), official(kind)
    for _ in range(3):
        assert first.ask("POST", "/ask", data=b"1").status_code == 200
    answer = second.ask("POST", "/ask", data=b"1")
    assert answer.status_code == 200, answer.text
    low, right = (int(voucher["ceiling"]) for voucher in second.vouchers())
    assert (low, right) == (2, 8)
    assert second.ask("POST", "/ask", data=b"2").status_code == 200
    assert [int(voucher["ceiling"]) for voucher in second.vouchers()] == [2, 8, 10]


@pytest.mark.parametrize("kind", ["stock session", "stock client"])
def test_stock_wrapper__where_the_gateway_wants_all_bound__is_told_what_to_use(official: Open, kind: str) -> None:
    buyer = official(kind)
    with pytest.raises(REFUSED, match="open_session") as caught:
        buyer.ask("POST", "/ask", data=b"1")
    assert isinstance(caught.value.__cause__, PaymentNotAllowed)
    assert buyer.payments == []


@pytest.mark.parametrize("kind", KINDS)
def test_plans_without_vouchers__are_used_by_a_sign_in_with_the_request(
    official: Open, gate: Gate, upstream: Upstream, kind: str
) -> None:
    plans = [gate.shop.time_plan, gate.shop.open_plan]
    buyer = official(kind, signer=gate.shop.buyers[0], limits={"plans": plans})
    for number in range(2):
        answer = buyer.ask("POST", f"/ask?{number}", data=b"tea?")
        assert answer.status_code == 200, answer.text
        assert upstream.seen[-1].body == b"tea?"
        told = read_header(answer, "payment-response")
        assert int(told["extra"]["planId"]) in plans
        assert told["payer"] == buyer.buyer.signer.address
    assert buyer.payments == []


@pytest.mark.parametrize("kind", BINDING)
def test_sign_in__for_which_the_account_has_nothing__goes_on_to_credits(official: Open, gate: Gate, kind: str) -> None:
    buyer = official(kind, limits={"plans": []})  # credits on the plan of vouchers alone
    for number in range(2):
        answer = buyer.ask("POST", f"/ask?{number}", data=b"tea?")
        assert answer.status_code == 200, answer.text
        assert int(read_header(answer, "payment-response")["extra"]["planId"]) == gate.shop.credits_plan
    assert len(buyer.payments) == 2
