"""Bodies in pieces, both ways: nothing is gathered, and whoever goes away in the middle is noticed."""

import asyncio
import gzip
import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from tests.gateway.serving import Upstream, reply, until_gone
from tests.gateway.shop import Gate

LONG = 3 * 64 * 1_024
WAIT_SECONDS = 20


class Held:
    """An upstream's path that withholds the end of its answer until a test lets it go."""

    reads_itself = True

    def __init__(self, first: bytes, last: bytes, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        self.first, self.last, self.headers = first, last, headers
        self.may_end = threading.Event()
        self.gone = threading.Event()

    async def __call__(self, upstream: Upstream, scope: Any, receive: Any, send: Any) -> None:
        """Send the first piece, and the last one when it may."""
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": list(self.headers)})
        await send({"type": "http.response.body", "body": self.first, "more_body": True})
        watching = asyncio.ensure_future(until_gone(receive, self.gone))
        while not self.may_end.is_set() and not self.gone.is_set():
            await asyncio.sleep(0.005)
        watching.cancel()
        await send({"type": "http.response.body", "body": self.last})


@contextmanager
def connected(gate: Gate) -> Iterator[http.client.HTTPConnection]:
    """Connect to the gateway."""
    connection = http.client.HTTPConnection(gate.url.removeprefix("http://"), timeout=WAIT_SECONDS)
    try:
        yield connection
    finally:
        connection.close()


def path(gate: Gate, target: str) -> str:
    """Return the path of a target of the service."""
    return f"/services/{gate.shop.did}{target}"


# ---------------------------------------------------------------------- answers


def test_answer__of_which_the_last_byte_is_withheld__arrives_up_to_there(gate: Gate, upstream: Upstream) -> None:
    held = upstream.answers["/data/events"] = Held(
        b"data: 1\n\n", b"data: 2\n\n", ((b"content-type", b"text/event-stream"),)
    )
    headers = gate.pay("GET", "/data/events")
    with requests.get(gate.service_url + "/data/events", headers=headers, stream=True, timeout=WAIT_SECONDS) as answer:
        assert answer.raw.read1(100) == b"data: 1\n\n"
        assert not held.may_end.is_set()
        held.may_end.set()
        assert answer.raw.read() == b"data: 2\n\n"
    gate.wait_for("charged", str(gate.ceiling))


def test_answer__compressed_and_with_repeated_headers__comes_as_it_was(gate: Gate, upstream: Upstream) -> None:
    packed = gzip.compress(b"tea" * 1_000)

    async def pack(own: Upstream, scope: Any, receive: Any, send: Any) -> None:
        more = ((b"content-encoding", b"gzip"), (b"x-many", b"1"), (b"x-many", b"2"), (b"payment-response", b"forged"))
        await reply(send, packed, headers=more)

    upstream.answers["/data/gzip"] = pack
    headers = gate.pay("GET", "/data/gzip")
    with connected(gate) as connection:
        connection.request("GET", path(gate, "/data/gzip"), headers=headers)
        answer = connection.getresponse()
        assert answer.read() == packed
    assert answer.headers.get_all("x-many") == ["1", "2"]
    assert len(answer.headers.get_all("payment-response") or []) == 1
    assert "forged" not in str(answer.headers)


def test_head__of_a_long_answer__has_its_length_and_no_body(gate: Gate, upstream: Upstream) -> None:
    async def head(own: Upstream, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"123456")]})
        await send({"type": "http.response.body", "body": b""})

    upstream.answers["/data/large"] = head
    answer = gate.paid("HEAD", "/data/large")
    assert (answer.status_code, answer.headers["Content-Length"], answer.content) == (200, "123456", b"")


def test_range__of_an_answer__is_handed_on(gate: Gate, upstream: Upstream) -> None:
    async def part(own: Upstream, scope: Any, receive: Any, send: Any) -> None:
        await reply(send, b"ea", 206, ((b"content-range", b"bytes 1-2/3"),))

    upstream.answers["/data/part"] = part
    answer = gate.ask("GET", "/data/part", gate.pay("GET", "/data/part") | {"Range": "bytes=1-2"})
    assert (answer.status_code, answer.content, answer.headers["Content-Range"]) == (206, b"ea", "bytes 1-2/3")
    assert upstream.seen[-1].header("range") == "bytes=1-2"


