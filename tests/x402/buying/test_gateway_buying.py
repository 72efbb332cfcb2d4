"""Buying at a gateway: plans on their order URLs, and requests by transfers and by orders with vouchers."""

from collections import Counter as Counts
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from nvm_chain.x402.headers import read_header, write_header
from nvm_chain.x402.payments import write_order_payment
from tests.gateway.serving import reply
from tests.support.anvil import wait_until
from tests.x402.buying.market import CREDITS, PRICE, Market
from tests.x402.buying.shop import Counter, open_counter, pay_order, register_agent, sign_order_for


@pytest.fixture(scope="module")
def counter(market: Market, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    """A gateway for all tests of this file."""
    folder: Path = tmp_path_factory.mktemp("gateway")
    with open_counter(market, register_agent(market), folder) as opened:
        yield opened


def test_order_url__unpaid__offers_an_order_and_a_transfer(counter: Counter) -> None:
    offers = counter.read_offers("POST", counter.order_url)
    assert [each["scheme"] for each in offers] == ["nvm-order", "exact"]
    assert {each["amount"] for each in offers} == {str(PRICE)}
    assert offers[1]["payTo"] == counter.market.payee


def test_order_url__paid_by_a_transfer__grants_once_however_often_it_is_asked(counter: Counter) -> None:
    market = counter.market
    buyer = market.new_buyer()
    header = counter.pay_exact(buyer, "POST", counter.order_url)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: counter.post(counter.order_url, header), range(16)))
    assert {each.status_code for each in answers} <= {200, 202}, [each.text for each in answers]
    again = counter.post(counter.order_url, header)
    assert (again.status_code, again.json()["state"]) == (200, "granted")
    told = read_header(again.headers["PAYMENT-RESPONSE"], "response")
    assert (told["success"], told["transaction"]) == (True, again.json()["transaction"])
    job = requests.get(f"{counter.url}/payments/{again.json()['payment']}", timeout=60).json()
    assert (job["state"], job["payer"]) == ("granted", buyer.address)
    assert (market.read_credits(buyer), market.read_paid(buyer)) == (CREDITS, PRICE)


def test_request__paid_by_a_transfer__is_served_once_of_200_at_once(counter: Counter) -> None:
    market = counter.market
    buyer = market.new_buyer()
    url = f"{counter.service_url}/ask"
    header = counter.pay_exact(buyer, "POST", url)
    counter.upstream.seen.clear()
    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(lambda _: counter.post(url, header, data=b"tea?"), range(200)))
    counts = Counts(each.status_code for each in answers)
    assert counts[200] == 1, counts
    assert set(counts) <= {200, 202, 409, 503}, counts
    assert len(counter.upstream.seen) == 1
    (served,) = [each for each in answers if each.status_code == 200]
    told = read_header(served.headers["PAYMENT-RESPONSE"], "response")
    assert (told["success"], told["payer"], told["extra"]["served"]) == (True, buyer.address, True)
    assert "no-store" in served.headers["Cache-Control"]
    assert market.read_paid(buyer) == PRICE
    late = counter.post(url, header, data=b"tea?")
    assert (late.status_code, late.json()["nvm"]["type"]) == (409, "PaymentServed")


def test_request__whose_service_fails__is_served_when_the_same_payment_comes_again(counter: Counter) -> None:
    market = counter.market
    buyer = market.new_buyer()
    url = f"{counter.service_url}/ask"
    header = counter.pay_exact(buyer, "POST", url)

    async def fail(upstream: object, scope: object, receive: object, send: object) -> None:
        await reply(send, b"no", 500)

    counter.upstream.answers["/ask"] = fail
    try:
        failed = counter.post(url, header, data=b"tea?")
        assert failed.status_code == 500
        told = read_header(failed.headers["PAYMENT-RESPONSE"], "response")
        assert (told["success"], told["extra"]["served"]) == (True, False)
    finally:
        del counter.upstream.answers["/ask"]
    other = counter.post(url, header, data=b"coffee?")
    assert (other.status_code, other.json()["nvm"]["type"]) == (409, "PaymentForOther")
    assert counter.post(url, header, data=b"tea?").status_code == 200
    assert counter.post(url, header, data=b"tea?").status_code == 409
    assert market.read_paid(buyer) == PRICE


def change_offer(header: dict[str, str]) -> dict[str, str]:
    """Return a payment as it would be if another offer had been made before."""
    payment = read_header(header["PAYMENT-SIGNATURE"], "payment")
    payment["accepted"]["maxTimeoutSeconds"] += 1
    return {"PAYMENT-SIGNATURE": write_header(payment)}


def test_payment__that_was_made__is_not_asked_for_again_because_offers_have_changed(counter: Counter) -> None:
    market = counter.market
    buyer, url = market.new_buyer(), f"{counter.service_url}/ask"
    header = counter.pay_exact(buyer, "POST", counter.order_url)
    assert wait_until(lambda: counter.post(counter.order_url, header).status_code == 200, 30)
    again = counter.post(counter.order_url, change_offer(header))
    assert (again.status_code, again.json()["state"]) == (200, "granted")
    header = counter.pay_exact(buyer, "POST", url)
    assert counter.post(url, header, data=b"tea?").status_code == 200
    again = counter.post(url, change_offer(header), data=b"tea?")
    assert (again.status_code, again.json()["state"]) == (409, "served")
    assert market.read_paid(buyer) == 2 * PRICE


