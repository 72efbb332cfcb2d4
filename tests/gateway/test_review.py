"""Bodies, heads and connections at which buyers and upstreams could get something for nothing, or stop a gateway."""

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from nvm_chain.chain.client import Chain
from nvm_chain.errors import ConnectionFailed, IndexUnavailable
from nvm_chain.gateway import connections, opening
from nvm_chain.gateway.opening import build_gateway
from nvm_chain.gateway.refusals import refuse
from nvm_chain.gateway.settings import GatewaySettings, ServiceSettings
from nvm_chain.meter.bindings import Level
from tests.gateway.serving import Upstream, served
from tests.gateway.shop import METRICS_TOKEN, PUBLIC, Gate, Shop
from tests.gateway.test_attacks import dialled, write
from tests.gateway.test_serving import read_header

WAIT_SECONDS = 20
LONG = 1_000_000
OWN_HOST = "own.example.com"
Act = Callable[[socket.socket], None]


class RawUpstream:
    """An upstream that answers with bytes, whatever was asked. It answers as soon as it has the head of a request."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self.answer = b""
        self.act: Act | None = None
        self.heads: list[bytes] = []
        self.ended = threading.Event()

    def run(self) -> None:
        """Answer each connection once."""
        with suppress(OSError), ThreadPoolExecutor(8) as pool:
            while True:
                pool.submit(self._handle, self._listener.accept()[0])

    def _handle(self, line: socket.socket) -> None:
        with line, suppress(OSError):
            line.settimeout(WAIT_SECONDS)
            found = b""
            while b"\r\n\r\n" not in found:
                piece = line.recv(65_536)
                if not piece:
                    return  # the gateway ended the connection before it asked
                found += piece
            self.heads.append(found.partition(b"\r\n\r\n")[0].lower())
            line.sendall(self.answer)
            if self.act is not None:
                self.act(line)

    def wait_for_end(self, line: socket.socket) -> None:
        """Read until the gateway ends the connection, and note that it did."""
        while line.recv(65_536):
            pass
        self.ended.set()


@contextmanager
def run_raw_upstream() -> Iterator[tuple[RawUpstream, str]]:
    """Run such an upstream, and yield it with its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        raw = RawUpstream(listener)
        thread = threading.Thread(target=raw.run, daemon=True)
        thread.start()
        yield raw, f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(WAIT_SECONDS)


@pytest.fixture(scope="module")
def raw_shop(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RawUpstream, Gate]]:
    """A gateway in front of such an upstream. Its service takes tokens, and has a host of its own."""
    folder = tmp_path_factory.mktemp("raw")
    own: dict[str, Any] = {"level": Level.NONE, "dynamic": True, "hosts": (OWN_HOST,)}
    with run_raw_upstream() as (raw, url), shop.open(folder, url, **own) as gate:
        yield raw, gate


@pytest.fixture
def raw(raw_shop: tuple[RawUpstream, Gate]) -> RawUpstream:
    """The upstream, as new."""
    raw = raw_shop[0]
    raw.answer, raw.act = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n", None
    raw.heads.clear()
    raw.ended.clear()
    return raw


@pytest.fixture
def raw_gate(raw_shop: tuple[RawUpstream, Gate]) -> Gate:
    """The gateway, for a buyer of this test's own."""
    gate = raw_shop[1]
    return Gate(gate.shop, gate.url, gate.shop.new_buyer())


# ---------------------------------------------------------------------- heads of answers


@pytest.mark.parametrize("status", [204, 304])
def test_answer__without_body_but_with_a_length__is_charged(raw: RawUpstream, raw_gate: Gate, status: int) -> None:
    raw.answer = b"HTTP/1.1 %d X\r\nconnection: close\r\ncontent-length: 5\r\netag: 1\r\n\r\n" % status
    answer = raw_gate.ask("GET", "/data/1", raw_gate.token(5))
    assert (answer.status_code, answer.headers["ETag"]) == (status, "1")
    raw_gate.wait_for("charged", "2")


@pytest.mark.parametrize(
    "head",
    [b"101 X\r\nconnection: upgrade\r\nupgrade: x", b"600 X\r\ncontent-length: 0", b"200 X\r\nx-own: a\x01b"],
    ids=["another protocol", "an unknown status", "a control character"],
)
def test_answer__that_no_server_can_send__is_an_error_and_not_charged(
    raw: RawUpstream, raw_gate: Gate, head: bytes
) -> None:
    raw.answer = b"HTTP/1.1 " + head + b"\r\n\r\n"
    answer = raw_gate.ask("GET", "/data/1", raw_gate.token(5))
    assert (answer.status_code, answer.json()["nvm"]["type"]) == (502, "UpstreamFailed")
    assert raw_gate.wait_for("held", "0")["charged"] == "0"


