"""A service that does not answer: its requests wait or are refused, nothing is charged, and other services go on."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

import nvm_chain as nvm
from nvm_chain.errors import UpstreamBusy
from nvm_chain.gateway import upstream_queues
from nvm_chain.gateway.connections import BoundedProtocol
from nvm_chain.gateway.opening import build_gateway
from nvm_chain.gateway.settings import GatewaySettings, ServiceSettings
from nvm_chain.gateway.upstream_queues import UpstreamQueue
from nvm_chain.metadata.documents import AgentMetadata
from nvm_chain.types.agents import AttachedPlan
from nvm_chain.types.ids import format_did
from tests.gateway.serving import Upstream, reply, served
from tests.gateway.shop import NEVER, PUBLIC, Gate, Shop
from tests.support.anvil import wait_until

RUNNING, WAITING, SENT = 3, 2, 10
WAIT_SECONDS = 30


class Stuck:
    """An upstream's path that answers when a test lets it."""

    reads_itself = True

    def __init__(self) -> None:
        self.may_end = threading.Event()
        self.running = self.most = 0

    async def __call__(self, upstream: Upstream, scope: Any, receive: Any, send: Any) -> None:
        """Wait, and answer."""
        self.running += 1
        self.most = max(self.most, self.running)
        await receive()
        while not self.may_end.is_set():
            await asyncio.sleep(0.005)
        self.running -= 1
        await reply(send, b"at last")


@pytest.fixture(scope="module")
def stuck_upstream() -> Upstream:
    return Upstream()


@pytest.fixture
def stuck(stuck_upstream: Upstream) -> Iterator[Stuck]:
    """What the slow service does in one test."""
    stuck = stuck_upstream.answers["/ask"] = Stuck()
    yield stuck
    stuck.may_end.set()


@pytest.fixture(scope="module")
def both(
    shop: Shop, upstream_url: str, stuck_upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Shop, str]]:
    """A gateway with two services. The second one is slow. Yields the shop of the slow one, and the URL."""
    attached = [AttachedPlan(shop.credits_plan, 2, 2)]
    slow = format_did(nvm.register_agent(shop.chain, shop.builder, AgentMetadata("Slow"), attached).agent_id)
    folder: Path = tmp_path_factory.mktemp("slow")
    with served(stuck_upstream) as stuck_url:
        services = {
            shop.did: ServiceSettings(shop.did, upstream_url, public_url=PUBLIC),
            slow: ServiceSettings(slow, stuck_url, max_running=RUNNING),
        }
        settings = GatewaySettings(
            "http://127.0.0.1", str(folder / "meter.db"), str(folder / "index.db"), services, depth=0
        )
        app = build_gateway(shop.connect, shop.redeemer, settings, rules=NEVER, renews=True)
        with served(app, http=BoundedProtocol) as url:
            yield replace(shop, did=slow), url


def send_all(gate: Gate, pool: ThreadPoolExecutor, count: int) -> list["Future[requests.Response]"]:
    """Send paid requests at the same time."""
    paid = [gate.pay("POST", "/ask", b"tea?") for _ in range(count)]
    return [pool.submit(gate.ask, "POST", "/ask", headers, data=b"tea?") for headers in paid]


def test_service__that_is_stuck__takes_its_share_only_and_others_go_on(
    both: tuple[Shop, str], shop: Shop, stuck: Stuck, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream_queues, "MAX_WAITING", WAITING)
    monkeypatch.setattr(upstream_queues, "WAIT_SECONDS", 60)
    slow_shop, url = both
    slow, good = Gate(slow_shop, url, shop.new_buyer()), Gate(shop, url, shop.new_buyer())
    with ThreadPoolExecutor(SENT) as pool:
        sent = set(send_all(slow, pool, SENT))
        refused: set[Future[requests.Response]] = set()
        while len(refused) < SENT - RUNNING - WAITING:
            done, _ = wait(sent - refused, WAIT_SECONDS, FIRST_COMPLETED)
            assert done
            refused |= done
        for each in refused:
            answer = each.result()
            assert (answer.status_code, answer.json()["nvm"]["type"]) == (503, "UpstreamBusy")
            assert int(answer.headers["Retry-After"]) > 0
        assert wait_until(lambda: stuck.running == RUNNING, WAIT_SECONDS)
        assert [good.paid("POST", "/ask", b"tea?").status_code for _ in range(5)] == [200] * 5
        assert not any(each.done() for each in sent - refused)
        stuck.may_end.set()
        answers = [each.result(WAIT_SECONDS) for each in sent - refused]
    assert [(answer.status_code, answer.text) for answer in answers] == [(200, "at last")] * (RUNNING + WAITING)
    assert stuck.most == RUNNING
    slow.wait_for("charged", str(2 * (RUNNING + WAITING)))
    assert slow.wait_for("held", "0")["charged"] == str(2 * (RUNNING + WAITING))


