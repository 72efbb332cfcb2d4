"""Answers that take longer than a request may: they go on while something of them comes and is taken, and what they cost stays held."""

import asyncio
import http.client
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from nvm_chain.errors import IndexUnavailable
from nvm_chain.meter.store.store import Store
from tests.gateway.serving import Upstream
from tests.gateway.shop import Gate, Shop
from tests.support.anvil import wait_until

SECONDS = 60
BRIEF = 3
"""The time of a request, and the spare time of its hold besides."""
PIECE = b"data: 1\n\n"


@dataclass
class Stream:
    """An upstream's path that sends pieces until a test ends it, or that stands still."""

    pause: float = 0.05
    may_end: threading.Event = field(default_factory=threading.Event)
    stands_still: threading.Event = field(default_factory=threading.Event)
    was_left: threading.Event = field(default_factory=threading.Event)
    reads_itself = True

    async def __call__(self, upstream: Upstream, scope: Any, receive: Any, send: Any) -> None:
        """Send a piece, and another one after a pause."""
        leaving = asyncio.ensure_future(self._wait_for_end(receive))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while not self.may_end.is_set() and not self.was_left.is_set():
            if not self.stands_still.is_set():
                await send({"type": "http.response.body", "body": PIECE, "more_body": True})
            await asyncio.sleep(self.pause)
        leaving.cancel()
        await send({"type": "http.response.body", "body": b"the end"})

    async def _wait_for_end(self, receive: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            await asyncio.sleep(0)
        self.was_left.set()


@pytest.fixture
def stream(upstream: Upstream) -> Iterator[Stream]:
    """What the service does in one test, at the target ``/data/long`` and at the open one."""
    stream = upstream.answers["/data/long"] = upstream.answers["/about"] = Stream()
    yield stream
    stream.may_end.set()


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let holds end soon after the time of their request, and let them be swept then."""
    monkeypatch.setattr("nvm_chain.meter.engine.SPARE_SECONDS", BRIEF)
    monkeypatch.setattr("nvm_chain.meter.opening.SWEEP_SECONDS", 0.2)


@pytest.mark.usefixtures("brief")
def test_stream__that_goes_on__is_not_cut_and_its_credits_stay_held(
    shop: Shop, stream: Stream, upstream_url: str, tmp_path: Path
) -> None:
    with shop.open(tmp_path, upstream_url, request_seconds=BRIEF) as gate, ThreadPoolExecutor() as pool:
        asked = pool.submit(gate.paid, "GET", "/data/long")
        gate.wait_for("held", "2")
        begun = time.monotonic()
        while time.monotonic() < begun + 3 * BRIEF:  # the first hold would have been swept
            assert gate.account()["held"] == "2"
            assert not asked.done()
        stream.may_end.set()
        answer = asked.result(SECONDS)
        assert (answer.status_code, answer.content.endswith(b"the end")) == (200, True)
        gate.wait_for("charged", "2")
        assert gate.wait_for("held", "0")["charged"] == "2"


@pytest.mark.usefixtures("brief")
def test_stream__of_a_session__goes_on_until_the_session_is_revoked(
    shop: Shop, stream: Stream, upstream_url: str, tmp_path: Path
) -> None:
    with shop.open(tmp_path, upstream_url, request_seconds=BRIEF) as gate, ThreadPoolExecutor() as pool:
        buyer = shop.buyers[2]
        headers = {"Authorization": f"Bearer {gate.sign_in(buyer, shop.open_plan, 'http://127.0.0.1')}"}
        other = {"Authorization": f"Bearer {gate.sign_in(buyer, shop.open_plan, 'http://127.0.0.1')}"}
        before = int(gate.account(other)["charged"])
        asked = pool.submit(gate.ask, "GET", "/data/long", headers)
        assert wait_until(lambda: gate.account(other)["held"] == "2", SECONDS)
        begun = time.monotonic()
        while time.monotonic() < begun + 3 * BRIEF:
            assert not asked.done()
        assert requests.delete(f"{gate.url}/sessions", headers=headers, timeout=SECONDS).status_code == 200
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            asked.result(SECONDS)
        assert wait_until(lambda: int(gate.account(other)["charged"]) == before + 2, SECONDS)
        assert gate.account(other)["held"] == "0"


def test_stream__of_an_open_endpoint__goes_on(shop: Shop, stream: Stream, upstream_url: str, tmp_path: Path) -> None:
    with shop.open(tmp_path, upstream_url, request_seconds=1) as gate, ThreadPoolExecutor() as pool:
        asked = pool.submit(gate.ask, "GET", "/about")
        begun = time.monotonic()
        while time.monotonic() < begun + 3:
            assert not asked.done()
        stream.may_end.set()
        assert asked.result(SECONDS).content.endswith(b"the end")


def test_stream__that_stands_still__is_cut_after_the_time_of_a_request_and_charged(
    shop: Shop, stream: Stream, upstream_url: str, tmp_path: Path
) -> None:
    with shop.open(tmp_path, upstream_url, request_seconds=1) as gate:
        stream.stands_still.set()
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            gate.paid("GET", "/data/long")
        assert stream.was_left.wait(SECONDS)
        gate.wait_for("charged", "2")


def test_stream__without_an_end__is_cut_after_the_longest_time_and_charged(
    shop: Shop, stream: Stream, upstream_url: str, tmp_path: Path
) -> None:
    with shop.open(tmp_path, upstream_url, request_seconds=1, max_answer_seconds=3) as gate:
        begun = time.monotonic()
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            gate.paid("GET", "/data/long")
        assert time.monotonic() - begun > 2
        assert stream.was_left.wait(SECONDS)
        gate.wait_for("charged", "2")


@pytest.mark.usefixtures("brief")
def test_stream__while_the_books_are_away__ends_with_its_hold_and_is_not_served_without_one(
    shop: Shop, stream: Stream, upstream_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S1: what is served is held. The charge is stored when the books are back, if the hold has not ended by then."""

    def fail(*_: Any) -> Any:
        raise IndexUnavailable("the books", "they are away")

    with shop.open(tmp_path, upstream_url, request_seconds=BRIEF) as gate, ThreadPoolExecutor() as pool:
        asked = pool.submit(gate.paid, "GET", "/data/long")
        gate.wait_for("held", "2")
        with monkeypatch.context() as patched:
            patched.setattr(Store, "run", fail)
            with pytest.raises(requests.exceptions.ChunkedEncodingError):
                asked.result(SECONDS)
        assert stream.was_left.wait(SECONDS)
        gate.wait_for("held", "0")


@pytest.mark.usefixtures("brief")
def test_download__of_a_buyer_that_reads_slowly__is_whole_and_is_charged_once(
    shop: Shop, upstream: Upstream, upstream_url: str, tmp_path: Path
) -> None:
    body = bytes(range(256)) * 160_000  # 40 MB, so much that no buffer takes it

    async def send_all(_: Upstream, __: Any, ___: Any, send: Any) -> None:
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        for start in range(0, len(body), 65_536):
            await send({"type": "http.response.body", "body": body[start : start + 65_536], "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    upstream.answers["/data/large"] = send_all
    with shop.open(tmp_path, upstream_url, request_seconds=BRIEF) as gate:
        begun = time.monotonic()
        assert read_slowly(gate, "/data/large", pieces=20, pause=BRIEF / 6) == body
        assert time.monotonic() - begun > 2 * BRIEF
        assert gate.wait_for("held", "0")["charged"] == "2"


def read_slowly(gate: Gate, target: str, *, pieces: int, pause: float) -> bytes:
    """Read an answer in some pieces, with a pause between them."""
    place = urlsplit(gate.service_url)
    line = http.client.HTTPConnection(place.netloc, timeout=SECONDS)
    line.request("GET", place.path + target, headers=gate.pay("GET", target))
    answer = line.getresponse()
    size = int(answer.headers["Content-Length"]) // pieces
    found = bytearray()
    while piece := answer.read(size):
        found += piece
        threading.Event().wait(pause)
    line.close()
    return bytes(found)
