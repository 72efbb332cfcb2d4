"""What strangers and buyers send through websockets to be served for nothing, or to make the gateway grow."""

import base64
import logging
import os
import socket
import struct
import threading
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from websockets.exceptions import ConnectionClosed

from nvm_chain.client.sockets import build_socket_headers
from nvm_chain.gateway import connections
from nvm_chain.gateway.sockets.protocols import MOST_PIECES
from nvm_chain.gateway.sockets.terms import MAX_BYTES, SocketTerms, Unit
from tests.gateway.serving import served
from tests.gateway.shop import Gate, Shop
from tests.gateway.sockets import (
    WAIT_SECONDS,
    SocketService,
    dial,
    echo,
    open_session,
    read_end,
    refused,
    wait_for_number,
)

COST = 2
PAGE = os.sysconf("SC_PAGE_SIZE")
MEGABYTE = 2**20


@pytest.fixture(scope="module")
def service() -> SocketService:
    """A service with websockets."""
    return SocketService()


@pytest.fixture(scope="module")
def open_gate(shop: Shop, service: SocketService, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """A gateway in front of it that sells messages."""
    terms = SocketTerms(Unit.MESSAGE)
    with (
        served(service) as url,
        shop.open(tmp_path_factory.mktemp("sockets"), url, websocket=terms, exposure=10**6) as gate,
    ):
        yield gate


@contextmanager
def upgraded(gate: Gate, token: str, target: str = "/data/echo", *lines: str) -> Iterator[socket.socket]:
    """Open a websocket on a plain connection, which sends what it is told."""
    with dialled(gate) as line:
        head = [f"Authorization: Bearer {token}", *lines]
        line.sendall(build_head(gate, target, *head))
        assert read_head(line).startswith(b"HTTP/1.1 101")
        yield line


@contextmanager
def dialled(gate: Gate) -> Iterator[socket.socket]:
    """Open a plain connection."""
    host, _, port = gate.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), WAIT_SECONDS) as line:
        yield line


def build_head(gate: Gate, target: str, *lines: str) -> bytes:
    """Return a request for a websocket."""
    key = base64.b64encode(os.urandom(16)).decode()
    head = [
        *(f"GET /services/{gate.shop.did}{target} HTTP/1.1", "Host: gateway", "Upgrade: websocket"),
        *("Connection: Upgrade", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}", *lines, "", ""),
    ]
    return "\r\n".join(head).encode("latin-1")


def read_head(line: socket.socket) -> bytes:
    """Read the head of an answer."""
    found = b""
    while b"\r\n\r\n" not in found and (piece := line.recv(1)):
        found += piece
    return found


def frame(opcode: int, data: bytes = b"", *, is_last: bool = True, is_packed: bool = False) -> bytes:
    """Return a frame of a buyer. Its mask is zero, so the data stay as they are."""
    first = opcode | (0x80 if is_last else 0) | (0x40 if is_packed else 0)
    if len(data) < 126:
        return struct.pack("!BB", first, 0x80 | len(data)) + bytes(4) + data
    return struct.pack("!BBH", first, 0x80 | 126, len(data)) + bytes(4) + data


def pack(data: bytes) -> bytes:
    """Return a frame of a compressed message."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -12)
    packed = packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)
    return frame(2, packed[:-4], is_packed=True)


def send_all(line: socket.socket, data: bytes, times: int) -> None:
    """Send data so many times. Each time has a limit."""
    for _ in range(times):
        line.sendall(data)


def read_memory() -> int:
    """Return the memory of this process, in bytes."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * PAGE


# ---------------------------------------------------------------------- more than was paid


def test_last_credits__on_eight_connections_at_once__pay_for_one_message(gate: Gate, service: SocketService) -> None:
    token = open_session(gate, 9 * COST)
    before = len(service.lines)
    lines = [dial(gate, "/data/echo", token) for _ in range(8)]
    assert [echo(line, "first") for line in lines] == ["first"] * 8
    start = threading.Barrier(8)

    def send_second(number: int) -> int:
        start.wait(WAIT_SECONDS)
        lines[number].send("second")
        try:
            return 200 if lines[number].recv(timeout=WAIT_SECONDS) == "second" else 0
        except ConnectionClosed as ended:
            return 0 if ended.rcvd is None else ended.rcvd.code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(send_second, range(8))) == [200, *[4_402] * 7]
    for line in lines:
        line.close()
    assert sum(seen.messages.count("second") for seen in service.lines[before:]) == 1
    wait_for_number(gate, token, "charged", 9 * COST)