@pytest.mark.parametrize(
    ("told", "cost"),
    [("3", 3), ("9" * 20, 5), ("9" * 21, 5), ("9" * 5_000, 5), ("0" * 30 + "3", 3), ("0", 2)],
    ids=["within", "20 digits", "21 digits", "5,000 digits", "zeros", "zero"],
)
def test_cost__however_long_its_number__is_between_least_and_most(
    raw: RawUpstream, raw_gate: Gate, told: str, cost: int
) -> None:
    raw.answer = (
        f"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\nnvmcreditsconsumed: {told}\r\n\r\n"
    ).encode()
    answer = raw_gate.ask("GET", "/data/1", raw_gate.token(5))
    assert read_header(answer, "PAYMENT-RESPONSE")["amount"] == str(cost)


# ---------------------------------------------------------------------- headers of requests


@pytest.mark.parametrize("on_own_host", [False, True])
def test_cookies__of_a_service_with_its_own_host__pass_on_that_host_only(
    raw: RawUpstream, raw_gate: Gate, on_own_host: bool
) -> None:
    raw.answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\nset-cookie: b=2\r\n\r\n"
    headers = raw_gate.token(5) | {"Cookie": "a=1"} | ({"Host": OWN_HOST} if on_own_host else {})
    url = raw_gate.url if on_own_host else raw_gate.service_url
    answer = requests.get(f"{url}/data/1", headers=headers, timeout=WAIT_SECONDS)
    assert answer.status_code == 200
    assert ("Set-Cookie" in answer.headers) is on_own_host
    assert (b"cookie: a=1" in raw.heads[0]) is on_own_host


def test_header__with_underscores__does_not_stand_for_one_of_the_gateway(raw: RawUpstream, raw_gate: Gate) -> None:
    forged = {"NVM_Holder": "forged", "X_Forwarded_For": "forged", "authorization_": "kept"}
    assert raw_gate.ask("GET", "/data/1", raw_gate.token(5) | forged).status_code == 200
    assert b"forged" not in raw.heads[0]
    assert b"authorization_: kept" in raw.heads[0]


# ---------------------------------------------------------------------- answers that begin before the body ends

EARLY = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\npart\r\n"


def read_part(line: socket.socket) -> None:
    """Read up to the part of the answer that comes early."""
    found = b""
    while b"part" not in found:
        piece = line.recv(65_536)
        assert piece
        found += piece


def test_buyer__that_has_an_early_answer_and_keeps_its_body_back__is_charged(raw: RawUpstream, raw_gate: Gate) -> None:
    raw.answer, raw.act = EARLY, raw.wait_for_end
    token = f"Authorization: {raw_gate.token(5)['Authorization']}"
    with dialled(raw_gate) as line:
        line.sendall(write(raw_gate, token, f"Content-Length: {LONG}", body="x" * 200_000))
        read_part(line)
    assert raw.ended.wait(WAIT_SECONDS / 2)
    raw_gate.wait_for("charged", "2")


@contextmanager
def run_full_upstream() -> Iterator[str]:
    """Yield the URL of an upstream that takes no connection more, and refuses none."""
    with socket.socket() as listener, ExitStack() as waiting:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            line = waiting.enter_context(socket.socket())
            line.setblocking(False)
            line.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_buyer__that_leaves_before_the_upstream_is_reached__pays_nothing(shop: Shop, tmp_path: Path) -> None:
    with run_full_upstream() as url, shop.open(tmp_path, url, level=Level.NONE) as gate:
        token = f"Authorization: {gate.token()['Authorization']}"
        with dialled(gate) as line:
            line.sendall(write(gate, token, method="GET", target="/data/1"))
            gate.wait_for("held", "2")
        assert gate.wait_for("held", "0")["charged"] == "0"


def test_head__above_the_bound_in_one_piece__is_refused(gate: Gate) -> None:
    long = f"X-Long: {'x' * (connections.MAX_HEAD - 20)}"
    with dialled(gate) as line:
        line.sendall(write(gate, long, method="GET", target="/health/live"))
        assert line.recv(100).startswith(b"HTTP/1.1 431")


