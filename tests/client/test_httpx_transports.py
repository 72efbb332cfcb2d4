"""Ordinary requests of httpx, sync and async, against a real gateway."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest

from nvm_chain.client.buyer import Buyer
from nvm_chain.client.httpx_transports import AsyncPayingTransport, PayingTransport
from nvm_chain.client.payment import find_payment
from nvm_chain.errors import BodyNotRepeatable, PaymentNotAllowed
from tests.client.clients import open_client
from tests.client.liars import lying
from tests.gateway.serving import Upstream, reply
from tests.gateway.shop import Gate


class Counting(httpx.HTTPTransport):
    """A transport that counts what it sends."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and keep it."""
        self.sent.append(request)
        return super().handle_request(request)


@pytest.fixture
def buyer(gate: Gate) -> Buyer:
    """The buyer of a test."""
    return open_client(gate).buyer


@pytest.fixture
def inner() -> Counting:
    """What the client sends with."""
    return Counting()


@pytest.fixture
def client(gate: Gate, buyer: Buyer, inner: Counting) -> Iterator[httpx.Client]:
    """A client that pays."""
    transport = PayingTransport(buyer, gate.url, inner=inner)
    with httpx.Client(transport=transport, base_url=gate.service_url, timeout=60) as client:
        yield client


# ---------------------------------------------------------------------- sync


def test_request__of_a_new_client__is_refused_once_and_then_paid(
    client: httpx.Client, inner: Counting, gate: Gate, upstream: Upstream
) -> None:
    before = len(upstream.seen)
    answer = client.post("/ask?topic=tea%2fgreen", json={"q": 1})
    assert answer.status_code == 200, answer.text
    payment = find_payment(answer)
    assert payment is not None
    assert (payment.credits, payment.plan_id) == (2, gate.shop.credits_plan)
    assert upstream.seen[-1].target == "/ask?topic=tea%2fgreen"
    assert client.get("/data/1").status_code == 200
    assert (len(inner.sent), len(upstream.seen)) == (3, before + 2)


@pytest.mark.parametrize(
    "make",
    [lambda: iter([b"tea", b"?"]), lambda: b"tea?", lambda: "tea?"],
    ids=["generator", "bytes", "text"],
)
def test_body__of_any_kind__is_the_same_in_the_paid_request(
    client: httpx.Client, upstream: Upstream, make: Callable[[], Any]
) -> None:
    assert client.post("/ask", content=make()).status_code == 200
    assert upstream.seen[-1].body == b"tea?"


def test_body__read_once_and_too_long__is_refused_before_anything_is_sent(gate: Gate, inner: Counting) -> None:
    buyer = open_client(gate, max_body=10).buyer
    with httpx.Client(transport=PayingTransport(buyer, gate.url, inner=inner), timeout=60) as client:
        with pytest.raises(BodyNotRepeatable):
            client.post(f"{gate.service_url}/ask", content=iter([b"x" * 11]))
        assert inner.sent == []


def test_files__of_a_form__are_paid_and_arrive_whole(client: httpx.Client, upstream: Upstream) -> None:
    assert client.post("/ask", files={"file": ("a.txt", b"tea?")}).status_code == 200
    assert b"tea?" in upstream.seen[-1].body