def test_messages__sent_in_one_packet_with_the_last_credits__are_handed_on_as_far_as_they_are_paid(
    gate: Gate, service: SocketService
) -> None:
    token = open_session(gate, 5 * COST)
    with upgraded(gate, token) as line:
        line.sendall(b"".join(frame(1, str(number).encode()) for number in range(100)))
        found = b""
        while piece := line.recv(4_096):
            found += piece
    assert struct.pack("!H", 4_402) in found
    assert service.last.messages == ["0", "1", "2", "3", "4"]
    wait_for_number(gate, token, "charged", 5 * COST)


def test_connections__of_a_holder__are_as_many_as_the_seller_allows(
    shop: Shop, service: SocketService, tmp_path: Path
) -> None:
    terms = SocketTerms(Unit.MESSAGE)
    with served(service) as url, shop.open(tmp_path, url, websocket=terms, max_open=2, max_running=3) as gate:
        token = open_session(gate, 100)
        other = Gate(shop, gate.url, shop.new_buyer())
        lines = [dial(gate, "/data/echo", token) for _ in range(2)]
        status, told = refused(gate, "/data/echo", open_session(gate, 200))
        assert (status, told["nvm"]["type"]) == (429, "TooManyOpenRequests")
        lines.append(dial(other, "/data/echo", open_session(other, 100)))
        assert refused(other, "/data/echo", open_session(other, 200))[0] == 503
        for line in lines:
            line.close()
        wait_for_number(gate, token, "charged", 2 * COST)


def test_token__in_a_request_that_is_not_upgraded__is_not_handed_on(gate: Gate, service: SocketService) -> None:
    headers = {
        "Sec-WebSocket-Protocol": "nvm, nvm.bearer.nvms_secret",
        "sec_websocket_protocol": "nvm.bearer.nvms_secret",
    }
    before = len(service.requests)
    assert gate.ask("GET", "/about", headers).status_code == 200
    assert len(service.requests) == before + 1
    assert "nvms_secret" not in service.requests[-1]


def test_headers__that_say_who_pays__cannot_be_forged(gate: Gate, service: SocketService) -> None:
    token = open_session(gate, 20)
    forged = {"NVM-Holder": "0x1", "NVM_Plan": "7", "Sec_WebSocket_Protocol": f"nvm.bearer.{token}"}
    with dial(gate, "/data/echo", token, headers=forged) as line:
        echo(line, "tea?")
    seen = str(service.last.headers)
    assert service.last.headers["nvm-holder"] == gate.buyer.address
    assert token not in seen
    assert "'nvm_plan'" not in seen


# ---------------------------------------------------------------------- sizes


def test_message__of_a_megabyte__is_handed_on_and_a_byte_more_ends_the_connection(
    gate: Gate, service: SocketService
) -> None:
    token, body = open_session(gate, 100), os.urandom(MAX_BYTES)
    for compression in ("deflate", None):
        with dial(gate, "/data/echo", token, compression=compression) as line:
            assert echo(line, body) == body
            assert echo(line, [body[:500_000], b"", body[500_000:]]) == body
            line.send(body + b"!")
            assert read_end(line)[0] == 1_009
        assert service.last.wait_for_end()[0] == 1_001


def test_message__of_the_service_that_is_too_large__ends_the_connection(gate: Gate) -> None:
    with dial(gate, "/data/echo", open_session(gate, 20)) as line:
        line.send("large")
        code, reason = read_end(line)
    assert (code, "cannot be handed on" in reason) == (1_011, True)


