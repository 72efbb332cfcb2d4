"""Refusals of requests whose bodies nobody needs: a short body is read before the answer, a long or slow one is not waited for."""

import socket
import time

from tests.gateway.shop import Gate

BODY = b"tea?"
SLOW_SECONDS = 5


def begin(gate: Gate, length: int) -> socket.socket:
    """Send the head of a request without a payment, and announce a body."""
    host, port = gate.url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=30)
    head = f"POST /services/{gate.shop.did}/ask HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n"
    connection.sendall(head.encode())
    return connection


def read_status(connection: socket.socket) -> int:
    """Return the status of the answer."""
    with connection.makefile("rb") as answer:
        return int(answer.readline().split()[1])


def test_402__to_a_short_body__comes_after_the_body(gate: Gate) -> None:
    """So a server before the gateway has sent the body on when the answer comes."""
    with begin(gate, len(BODY)) as connection:
        connection.settimeout(0.3)
        try:
            early: bytes | None = connection.recv(1)
        except TimeoutError:
            early = None
        assert early is None
        connection.settimeout(30)
        connection.sendall(BODY)
        assert read_status(connection) == 402


def test_402__to_a_short_body_that_does_not_come__is_not_kept_back(gate: Gate) -> None:
    begun = time.monotonic()
    with begin(gate, len(BODY)) as connection:
        assert read_status(connection) == 402
    assert time.monotonic() - begun < SLOW_SECONDS


def test_402__to_a_long_body__comes_before_the_body(gate: Gate) -> None:
    with begin(gate, 10_000_000) as connection:
        assert read_status(connection) == 402
