"""ASGI applications on real servers, in threads of this process, on loopback."""

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn

START_SECONDS = 60


@contextmanager
def served(app: Any, port: int = 0, **settings: Any) -> Iterator[str]:
    """Run an application on uvicorn, on a free port if none is given, and yield its URL."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))
        config = uvicorn.Config(app, log_level="critical", lifespan="on", **settings)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        ready = threading.Event()
        for _ in range(START_SECONDS * 100):
            if server.started or not thread.is_alive():
                break
            ready.wait(0.01)
        assert server.started, "the server did not start"
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(START_SECONDS)


@dataclass
class Seen:
    """A request as an upstream saw it."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return a header, or None."""
        return dict(self.headers).get(name)


@dataclass
class Upstream:
    """A seller's service. What it does is up to ``answers``, by path. Every other path echoes the body."""

    seen: list[Seen] = field(default_factory=list)
    answers: dict[str, Callable[..., Any]] = field(default_factory=dict)
    gone: threading.Event = field(default_factory=threading.Event)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request."""
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        action = self.answers.get(scope["path"])
        if action is not None and getattr(action, "reads_itself", False):
            await action(self, scope, receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.gone.set()
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        self.note(scope, body)
        await (action or echo)(self, scope, receive, send)

    def note(self, scope: Any, body: bytes) -> None:
        """Note a request."""
        query = scope["query_string"].decode()
        target = scope["raw_path"].decode() + (f"?{query}" if query else "")
        headers = [(name.decode(), value.decode()) for name, value in scope["headers"]]
        self.seen.append(Seen(scope["method"], target, headers, body))


async def reply(
    send: Any, body: bytes = b"ok", status: int = 200, headers: tuple[tuple[bytes, bytes], ...] = ()
) -> None:
    """Send a whole answer."""
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [length, *headers]})
    await send({"type": "http.response.body", "body": body})


async def echo(upstream: Upstream, scope: Any, receive: Any, send: Any) -> None:
    """Answer with what was seen."""
    seen = upstream.seen[-1]
    told = json.dumps({"method": seen.method, "target": seen.target, "body": seen.body.decode("latin-1")[:1_000]})
    await reply(send, told.encode(), headers=((b"content-type", b"application/json"),))


async def until_gone(receive: Any, event: threading.Event) -> None:
    """Wait until the client of a request has gone, and set an event."""
    while (await receive())["type"] != "http.disconnect":
        await asyncio.sleep(0)
    event.set()
