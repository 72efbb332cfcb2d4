"""The sides of the gateway's bench, each as a process of its own: ``python -m tests.bench.gateway_sides NAME …`` prints its port.

- ``upstream``: a service that answers 200 bytes.
- ``bare URL``: a proxy of thirty lines on the same server and the same client, which checks nothing.
- ``naive URL BOOKS``: what people write by hand.
- ``official NODE TOKEN PAYEE``: the official middleware of x402, see `official_side.py`.
- ``gateway URL BOOKS``: the gateway on books in SQLite or PostgreSQL. Its accounts have plenty of credits.
"""

import asyncio
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any, Final

import aiohttp
import uvicorn
from yarl import URL

from nvm_chain.enums import PlanKind
from nvm_chain.gateway.app import GatewayApp
from nvm_chain.gateway.catalogue import SoldPlan, SoldService
from nvm_chain.gateway.serving import Server
from nvm_chain.gateway.settings import ServiceSettings
from nvm_chain.gateway.upstream import Upstreams
from nvm_chain.metadata.documents import AgentMetadata
from nvm_chain.meter.bindings import Level
from nvm_chain.meter.engine import Meter
from nvm_chain.meter.settings import MeterSettings
from nvm_chain.meter.store.opening import open_store
from nvm_chain.meter.store.writer import Writer
from tests.bench.gateway_naive import build_naive
from tests.bench.meter import CHAIN_ID, CREDITS, PLAN, REDEEMER, SERVICE, Given

ANSWER: Final = b"x" * 200
EXPOSURE: Final = 10**12


async def live(receive: Any, send: Any) -> None:
    """Begin and end with the server."""
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def upstream(scope: Any, receive: Any, send: Any) -> None:
    """Answer 200 bytes."""
    if scope["type"] == "lifespan":
        await live(receive, send)
        return
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"200")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": ANSWER})


class Bare:
    """A proxy that hands on requests and answers, and nothing else."""

    def __init__(self, to: str) -> None:
        self._to = to
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Hand on a request."""
        if scope["type"] == "lifespan":
            self._session = aiohttp.ClientSession(auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar())
            await live(receive, send)
            await self._session.close()
            return
        assert self._session is not None
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        skipped = (b"host", b"content-length", b"connection", b"authorization", b"payment-signature")
        headers = [(name.decode(), value.decode()) for name, value in scope["headers"] if name not in skipped]
        url = URL(self._to + scope["raw_path"].decode(), encoded=True)
        async with self._session.request(scope["method"], url, data=body, headers=headers) as answer:
            head = [(name.lower(), value) for name, value in answer.raw_headers if name.lower() != b"transfer-encoding"]
            await send({"type": "http.response.start", "status": answer.status, "headers": head})
            async for piece in answer.content.iter_any():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def build_gateway(to: str, books: str) -> GatewayApp:
    """Return a gateway whose accounts have plenty of credits, without a chain."""
    own = ServiceSettings(SERVICE, to, level=Level.NONE, exposure=EXPOSURE)
    plan = SoldPlan(PLAN, PlanKind.CREDITS, 1, 1, by_vouchers=True)
    service = SoldService(own, AgentMetadata("Bench"), {PLAN: plan})
    terms = {SERVICE: service.build_terms()}
    settings = MeterSettings(CHAIN_ID, CREDITS, REDEEMER, terms, max_view_age_seconds=86_400)  # a long run

    @asynccontextmanager
    async def open_server() -> AsyncIterator[Server]:
        store = await asyncio.to_thread(open_store, books, chain_id=CHAIN_ID, credits=CREDITS)
        store.note_head(10, bytes(32), int(time.time()), int(time.time()) + 3_600)
        writer = Writer(store)
        meter, upstreams = Meter(writer, settings, Given(writer)), Upstreams()
        yield Server(meter, {SERVICE: service}, upstreams, base="http://127.0.0.1")
        await upstreams.close()
        await meter.close()

    return GatewayApp(open_server)


def main() -> None:
    """Run one side until it is ended."""
    name, *rest = sys.argv[1:]
    sides: dict[str, Callable[[], Any]] = {
        "upstream": lambda: upstream,
        "bare": lambda: Bare(*rest),
        "naive": lambda: build_naive(*rest),
        "official": lambda: import_module("tests.bench.official_side").build_official(*rest),
        "gateway": lambda: build_gateway(*rest),
    }
    app = sides[name]()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        print(listener.getsockname()[1], flush=True)
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False, timeout_keep_alive=75))
        server.run([listener])


if __name__ == "__main__":
    main()
