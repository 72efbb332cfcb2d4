"""What is tried against payments at a gateway: strangers who send or present them first, caches, and other resources (G1 to G8)."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.gateway.serving import reply
from tests.gateway.test_caches import cached
from tests.support.anvil import wait_until
from tests.x402.buying.market import CREDITS, PRICE, Market
from tests.x402.buying.shop import Counter, open_counter, register_agent


@pytest.fixture(scope="module")
def counter(market: Market, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    """A gateway for all tests of this file."""
    folder: Path = tmp_path_factory.mktemp("gateway")
    with open_counter(market, register_agent(market), folder) as opened:
        yield opened


def send_first(counter: Counter, method: str, url: str) -> tuple[Any, dict[str, str]]:
    """Let a stranger send a buyer's transfer before the gateway sees it. Return the buyer and the payment."""
    market = counter.market
    buyer = market.new_buyer()
    kept: list[Any] = []
    real = market.sign

    def sign(*arguments: Any, **more: Any) -> Any:
        kept.append(real(*arguments, **more))
        return kept[-1]

    market.sign = sign  # type: ignore[method-assign]
    try:
        header = counter.pay_exact(buyer, method, url)
    finally:
        market.sign = real  # type: ignore[method-assign]
    market.world.send(market.world.stranger, market.transfer(kept[0]))
    return buyer, header


def test_plan__whose_transfer_a_stranger_sends_first__is_granted_once(counter: Counter) -> None:
    market = counter.market
    buyer, header = send_first(counter, "POST", counter.order_url)
    answer = counter.post(counter.order_url, header)
    assert (answer.status_code, answer.json()["state"]) == (200, "granted")
    assert counter.post(counter.order_url, header).status_code == 200
    assert (market.read_credits(buyer), market.read_paid(buyer)) == (CREDITS, PRICE)


def test_request__whose_transfer_a_stranger_sends_first__is_served_once(counter: Counter) -> None:
    buyer, header = send_first(counter, "POST", f"{counter.service_url}/ask")
    codes = [counter.post(f"{counter.service_url}/ask", header).status_code for _ in range(3)]
    assert codes == [200, 409, 409]
    assert counter.market.read_paid(buyer) == PRICE


@pytest.mark.parametrize("first", ["plan", "request"])
def test_payment__of_a_request_and_of_a_plan_of_the_same_price__buys_one_of_both(counter: Counter, first: str) -> None:
    market = counter.market
    buyer = market.new_buyer()
    ask = f"{counter.service_url}/ask"
    paid, other = (counter.order_url, ask) if first == "plan" else (ask, counter.order_url)
    header = counter.pay_exact(buyer, "POST", paid)
    assert counter.post(paid, header).status_code == 200
    (told,) = [each for each in counter.read_offers("POST", other) if each["scheme"] == "exact"]
    swapped = counter.accept(header, told)
    refused = counter.post(other, swapped)
    assert (refused.status_code, refused.json()["nvm"]["type"]) == (409, "PaymentForOther")
    assert market.read_paid(buyer) == PRICE
    assert market.read_credits(buyer) == (CREDITS if first == "plan" else 0)


def test_request__for_another_path_or_method_with_a_used_payment__is_refused(counter: Counter) -> None:
    buyer = counter.market.new_buyer()
    header = counter.pay_exact(buyer, "POST", f"{counter.service_url}/ask")
    assert counter.post(f"{counter.service_url}/ask", header).status_code == 200
    for method, target in (("POST", "/ask?more=1"), ("GET", "/data")):
        answer = requests.request(method, counter.service_url + target, headers=header, timeout=60)
        assert (answer.status_code, answer.json()["nvm"]["type"]) == (409, "PaymentForOther")


def test_request__presented_by_a_stranger_while_its_buyer_is_served__is_not_served(counter: Counter) -> None:
    buyer, url = counter.market.new_buyer(), f"{counter.service_url}/ask"
    header = counter.pay_exact(buyer, "POST", url)
    asked, go_on = threading.Event(), threading.Event()

    async def wait(upstream: Any, scope: Any, receive: Any, send: Any) -> None:
        asked.set()
        await asyncio.to_thread(go_on.wait, 30)
        await reply(send)

    counter.upstream.answers["/ask"] = wait
    answers: list[requests.Response] = []
    serving = threading.Thread(target=lambda: answers.append(counter.post(url, header)))
    serving.start()
    try:
        assert asked.wait(30)
        stolen = counter.post(url, header)
        assert (stolen.status_code, stolen.json()["nvm"]["type"]) == (409, "PaymentServing")
    finally:
        go_on.set()
        serving.join()
        del counter.upstream.answers["/ask"]
    assert answers[0].status_code == 200


def test_answer__that_was_paid_by_a_transfer__is_kept_by_no_cache(counter: Counter) -> None:
    buyer = counter.market.new_buyer()
    header = counter.pay_exact(buyer, "GET", f"{counter.service_url}/data")
    with cached(counter.url) as (cache, url):
        there = f"{url}/services/{counter.did}/data"
        assert requests.get(there, headers=header, timeout=60).status_code == 200
        assert requests.get(there, timeout=60).status_code == 402
        assert (cache.hits, cache.kept) == (0, {})


def test_order__that_is_not_mined_in_time__is_a_job_and_never_unpaid(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nvm_chain.gateway.buying.purchases.PAY_WAIT_SECONDS", 0.5)
    market = counter.market
    buyer = market.new_buyer()
    header = counter.pay_exact(buyer, "POST", counter.order_url)
    market.ask("evm_setAutomine", False)
    try:
        answers = [counter.post(counter.order_url, header) for _ in range(3)]
    finally:
        market.ask("evm_setAutomine", True)
        market.mine()
    assert [each.status_code for each in answers] == [202, 202, 202], [each.text for each in answers]
    job = f"{counter.url}/payments/{answers[0].json()['payment']}"
    assert answers[0].headers["Location"].endswith(f"/payments/{answers[0].json()['payment']}")
    assert wait_until(lambda: requests.get(job, timeout=60).json()["state"] == "granted", 30)
    assert counter.post(counter.order_url, header).status_code == 200
    assert (market.read_credits(buyer), market.read_paid(buyer)) == (CREDITS, PRICE)
