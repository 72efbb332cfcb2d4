"""Real gateways that are killed in the middle of a payment: what was paid is granted or served once."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from nvm_chain.chain.client import Chain
from tests.gateway.processes import GatewayProcess
from tests.gateway.serving import Upstream, served
from tests.support.anvil import wait_until
from tests.x402.buying.market import CREDITS, PRICE, Market
from tests.x402.buying.shop import Counter, register_agent

WAIT_SECONDS = 60


@dataclass
class Place:
    """What a process of a gateway needs to know."""

    chain: Chain
    url: str
    did: str


@dataclass
class Killed:
    """A gateway that is killed and started again, and its service."""

    process: GatewayProcess
    counter: Counter
    pool: ThreadPoolExecutor

    def post(self, url: str, header: dict[str, str]) -> "Future[requests.Response]":
        """Send a POST that nobody waits for."""
        return self.pool.submit(requests.post, url, headers=header, timeout=WAIT_SECONDS)

    def kill(self) -> None:
        """Kill the gateway, and start it again."""
        self.process.kill()
        self.process.start()

    def ask_until(self, status: int, url: str, header: dict[str, str]) -> requests.Response:
        """Send the same payment until the answer has a status."""
        found: list[requests.Response] = []

        def ask() -> bool:
            found.append(requests.post(url, headers=header, timeout=WAIT_SECONDS))
            assert found[-1].status_code != 402, found[-1].text
            return found[-1].status_code == status

        assert wait_until(ask, WAIT_SECONDS), found[-1].text
        return found[-1]


@pytest.fixture(scope="module")
def killed(market: Market, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killed]:
    """Run a gateway as a process of its own. It counts what is one block deep."""
    folder: Path = tmp_path_factory.mktemp("gateway")
    did, upstream = register_agent(market), Upstream()
    with served(upstream) as behind, ThreadPoolExecutor(4) as pool:
        process = GatewayProcess(folder, Place(market.chain, market.url, did), behind)  # type: ignore[arg-type]
        text = process.config.read_text("utf-8").replace("dev_account = 3", "dev_account = 4")
        text = text.replace("depth = 0", "depth = 1")
        bought = "[x402]\nexact = true\nminter = { dev_account = 5 }\n\n[[services]]"
        process.config.write_text(text.replace("[[services]]", bought), "utf-8")
        process.start()
        try:
            yield Killed(process, Counter(market, process.own_url, did, upstream, folder), pool)
        finally:
            process.kill()


def read_pool(market: Market) -> int:
    """Return how many transactions wait."""
    return int(market.ask("txpool_status")["pending"], 16)


@pytest.mark.parametrize("is_mined_meanwhile", [True, False])
def test_gateway__killed_after_the_broadcast__grants_once_after_its_start(
    market: Market, killed: Killed, is_mined_meanwhile: bool
) -> None:
    buyer, url = market.new_buyer(), killed.counter.order_url
    header = killed.counter.pay_exact(buyer, "POST", url)
    market.ask("evm_setAutomine", False)
    try:
        killed.post(url, header)
        assert wait_until(lambda: read_pool(market) > 0, WAIT_SECONDS)
        killed.process.kill()
        if is_mined_meanwhile:
            market.mine()
        else:
            market.ask("anvil_dropAllTransactions")
    finally:
        market.ask("evm_setAutomine", True)
    killed.process.start()
    assert wait_until(lambda: market.read_paid(buyer) == PRICE, WAIT_SECONDS)
    market.mine()
    assert killed.ask_until(200, url, header).json()["state"] == "granted"
    assert (market.read_credits(buyer), market.read_paid(buyer)) == (CREDITS, PRICE)


def test_gateway__killed_before_the_grant__grants_without_being_asked(market: Market, killed: Killed) -> None:
    buyer, url = market.new_buyer(), killed.counter.order_url
    header = killed.counter.pay_exact(buyer, "POST", url)
    killed.post(url, header)
    assert wait_until(lambda: market.read_paid(buyer) == PRICE, WAIT_SECONDS)
    killed.kill()
    market.mine()
    assert wait_until(lambda: market.read_credits(buyer) == CREDITS, WAIT_SECONDS)
    assert killed.ask_until(200, url, header).json()["state"] == "granted"
    assert (market.read_credits(buyer), market.read_paid(buyer)) == (CREDITS, PRICE)


def test_gateway__killed_while_its_service_answers__serves_the_same_payment_again_once(
    market: Market, killed: Killed
) -> None:
    buyer, url = market.new_buyer(), f"{killed.counter.service_url}/ask"
    header = killed.counter.pay_exact(buyer, "POST", url)
    asked = threading.Event()

    async def hang(upstream: Any, scope: Any, receive: Any, send: Any) -> None:
        asked.set()
        while (await receive())["type"] != "http.disconnect":
            pass

    killed.counter.upstream.answers["/ask"] = hang
    killed.post(url, header)
    assert asked.wait(WAIT_SECONDS)
    killed.kill()
    del killed.counter.upstream.answers["/ask"]
    assert killed.ask_until(200, url, header).status_code == 200
    assert killed.ask_until(409, url, header).json()["nvm"]["type"] == "PaymentServed"
    assert market.read_paid(buyer) == PRICE