def test_request__that_waits_too_long__is_refused_and_its_payment_stays_good(
    both: tuple[Shop, str], shop: Shop, stuck: Stuck, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream_queues, "WAIT_SECONDS", 0.1)
    gate = Gate(both[0], both[1], shop.new_buyer())
    with ThreadPoolExecutor(RUNNING) as pool:
        running = send_all(gate, pool, RUNNING)
        assert wait_until(lambda: stuck.running == RUNNING, WAIT_SECONDS)
        headers = gate.pay("POST", "/ask", b"tea?")
        refused = gate.ask("POST", "/ask", headers, data=b"tea?")
        assert (refused.status_code, refused.json()["nvm"]["type"]) == (503, "UpstreamBusy")
        stuck.may_end.set()
        assert [each.result(WAIT_SECONDS).status_code for each in running] == [200] * RUNNING
    assert gate.ask("POST", "/ask", headers, data=b"tea?").status_code == 200
    gate.wait_for("charged", str(2 * (RUNNING + 1)))


def test_service__that_failed_often__has_all_its_places_again(both: tuple[Shop, str], stuck: Stuck) -> None:
    """Buyers that leave, and upstreams that end the connection, leave the queue."""
    gate = Gate(both[0], both[1], both[0].new_buyer())
    for _ in range(2 * RUNNING):
        with pytest.raises(requests.ReadTimeout):
            requests.post(f"{gate.service_url}/ask", b"tea?", headers=gate.pay("POST", "/ask", b"tea?"), timeout=0.3)
    gate.wait_for("held", "0")
    stuck.may_end.set()
    assert [gate.paid("POST", "/ask", b"tea?").status_code for _ in range(2 * RUNNING)] == [200] * 2 * RUNNING


# ---------------------------------------------------------------------- queues


def test_enter__beyond_the_limit__waits_in_order() -> None:
    async def run() -> list[int]:
        own, order = UpstreamQueue("did:nv:07", 1), list[int]()

        async def work(number: int) -> None:
            await own.enter()
            order.append(number)
            await asyncio.sleep(0)
            own.leave()

        await asyncio.gather(*(work(number) for number in range(20)))
        await own.enter()
        return order

    assert asyncio.run(run()) == [*range(20)]


def test_enter__by_those_that_leave__takes_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        own = UpstreamQueue("did:nv:07", 1)
        await own.enter()
        tasks = [asyncio.ensure_future(own.enter()) for _ in range(3)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        own.leave()  # to the first, which is being cancelled, or to the second
        tasks[1].cancel()
        await asyncio.wait(tasks[:2])
        await tasks[2]
        monkeypatch.setattr(upstream_queues, "WAIT_SECONDS", 0.01)
        with pytest.raises(UpstreamBusy) as caught:
            await own.enter()
        assert caught.value.most == 1
        own.leave()
        await own.enter()

    asyncio.run(run())


def test_enter__with_as_many_waiting_as_may__is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        own = UpstreamQueue("did:nv:07", 1)
        await own.enter()
        waiting = asyncio.ensure_future(own.enter())
        await asyncio.sleep(0)
        with pytest.raises(UpstreamBusy):
            await own.enter()
        own.leave()
        await waiting

    monkeypatch.setattr(upstream_queues, "MAX_WAITING", 1)
    asyncio.run(run())