def test_payment__that_was_not_made__is_offered_anew_when_offers_have_changed(counter: Counter) -> None:
    market = counter.market
    buyer, url = market.new_buyer(), f"{counter.service_url}/ask"
    assert counter.post(url, change_offer(counter.pay_exact(buyer, "POST", url))).status_code == 402
    own = counter.order_url
    assert counter.post(own, change_offer(counter.pay_exact(buyer, "POST", own))).status_code == 402
    assert market.read_paid(buyer) == 0


def test_request__with_a_transfer_that_cannot_be_made__is_offered_again_and_nothing_is_paid(counter: Counter) -> None:
    market = counter.market
    poor = market.new_buyer(PRICE - 1)
    url = f"{counter.service_url}/ask"
    answer = counter.post(url, counter.pay_exact(poor, "POST", url))
    assert answer.status_code == 402, answer.text
    told = read_header(answer.headers["PAYMENT-REQUIRED"], "offers")
    assert told["error"] == "invalid_exact_evm_insufficient_balance"
    bought = counter.post(counter.order_url, counter.pay_exact(poor, "POST", counter.order_url))
    assert bought.status_code == 402, bought.text


def test_order_url__paid_by_a_signed_order__grants_at_once_and_once(counter: Counter) -> None:
    market = counter.market
    buyer = market.new_buyer()
    told = counter.read_offers("POST", counter.order_url)[0]
    header = {"PAYMENT-SIGNATURE": write_order_payment(told, sign_order_for(counter, buyer))}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: counter.post(counter.order_url, header), range(12)))
    assert {each.status_code for each in answers} <= {200, 202}, [each.text for each in answers]
    again = counter.post(counter.order_url, header)
    assert (again.status_code, again.json()["state"]) == (200, "granted")
    assert (market.read_credits(buyer), market.read_paid(buyer)) == (CREDITS, PRICE)


def test_request__with_an_order_and_a_voucher__is_served_out_of_what_it_buys(counter: Counter) -> None:
    market = counter.market
    buyer = market.new_buyer()
    header = pay_order(counter, buyer, "POST", "/ask", b"tea?")
    counter.upstream.seen.clear()
    answer = counter.post(f"{counter.service_url}/ask", header, data=b"tea?")
    while answer.status_code == 202:
        answer = counter.post(f"{counter.service_url}/ask", header, data=b"tea?")
    assert answer.status_code == 200, answer.text
    told = read_header(answer.headers["PAYMENT-RESPONSE"], "response")
    assert (told["success"], told["amount"], len(told["transaction"])) == (True, "2", 66)
    assert (market.read_credits(buyer), market.read_paid(buyer)) == (CREDITS, PRICE)
    assert len(counter.upstream.seen) == 1
    again = counter.post(f"{counter.service_url}/ask", header, data=b"tea?")
    assert again.status_code == 409, again.text
    assert len(counter.upstream.seen) == 1
    assert market.read_paid(buyer) == PRICE


def test_request__with_an_order_and_a_voucher_for_another_request__buys_nothing(counter: Counter) -> None:
    market = counter.market
    buyer = market.new_buyer()
    header = pay_order(counter, buyer, "POST", "/ask", b"tea?")
    answer = counter.post(f"{counter.service_url}/ask", header, data=b"coffee?")
    assert (answer.status_code, answer.json()["nvm"]["type"]) == (402, "BindingMismatch")
    assert (market.read_credits(buyer), market.read_paid(buyer)) == (0, 0)


def test_order__beyond_the_limit_of_an_account__is_not_sent(counter: Counter) -> None:
    market = counter.market
    buyer = market.new_buyer()
    told = counter.read_offers("POST", counter.order_url)[0]
    codes = [
        counter.post(
            counter.order_url, {"PAYMENT-SIGNATURE": write_order_payment(told, sign_order_for(counter, buyer))}
        ).status_code
        for _ in range(4)
    ]
    assert codes == [200, 200, 200, 429]
    assert market.read_paid(buyer) == 3 * PRICE


def test_payment__that_is_not_known_or_asked_in_another_way__is_refused(counter: Counter) -> None:
    unknown = f"{counter.url}/payments/0x{'00' * 32}"
    assert requests.get(unknown, timeout=60).status_code == 404
    assert requests.post(unknown, timeout=60).status_code == 405
    assert requests.get(counter.order_url, timeout=60).status_code == 405
    assert requests.post(f"{counter.url}/plans/7/orders", timeout=60).status_code == 404
    malformed = counter.post(counter.order_url, {"PAYMENT-SIGNATURE": "e30="})
    assert (malformed.status_code, "PAYMENT-REQUIRED" in malformed.headers) == (402, True)
