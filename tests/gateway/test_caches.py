"""A cache between buyers and a gateway: what was paid for by one is not given to another (G8)."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from tests.gateway.serving import Upstream, reply
from tests.gateway.shop import Gate

STORABLE = frozenset((200, 203, 204, 300, 301, 404, 405, 410, 414, 501))
"""Statuses that a shared cache may keep without being told so."""


class Cache(ThreadingHTTPServer):
    """A shared cache in front of a server: it keeps each answer to a GET that RFC 9111 lets it keep, for ever."""

    daemon_threads = True

    def __init__(self, behind: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behind = behind
        self.kept: dict[tuple[str, ...], requests.Response] = {}
        self.hits = 0


class Handler(BaseHTTPRequestHandler):
    """Answers from the cache, or from the server behind it."""

    server: Cache

    def do_GET(self) -> None:
        """Answer a request. To a request with an Authorization, only an answer that says so is kept."""
        kept = self.server.kept.get(("GET", self.path))
        if kept is not None:
            self.server.hits += 1
            self._answer(kept)
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        answer = requests.get(self.server.behind + self.path, headers=headers, allow_redirects=False, timeout=60)
        if may_keep(answer, has_authorization="Authorization" in self.headers):
            self.server.kept["GET", self.path] = answer
        self._answer(answer)

    def _answer(self, answer: requests.Response) -> None:
        self.send_response(answer.status_code)
        for name, value in answer.headers.items():
            if name.lower() not in ("connection", "transfer-encoding", "content-length", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def log_request(self, *arguments: Any) -> None:
        """Say nothing."""


def may_keep(answer: requests.Response, *, has_authorization: bool) -> bool:
    """Return whether a shared cache may keep an answer. ``Vary: *`` matches no other request."""
    told = set(re.split(r"[\s,]+", answer.headers.get("Cache-Control", "").lower()))
    if {"no-store", "private"} & told or answer.headers.get("Vary") == "*":
        return False
    if has_authorization and not {"public", "must-revalidate"} & told:
        return False
    return answer.status_code in STORABLE or "public" in told


@contextmanager
def cached(behind: str) -> Iterator[tuple[Cache, str]]:
    """Run a cache in front of a server."""
    with Cache(behind) as cache:
        thread = threading.Thread(target=cache.serve_forever, daemon=True)
        thread.start()
        try:
            yield cache, f"http://127.0.0.1:{cache.server_address[1]}"
        finally:
            cache.shutdown()
            thread.join(60)


async def answer_publicly(own: Upstream, scope: Any, receive: Any, send: Any) -> None:
    """Answer with what every cache would keep."""
    headers = ((b"cache-control", b"public, max-age=3600"), (b"expires", b"Thu, 01 Jan 2099 00:00:00 GMT"))
    await reply(send, b"paid content", 200, headers)


@pytest.mark.parametrize("by", ["payment", "token"])
def test_answer__through_a_cache__is_given_to_the_one_who_paid_only(gate: Gate, upstream: Upstream, by: str) -> None:
    upstream.answers["/data/public"] = answer_publicly
    with cached(gate.url) as (cache, url):
        target = f"{url}/services/{gate.shop.did}/data/public"
        if by == "payment":
            headers = gate.pay("GET", "/data/public")
        else:
            token = gate.sign_in(gate.shop.buyers[1], gate.shop.open_plan, "http://127.0.0.1")
            headers = {"Authorization": f"Bearer {token}"}
        assert requests.get(target, headers=headers, timeout=60).content == b"paid content"
        others = requests.get(target, timeout=60)
        assert (others.status_code, others.json()["nvm"]["type"]) == (402, "PaymentMissing")
        assert requests.get(target, headers=gate.pay("GET", "/data/public"), timeout=60).status_code == 200
        assert (cache.hits, cache.kept) == (0, {})


def test_answers__of_the_gateway_itself__are_kept_by_no_cache(gate: Gate) -> None:
    with cached(gate.url) as (cache, url):
        for path in ("/services", "/account", "/sign-in", "/metrics", "/health/ready", "/receipts/00", "/nothing"):
            requests.get(url + path, timeout=60)
        requests.get(f"{url}/services/{gate.shop.did}/nothing", timeout=60)
        requests.get(f"{url}/services/did:nv:00/x", timeout=60)
        assert cache.kept == {}


def test_cache__of_these_tests__keeps_what_may_be_kept(upstream: Upstream, upstream_url: str) -> None:
    upstream.answers["/data/public"] = answer_publicly
    with cached(upstream_url) as (cache, url):
        for _ in range(3):
            assert requests.get(f"{url}/data/public", timeout=60).content == b"paid content"
        assert (cache.hits, len(cache.kept)) == (2, 1)