def test_body__that_differs_after_an_early_answer__ends_both_connections_and_is_charged(
    shop: Shop, tmp_path: Path
) -> None:
    with run_raw_upstream() as (raw, url), shop.open(tmp_path, url) as gate:
        raw.answer, raw.act = EARLY, raw.wait_for_end
        payment = f"PAYMENT-SIGNATURE: {gate.pay('POST', '/ask', b'x' * LONG)['PAYMENT-SIGNATURE']}"
        with dialled(gate) as line:
            line.sendall(write(gate, payment, f"Content-Length: {LONG}", body="y" * 200_000))
            read_part(line)
            with suppress(ConnectionError):
                line.sendall(b"y" * (LONG - 200_000))
                assert line.recv(100) == b""
        assert raw.ended.wait(WAIT_SECONDS / 2)
        gate.wait_for("charged", "2")  # the buyer has read the answer before it sent another body


def test_buyer__that_does_not_read_on_until_time_is_over__is_charged_and_counted(shop: Shop, tmp_path: Path) -> None:
    with run_raw_upstream() as (raw, url), shop.open(tmp_path, url, level=Level.NONE, request_seconds=1) as gate:
        raw.answer = b"HTTP/1.1 200 OK\r\ncontent-length: 50000000\r\n\r\n" + bytes(50_000_000)
        token = f"Authorization: {gate.token(5)['Authorization']}"
        with dialled(gate) as line:
            line.sendall(write(gate, token, method="GET", target="/data/1"))
            gate.wait_for("charged", "2")
        metrics = {"Authorization": f"Bearer {METRICS_TOKEN}"}
        text = requests.get(f"{gate.url}/metrics", headers=metrics, timeout=WAIT_SECONDS).text
        assert f'nvm_charged_credits_total{{service="{shop.did}"}} 2.0' in text


def test_stream__without_an_end__is_charged_when_its_time_is_over(
    shop: Shop, upstream: Upstream, upstream_url: str, tmp_path: Path
) -> None:
    async def stream(own: Upstream, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while not own.gone.is_set():
            await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
            await asyncio.sleep(0.02)

    upstream.answers["/data/endless"] = stream
    with shop.open(tmp_path, upstream_url, request_seconds=1, max_answer_seconds=1) as gate:
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            gate.paid("GET", "/data/endless")
        gate.wait_for("charged", "2")
    upstream.gone.set()


def test_token__that_was_revoked__reads_nothing(gate: Gate) -> None:
    token = gate.sign_in(gate.shop.buyers[0], gate.shop.open_plan, "http://127.0.0.1")
    headers = {"Authorization": f"Bearer {token}"}
    assert gate.account(headers)["holder"] == gate.shop.buyers[0].address
    assert requests.delete(f"{gate.url}/sessions", headers=headers, timeout=WAIT_SECONDS).status_code == 200
    refused = requests.get(f"{gate.url}/account", headers=headers, timeout=WAIT_SECONDS)
    assert (refused.status_code, refused.json()["nvm"]["type"]) == (402, "AuthorityRevoked")


# ---------------------------------------------------------------------- idempotency of long bodies


def test_key__with_another_long_body__is_refused(gate: Gate, upstream: Upstream) -> None:
    key, body, other = "pay_0123456789abcdef", b"a" * LONG, b"b" * LONG
    assert gate.paid("POST", "/ask", body, payment_id=key).status_code == 200
    before = len(upstream.seen)
    again = gate.paid("POST", "/ask", body, payment_id=key)
    assert (again.status_code, again.headers["NVM-Repeated"]) == (200, "true")
    refused = gate.paid("POST", "/ask", other, payment_id=key)
    assert (refused.status_code, refused.json()["nvm"]["type"]) == (422, "KeyReused")
    assert len(upstream.seen) == before


def test_key__with_a_long_body_that_nobody_signed__never_gets_the_answer_to_another(
    gate: Gate, upstream: Upstream
) -> None:
    token = gate.sign_in(gate.shop.buyers[3], gate.shop.open_plan, "http://127.0.0.1")
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "long-1"}
    assert gate.ask("POST", "/ask", headers, data=b"a" * LONG).status_code == 200
    before = len(upstream.seen)
    answer = gate.ask("POST", "/ask", headers, data=b"b" * LONG)
    assert (answer.status_code, answer.json()["nvm"]["type"]) == (409, "AnswerNotKept")
    assert len(upstream.seen) == before