def test_upstream__that_dies_in_the_middle__is_seen_as_cut_and_not_charged(gate: Gate, upstream: Upstream) -> None:
    class Dies:
        reads_itself = True

        async def __call__(self, own: Upstream, scope: Any, receive: Any, send: Any) -> None:
            await receive()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"half", "more_body": True})
            raise ConnectionAbortedError

    upstream.answers["/data/dies"] = Dies()
    charged = gate.account()["charged"]
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        gate.paid("GET", "/data/dies")
    assert gate.wait_for("held", "0")["charged"] == charged
    gate.ceiling -= 2


# ---------------------------------------------------------------------- buyers that go away


def test_buyer__that_leaves_in_the_middle__is_charged_and_the_upstream_is_told(gate: Gate, upstream: Upstream) -> None:
    held = upstream.answers["/data/left"] = Held(b"first", b"last")
    charged = int(gate.account()["charged"])
    with connected(gate) as connection:
        connection.request("GET", path(gate, "/data/left"), headers=gate.pay("GET", "/data/left"))
        with connection.getresponse() as answer:
            assert answer.read1(5) == b"first"
    assert held.gone.wait(WAIT_SECONDS)
    assert not held.may_end.is_set()
    gate.wait_for("charged", str(charged + 2))


# ---------------------------------------------------------------------- bodies of requests


class Watched:
    """An upstream's path that says how much of a body it has got."""

    reads_itself = True

    def __init__(self) -> None:
        self.got = 0
        self.is_whole = False

    async def __call__(self, upstream: Upstream, scope: Any, receive: Any, send: Any) -> None:
        """Count the body, and answer with its size."""
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            self.got += len(message.get("body", b""))
            more = message.get("more_body", False)
        self.is_whole = True
        await reply(send, str(self.got).encode())

    def wait_for(self, size: int) -> bool:
        """Wait until so much has arrived."""
        deadline = time.monotonic() + WAIT_SECONDS
        while self.got < size and time.monotonic() < deadline:
            threading.Event().wait(0.005)
        return self.got >= size


@pytest.mark.parametrize("has_length", [True, False], ids=["with its length", "in chunks"])
def test_body__that_is_long__is_handed_on_before_its_end(gate: Gate, upstream: Upstream, has_length: bool) -> None:
    watched = upstream.answers["/ask"] = Watched()
    body = bytes(LONG) + b"end"
    may_end = threading.Event()

    def pieces() -> Iterator[bytes]:
        yield body[:-3]
        assert watched.wait_for(64 * 1_024)
        may_end.set()
        yield body[-3:]

    headers = gate.pay("POST", "/ask", body) | ({"Content-Length": str(len(body))} if has_length else {})
    with connected(gate) as connection:
        connection.request("POST", path(gate, "/ask"), body=pieces(), headers=headers, encode_chunked=not has_length)
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, str(len(body)).encode())
    assert may_end.is_set()
    del upstream.answers["/ask"]


def test_body__that_is_long_and_not_the_signed_one__never_reaches_the_upstream_whole(
    gate: Gate, upstream: Upstream
) -> None:
    watched = upstream.answers["/ask"] = Watched()
    charged = gate.account()["charged"]
    headers = gate.pay("POST", "/ask", bytes(LONG))
    answer = gate.ask("POST", "/ask", headers, data=b"x" * LONG)
    assert (answer.status_code, answer.json()["nvm"]["type"]) == (402, "BindingMismatch")
    assert not watched.is_whole
    assert gate.wait_for("held", "0")["charged"] == charged
    gate.ceiling -= 2
    del upstream.answers["/ask"]


def test_upstream__that_closes_before_it_answers__is_called_once(gate: Gate, upstream: Upstream) -> None:
    calls = []

    class Closes:
        reads_itself = True

        async def __call__(self, own: Upstream, scope: Any, receive: Any, send: Any) -> None:
            calls.append(scope["path"])
            raise ConnectionAbortedError

    upstream.answers["/data/closes"] = Closes()
    answer = gate.paid("GET", "/data/closes")
    assert len(calls) == 1
    assert answer.status_code in (500, 502)
    gate.ceiling -= 2