def test_message__in_pieces_without_end__ends_the_connection(gate: Gate, service: SocketService) -> None:
    token = open_session(gate, 20)
    with upgraded(gate, token) as line:
        line.sendall(frame(1, b"a", is_last=False))
        found = b""
        try:
            for _ in range(MOST_PIECES // 100 + 2):
                line.sendall(frame(0, is_last=False) * 100)
            while piece := line.recv(4_096):
                found += piece
        except ConnectionError:
            found += struct.pack("!H", 1_009)  # it was ended before all was sent
    assert struct.pack("!H", 1_009) in found
    assert service.last.wait_for_end()[0] == 1_001
    assert service.last.messages == []


# ---------------------------------------------------------------------- memory


def test_compressed_messages__that_nobody_reads__do_not_fill_the_memory(gate: Gate, service: SocketService) -> None:
    token, number, packed = open_session(gate, 10_000), 200, pack(bytes(MEGABYTE))
    service.may_read.clear()
    with upgraded(gate, token, "/data/deaf", "Sec-WebSocket-Extensions: permessage-deflate") as line:
        before = read_memory()
        line.sendall(packed * number)
        peak = 0
        for _ in range(100):
            peak = max(peak, read_memory() - before)
            threading.Event().wait(0.02)
        assert peak < number * MEGABYTE // 4
        service.may_read.set()
        service.last.wait_for(number)
    wait_for_number(gate, token, "charged", number * COST)


def test_service__that_floods_a_buyer_that_does_not_read__is_slowed(gate: Gate, service: SocketService) -> None:
    token = open_session(gate, 20)
    with upgraded(gate, token, "/data/floods"):
        seen, before = service.last, -1
        while before != (before := len(seen.messages)):
            threading.Event().wait(1)
        assert before < 1_000
    assert seen.ended.wait(WAIT_SECONDS)


def test_pings__of_a_buyer_that_does_not_read__are_not_answered_without_end(gate: Gate) -> None:
    flood = frame(9, bytes(125)) * 500
    with upgraded(gate, open_session(gate, 20)) as line:
        line.settimeout(3)
        with pytest.raises(TimeoutError):
            send_all(line, flood, 32 * MEGABYTE // len(flood))
    assert requests.get(f"{gate.url}/health/live", timeout=WAIT_SECONDS).status_code == 200


# ---------------------------------------------------------------------- what is malformed


@pytest.mark.parametrize(
    "data",
    [
        frame(3, b"unknown opcode"),
        frame(0, b"without a beginning"),
        b"\xc1\x80" + bytes(4),
        b"\x81\x05hello",
        b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff" + bytes(4),
        frame(1, b"\xff\xfe"),
        frame(8, b"\x03"),
        frame(8, struct.pack("!H", 1_005)),
        frame(9, bytes(100), is_last=False),
        os.urandom(500),
    ],
    ids=["opcode", "continuation", "bits", "no mask", "length", "utf-8", "close", "close code", "ping", "noise"],
)
def test_frames__that_are_malformed__end_the_connection_and_nothing_else(
    gate: Gate, service: SocketService, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    token = open_session(gate, 20)
    with upgraded(gate, token) as line:
        line.sendall(data + frame(8, struct.pack("!H", 1_000)))
        while line.recv(4_096):
            pass
    assert service.last.wait_for_end()[0] is not None
    assert requests.get(f"{gate.url}/health/live", timeout=WAIT_SECONDS).status_code == 200
    assert [record for record in caplog.records if record.levelno >= logging.ERROR and record.name == "asyncio"] == []


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 5",),
        ("Transfer-Encoding: chunked",),
        ("Sec-WebSocket-Protocol: a b",),
        ("Sec-WebSocket-Protocol: ,,",),
        ("Sec-WebSocket-Key: again",),
        ("Sec-WebSocket-Version: 7",),
        ("Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99",),
        ("X-Many: 1",) * 300,
        ("X-Long: " + "a" * 60_000,),
        ("X-Bytes: \xff\xfe",),
    ],
    ids=["length", "chunks", "name", "commas", "key", "version", "extension", "many", "long", "bytes"],
)
def test_upgrade__that_is_malformed__is_refused_or_opened_and_breaks_nothing(
    gate: Gate, lines: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    token = open_session(gate, 20)
    with dialled(gate) as line:
        line.sendall(build_head(gate, "/data/echo", f"Authorization: Bearer {token}", *lines))
        head = read_head(line)
    assert not head.startswith(b"HTTP/1.1 500")
    assert requests.get(f"{gate.url}/health/live", timeout=WAIT_SECONDS).status_code == 200
    assert [record for record in caplog.records if record.levelno >= logging.ERROR and record.name == "asyncio"] == []
    wait_for_number(gate, token, "held", 0)


def test_connection__that_was_upgraded__is_not_ended_as_a_slow_head(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.2)
    with dial(gate, "/data/echo", open_session(gate, 20)) as line:
        threading.Event().wait(0.6)
        assert echo(line, "tea?") == "tea?"


def test_buyer__that_leaves_while_the_service_connects__pays_at_most_one_unit(gate: Gate) -> None:
    token = open_session(gate, 100)
    for _ in range(5):
        with dialled(gate) as line:
            line.sendall(build_head(gate, "/data/echo", f"Authorization: Bearer {token}"))
    wait_for_number(gate, token, "held", 0)
    with dial(gate, "/data/echo", headers=build_socket_headers(token)) as line:
        assert echo(line, "tea?") == "tea?"
    wait_for_number(gate, token, "held", 0)
    assert int(gate.account(build_socket_headers(token))["charged"]) <= 6 * COST