# ---------------------------------------------------------------------- connections


@pytest.mark.parametrize("is_unread", [False, True], ids=["an empty line", "a body that nobody wants"])
def test_connection__with_something_after_its_answer__is_not_kept_for_ever(
    gate: Gate, monkeypatch: pytest.MonkeyPatch, is_unread: bool
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    live = b"GET /health/live HTTP/1.1\r\nHost: gateway\r\n\r\n"
    with dialled(gate) as line, suppress(ConnectionError):
        line.sendall(write(gate, "Content-Length: 1000000") if is_unread else live)
        assert line.recv(65_536).startswith(b"HTTP/1.1 402" if is_unread else b"HTTP/1.1 200")
        line.sendall(b"\r\n")
        while line.recv(65_536):
            pass


# ---------------------------------------------------------------------- troubles of the gateway


@pytest.mark.parametrize(
    "error",
    [IndexUnavailable("/var/lib/secret/meter.db", "it is locked"), ConnectionFailed("http://10.0.0.7:8545", "refused")],
)
def test_refusal__because_of_the_gateways_own_parts__does_not_say_where_they_are(
    error: IndexUnavailable | ConnectionFailed,
) -> None:
    refusal = refuse(error)
    assert refusal.status == 503
    told = json.loads(refusal.body)["nvm"]
    assert set(told) == {"type", "message"}
    assert "secret" not in told["message"]
    assert "10.0.0.7" not in told["message"]


def test_gateway__whose_node_is_away_when_following_begins__follows_later(
    shop: Shop, upstream_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "AGAIN_SECONDS", 0.05)
    failed: set[str] = set()

    def connect() -> Chain:
        name = threading.current_thread().name.partition("_")[0]
        if name.startswith("nvm-chain") and name not in failed:
            failed.add(name)
            raise ConnectionFailed(shop.url, "it is away")
        return shop.connect()

    own = ServiceSettings(shop.did, upstream_url, public_url=PUBLIC)
    settings = GatewaySettings(
        "http://127.0.0.1", str(tmp_path / "meter.db"), str(tmp_path / "index.db"), {shop.did: own}, depth=0
    )
    app = build_gateway(connect, shop.redeemer, settings, renews=True)
    with served(app, http=connections.BoundedProtocol) as url:
        gate = Gate(shop, url, shop.new_buyer())
        assert gate.paid("POST", "/ask", b"tea?").status_code == 200
    assert failed == {"nvm-chain follower"}


def test_answer__given_again_to_a_page__has_the_headers_of_that_page_only(gate: Gate) -> None:
    key = "pay_fedcba9876543210"
    first = gate.pay("POST", "/ask", b"tea?", payment_id=key)
    assert (
        "Access-Control-Allow-Origin"
        in gate.ask("POST", "/ask", first | {"Origin": "https://a.example.com"}, data=b"tea?").headers
    )
    again = gate.ask("POST", "/ask", first, data=b"tea?")
    assert (again.status_code, again.headers["NVM-Repeated"]) == (200, "true")
    assert "Access-Control-Allow-Origin" not in again.headers


def test_key__of_a_long_body_that_nobody_signed__gives_no_answer_to_an_empty_one(
    gate: Gate, upstream: Upstream
) -> None:
    token = gate.sign_in(gate.shop.buyers[3], gate.shop.open_plan, "http://127.0.0.1")
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "long-then-empty"}
    assert gate.ask("POST", "/ask", headers, data=b"a" * LONG).status_code == 200
    before = len(upstream.seen)
    empty = gate.ask("POST", "/ask", headers)
    assert (empty.status_code, empty.json()["nvm"]["type"]) == (409, "AnswerNotKept")
    assert len(upstream.seen) == before


def test_answer__kept_under_another_key__is_told_as_not_kept(shop: Shop, upstream_url: str, tmp_path: Path) -> None:
    with shop.open(tmp_path, upstream_url) as gate:
        headers = gate.pay("POST", "/ask", b"tea?", payment_id="pay_0000111122223333")
        assert gate.ask("POST", "/ask", headers, data=b"tea?").status_code == 200
        gate.wait_for("charged", "2")
    with shop.open(tmp_path, upstream_url, answer_key=b"n" * 32) as other:
        answer = other.ask("POST", "/ask", headers, data=b"tea?")
    assert (answer.status_code, answer.json()["nvm"]["type"]) == (409, "AnswerNotKept")
