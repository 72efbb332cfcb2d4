"""What strangers send to a gateway: malformed, doubled, huge and half requests. It answers, charges nothing, and goes on."""

import base64
import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest
import requests

from nvm_chain.gateway import connections
from tests.gateway.serving import Upstream
from tests.gateway.shop import SECRET, Gate

WAIT_SECONDS = 20


@contextmanager
def dialled(gate: Gate) -> Iterator[socket.socket]:
    """Open a plain connection to the gateway."""
    host, _, port = gate.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), WAIT_SECONDS) as line:
        yield line


def talk(gate: Gate, data: bytes) -> bytes:
    """Send bytes, and return what comes back until the gateway closes or says nothing more."""
    with dialled(gate) as line:
        line.sendall(data)
        line.shutdown(socket.SHUT_WR)
        found = b""
        while piece := line.recv(65_536):
            found += piece
        return found


def write(gate: Gate, *lines: str, body: str = "", method: str = "POST", target: str = "/ask") -> bytes:
    """Return the bytes of a request."""
    head = [f"{method} /services/{gate.shop.did}{target} HTTP/1.1", "Host: gateway", *lines]
    return ("\r\n".join(head) + "\r\n\r\n" + body).encode("latin-1")


def payment(gate: Gate, body: bytes = b"tea?") -> str:
    """Return the header line of a good payment."""
    return f"PAYMENT-SIGNATURE: {gate.pay('POST', '/ask', body)['PAYMENT-SIGNATURE']}"


# ---------------------------------------------------------------------- headers


def test_payment__twice__is_refused_and_not_spent(gate: Gate, upstream: Upstream) -> None:
    before, line = len(upstream.seen), payment(gate)
    answer = talk(gate, write(gate, line, line, "Content-Length: 4", body="tea?"))
    assert answer.startswith(b"HTTP/1.1 400")
    assert len(upstream.seen) == before
    headers = dict([line.split(": ", 1)])
    assert gate.ask("POST", "/ask", headers, data=b"tea?").status_code == 200


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 4", "Transfer-Encoding: chunked"),
        ("Content-Length: 4", "Content-Length: 5"),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
        ("Content-Length: -1",),
        ("Content-Length: 4, 4",),
        ("Bad Header: 1", "Content-Length: 4"),
        ("Content-Length : 4",),
    ],
    ids=[
        "length and chunks",
        "two lengths",
        "two codings",
        "negative",
        "a list",
        "space in a name",
        "space before the colon",
    ],
)
def test_request__with_a_length_of_two_meanings__never_becomes_two_requests(
    gate: Gate, upstream: Upstream, lines: tuple[str, ...]
) -> None:
    before = len(upstream.seen)
    smuggled = f"GET /services/{gate.shop.did}/about HTTP/1.1\r\nHost: gateway\r\n\r\n"
    answer = talk(gate, write(gate, payment(gate), *lines, body="tea?" + smuggled))
    assert answer.count(b"HTTP/1.1 200") <= 1
    assert len(upstream.seen) - before <= 2
    assert all(
        seen.target in ("/ask", "/about") and "smuggled" not in str(seen.headers) for seen in upstream.seen[before:]
    )


def test_header__with_a_line_feed__is_not_handed_on(gate: Gate, upstream: Upstream) -> None:
    before = len(upstream.seen)
    talk(gate, write(gate, payment(gate), "X-Own: a\nX-Injected: b", "Content-Length: 4", body="tea?"))
    assert all(seen.header("x-injected") is None for seen in upstream.seen[before:])


def test_header__of_a_megabyte__is_refused_before_it_is_all_there(gate: Gate) -> None:
    with dialled(gate) as line:
        line.sendall(write(gate, "X-Large: " + "a" * 70_000)[:-4])
        assert line.recv(100).startswith(b"HTTP/1.1 431")
    assert requests.get(f"{gate.url}/health/live", timeout=WAIT_SECONDS).status_code == 200


def test_head__that_does_not_end__is_given_up(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.2)
    with dialled(gate) as line:
        line.sendall(b"GET /services HTTP/1.1\r\nHost: ")
        assert line.recv(100).startswith(b"HTTP/1.1 408")


def test_trailers__without_end__are_given_up(gate: Gate) -> None:
    with dialled(gate) as line, suppress(ConnectionError):
        line.sendall(write(gate, payment(gate), "Transfer-Encoding: chunked", body="4\r\ntea?\r\n0\r\n"))
        for number in range(4_000):
            line.sendall(f"X-{number}: {'a' * 60}\r\n".encode())
        assert b"HTTP/1.1 200" not in line.recv(100)