def test_answer__in_pieces__is_not_gathered(client: httpx.Client, upstream: Upstream) -> None:
    async def stream(own: Upstream, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for piece in (b"one", b"two"):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    upstream.answers["/data/stream"] = stream
    with client.stream("GET", "/data/stream") as answer:
        assert answer.status_code == 200
        assert b"".join(answer.iter_bytes()) == b"onetwo"


def test_redirect__that_was_paid_for__is_not_followed(
    gate: Gate, buyer: Buyer, inner: Counting, upstream: Upstream
) -> None:
    async def lead(own: Upstream, scope: Any, receive: Any, send: Any) -> None:
        await reply(send, b"", 302, ((b"location", b"/data/there"),))

    upstream.answers["/data/moved"] = lead
    transport = PayingTransport(buyer, gate.url, inner=inner)
    with httpx.Client(transport=transport, follow_redirects=True, timeout=60) as client:
        answer = client.get(f"{gate.service_url}/data/moved")
    assert (answer.status_code, answer.headers["location"], answer.history) == (302, "/data/there", [])


def test_redirect__of_a_liar__carries_nothing_elsewhere(gate: Gate, buyer: Buyer) -> None:
    shop = gate.shop
    with lying(shop) as (other, elsewhere), lying(shop) as (liar, url):
        liar.redirects = f"{elsewhere}/services/{shop.did}/ask"
        with httpx.Client(transport=PayingTransport(buyer, url), follow_redirects=True, timeout=60) as client:
            assert client.post(f"{url}/services/{shop.did}/ask").status_code == 307
            liar.moves = f"{elsewhere}/services/{shop.did}/ask"
            liar.redirects = None
            assert client.get(f"{url}/about").status_code == 402
    assert other.signatures == []
    assert len(other.seen) == 1


def test_offer__that_is_not_within_the_limits__is_not_paid(gate: Gate, inner: Counting) -> None:
    buyer = open_client(gate, limits={"per_request": 1}).buyer
    client = httpx.Client(transport=PayingTransport(buyer, gate.url, inner=inner), timeout=60)
    with client, pytest.raises(PaymentNotAllowed):
        client.post(f"{gate.service_url}/ask")
    assert len(inner.sent) == 1


def test_refusal__that_the_client_does_not_pay__is_readable(gate: Gate, inner: Counting) -> None:
    buyer = open_client(gate, signer=gate.shop.chain.accounts[0]).buyer
    with httpx.Client(transport=PayingTransport(buyer, gate.url, inner=inner), timeout=60) as client:
        answer = client.post(f"{gate.service_url}/ask")
    assert (answer.status_code, answer.json()["nvm"]["type"]) == (402, "CreditsUsedUp")


def test_session__of_a_transport__is_used_and_closed(gate: Gate, buyer: Buyer, inner: Counting) -> None:
    transport = PayingTransport(buyer, gate.url, inner=inner)
    with httpx.Client(transport=transport, timeout=60) as client:
        session = transport.open_session(f"{gate.service_url}/ask", method="POST", limit=20)
        for _ in range(2):
            assert client.post(f"{gate.service_url}/ask").status_code == 200
        assert session.spent == 4
        transport.close_session(session)
        assert client.post(f"{gate.service_url}/ask").status_code == 200
    assert sum("payment-signature" in request.headers for request in inner.sent) == 2  # one proves the account


# ---------------------------------------------------------------------- async


def test_async_requests__at_the_same_time__are_all_served_and_charged_once(gate: Gate, buyer: Buyer) -> None:
    async def ask() -> list[int]:
        async with httpx.AsyncClient(transport=AsyncPayingTransport(buyer, gate.url), timeout=60) as client:

            async def body() -> AsyncIterator[bytes]:
                yield b"tea"
                yield b"?"

            first = await client.post(f"{gate.service_url}/ask", content=body())
            assert find_payment(first) is not None
            answers = await asyncio.gather(*(client.get(f"{gate.service_url}/data/{n}") for n in range(20)))
            return [answer.status_code for answer in answers]

    assert asyncio.run(ask()) == [200] * 20
    gate.ceiling = 1
    gate.wait_for("charged", "42")
    kept = buyer.ceilings.read(gate.shop.credits_plan)
    assert kept is not None
    assert (kept.total, kept.used) == (42, 42)


def test_async_request__that_is_cancelled__leaves_the_buyer_usable(
    gate: Gate, buyer: Buyer, upstream: Upstream
) -> None:
    started = asyncio.Event()

    async def never(own: Upstream, scope: Any, receive: Any, send: Any) -> None:
        started_loop.call_soon_threadsafe(started.set)
        while (await receive())["type"] != "http.disconnect":
            pass

    never.reads_itself = True  # type: ignore[attr-defined]
    upstream.answers["/data/never"] = never
    started_loop: Any = None

    async def ask() -> None:
        nonlocal started_loop
        started_loop = asyncio.get_running_loop()
        async with httpx.AsyncClient(transport=AsyncPayingTransport(buyer, gate.url), timeout=60) as client:
            await client.get(f"{gate.service_url}/data/1")
            task = asyncio.ensure_future(client.get(f"{gate.service_url}/data/never"))
            await started.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            answer = await client.get(f"{gate.service_url}/data/1")
            assert answer.status_code == 200, answer.text

    asyncio.run(ask())


def test_async_session__of_a_transport__is_used_and_closed(gate: Gate, buyer: Buyer) -> None:
    async def ask() -> int:
        transport = AsyncPayingTransport(buyer, gate.url)
        async with httpx.AsyncClient(transport=transport, timeout=60) as client:
            session = await transport.open_session(f"{gate.service_url}/ask", method="POST", limit=20)
            for _ in range(2):
                assert (await client.post(f"{gate.service_url}/ask")).status_code == 200
            await transport.close_session(session)
            return session.spent

    assert asyncio.run(ask()) == 4
