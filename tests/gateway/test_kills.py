"""Every process of a gateway is killed under load over HTTP, and nothing is served or charged twice (S1, S3, S4, S10, S11)."""

import asyncio
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any

import pytest
import requests

from nvm_chain.meter.operating import open_books
from tests.gateway.kills import Harness, Lost, ServedTwice
from tests.gateway.planted_run import CHARGES_FAILURES, LEAVES_OUT
from tests.gateway.processes import STOP_SECONDS, GatewayProcess
from tests.gateway.serving import Upstream, reply
from tests.gateway.shop import Gate, Shop, run_shop
from tests.support.anvil import wait_until
from tests.support.meter_books import CHARGED, read_rows
from tests.support.postgres import run_postgres

PLANTS = [(CHARGES_FAILURES, "the service"), (LEAVES_OUT, "the gateway")]
"""A mistake, and what is killed so that it shows."""
RUNNING = 5
WAIT_SECONDS = 30

ON_SQLITE = ("the gateway", "the node", "the service")
ON_POSTGRESQL = ("a worker", "a worker that was stopped", "all workers, and the settler", "the database")
"""What is killed, each once. `make deep` kills more, and more often."""


@pytest.mark.long
def test_kills__of_a_gateway_on_sqlite__lose_nothing(tmp_path: Path) -> None:
    with run_shop() as shop:
        harness = Harness(shop, tmp_path, Random(1))
        harness.run(len(ON_SQLITE), ON_SQLITE)
        assert harness.kills.keys() == set(ON_SQLITE)


@pytest.mark.long
def test_kills__of_a_gateway_and_its_database__lose_nothing(tmp_path: Path) -> None:
    with run_shop() as shop, run_postgres() as server:
        harness = Harness(shop, tmp_path, Random(2), server)
        harness.run(len(ON_POSTGRESQL), ON_POSTGRESQL)
        assert harness.kills.keys() == set(ON_POSTGRESQL)


@pytest.mark.long
@pytest.mark.parametrize(("plant", "killed"), PLANTS)
def test_kills__of_a_gateway_with_a_mistake__find_it(plant: str, killed: str, tmp_path: Path) -> None:
    with run_shop() as shop, pytest.raises((Lost, ServedTwice)):
        Harness(shop, tmp_path, Random(3), plant=plant).run(8, [killed])  # ends with the one that finds it


# ---------------------------------------------------------------------- ends that are asked for


class Slow:
    """A path of an upstream that answers when a test lets it."""

    reads_itself = True

    def __init__(self) -> None:
        self.may_end = threading.Event()
        self.running = 0

    async def __call__(self, upstream: Upstream, scope: Any, receive: Any, send: Any) -> None:
        """Answer when it may."""
        await receive()
        self.running += 1
        while not self.may_end.is_set():
            await asyncio.sleep(0.005)
        await reply(send, b"late")


@pytest.mark.parametrize("workers", [1, 2])
def test_stop__while_requests_run__finishes_them_and_takes_no_more(
    shop: Shop, upstream: Upstream, upstream_url: str, tmp_path: Path, workers: int
) -> None:
    slow = upstream.answers["/data/slow"] = Slow()
    with ExitStack() as stack:
        server = stack.enter_context(run_postgres()) if workers > 1 else None
        places: dict[str, Any] = {} if server is None else {name: server.new_database() for name in ("meter", "index")}
        process = GatewayProcess(tmp_path, shop, upstream_url, workers=workers, **places)
        stack.enter_context(process.running())
        gate = Gate(shop, process.own_url, shop.new_buyer())
        paid = [gate.pay("GET", "/data/slow") for _ in range(RUNNING)]
        with ThreadPoolExecutor(RUNNING) as pool:
            asked = [pool.submit(gate.ask, "GET", "/data/slow", headers) for headers in paid]
            assert wait_until(lambda: slow.running == RUNNING, WAIT_SECONDS)
            assert process.process is not None
            process.process.send_signal(signal.SIGTERM)
            assert wait_until(lambda: not takes_requests(process.own_url), WAIT_SECONDS)
            assert process.process.poll() is None
            slow.may_end.set()
            answers = [each.result() for each in asked]
            assert process.process.wait(STOP_SECONDS) == 0
        assert [(answer.status_code, answer.text) for answer in answers] == [(200, "late")] * RUNNING
        where = str(tmp_path / "meter.db") if server is None else places["meter"]
        with open_books(where, shop.connect()) as writer:
            states = writer.run(lambda store: read_rows(store, "SELECT state, cost FROM holds"))
    assert states == [(CHARGED, 2)] * RUNNING


def takes_requests(url: str) -> bool:
    """Return whether a gateway still answers new requests. The parent of several workers holds the port until they have ended."""
    try:
        return requests.get(f"{url}/health/live", timeout=1).status_code == 200
    except (requests.ConnectionError, requests.Timeout):
        return False