def test_body__in_chunks_of_one_byte__is_served(gate: Gate) -> None:
    body = bytes(range(48, 58)) * 10_000
    chunks = "".join(f"1\r\n{chr(byte)}\r\n" for byte in body)
    head = write(gate, payment(gate, body), "Transfer-Encoding: chunked", body=chunks + "0\r\n\r\n")
    with dialled(gate) as line:
        line.sendall(head)
        assert line.recv(100).startswith(b"HTTP/1.1 200")


def test_bytes__that_are_no_request__end_the_connection_and_nothing_else(gate: Gate) -> None:
    for data in (b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/9.9\r\n\r\n", b"\r\n" * 100, b"\0" * 1_000):
        assert SECRET.encode() not in talk(gate, data)
    assert requests.get(f"{gate.url}/health/live", timeout=WAIT_SECONDS).status_code == 200


# ---------------------------------------------------------------------- bodies


def test_body__shorter_than_its_length__is_not_served(gate: Gate, upstream: Upstream) -> None:
    before = len(upstream.seen)
    answer = talk(gate, write(gate, payment(gate), "Content-Length: 10", body="tea?"))
    assert not answer.startswith(b"HTTP/1.1 200")
    assert len(upstream.seen) == before


def test_buyer__that_leaves_while_its_long_body_arrives__pays_nothing(gate: Gate) -> None:
    body = bytes(200_000)
    with dialled(gate) as line:
        line.sendall(write(gate, payment(gate, body), f"Content-Length: {len(body)}"))
        line.sendall(body[:150_000])
    gate.wait_for("held", "0")
    assert gate.account()["charged"] == "0"


# ---------------------------------------------------------------------- floods


def test_voucher__presented_by_32_at_once__is_served_once(gate: Gate, upstream: Upstream) -> None:
    before, headers = len(upstream.seen), gate.pay("POST", "/ask", b"tea?")
    start = threading.Barrier(32)

    def present(_: int) -> int:
        start.wait(WAIT_SECONDS)
        return gate.ask("POST", "/ask", headers, data=b"tea?").status_code

    with ThreadPoolExecutor(32) as pool:
        statuses = sorted(pool.map(present, range(32)))
    assert statuses == [200, *[402] * 31]
    assert len(upstream.seen) == before + 1
    gate.wait_for("charged", "2")


@pytest.mark.parametrize("name", ["planId", "ceiling", "deadline", "holder", "redeemer", "context", "signature"])
def test_payment__with_one_field_changed__is_not_served(gate: Gate, upstream: Upstream, name: str) -> None:
    header = gate.pay("POST", "/ask", b"tea?")["PAYMENT-SIGNATURE"]
    value = json.loads(base64.b64decode(header))
    voucher = value["payload"]["voucher"]
    voucher[name] = {
        "planId": str(gate.shop.open_plan),
        "ceiling": "1000",
        "deadline": str(int(voucher["deadline"]) + 1),
        "holder": gate.shop.buyers[1].address,
        "redeemer": gate.shop.builder.address,
        "context": "0x" + "11" * 32,
        "signature": voucher["signature"][:-2] + ("1b" if voucher["signature"].endswith("1c") else "1c"),
    }[name]
    before = len(upstream.seen)
    changed = base64.b64encode(json.dumps(value).encode()).decode()
    answer = gate.ask("POST", "/ask", {"PAYMENT-SIGNATURE": changed}, data=b"tea?")
    assert answer.status_code == 402
    assert len(upstream.seen) == before


def test_voucher__for_another_chain_or_contract__is_not_served(gate: Gate, upstream: Upstream) -> None:
    chain = gate.shop.chain
    before = len(upstream.seen)
    for changes in ({"chain_id": 1}, {"contract": chain.agents.address}):
        headers = gate.pay("POST", "/ask", b"tea?", **changes)
        assert gate.ask("POST", "/ask", headers, data=b"tea?").json()["nvm"]["type"] == "VoucherSignatureInvalid"
    assert len(upstream.seen) == before


def test_credits__of_one_request__are_not_spent_by_two_at_once(gate: Gate, upstream: Upstream) -> None:
    """All vouchers allow the same total, so only as many requests are served as the total covers."""
    before = len(upstream.seen)
    paid = [gate.pay("POST", "/ask", b"tea?", ceiling=6) for _ in range(12)]
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda headers: gate.ask("POST", "/ask", headers, data=b"tea?").status_code, paid))
    assert sorted(answers) == [200] * 3 + [402] * 9
    assert len(upstream.seen) == before + 3
