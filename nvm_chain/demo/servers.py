"""Servers of the demo on loopback, each in a thread: the seller's service, and what else is an ASGI application."""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

import uvicorn

from nvm_chain.demo.results import DemoFailed
from nvm_chain.errors import NvmChainError
from nvm_chain.gateway.connections import BoundedProtocol

HOST: Final = "127.0.0.1"
PATH: Final = "/tea"
ANSWER: Final = b"Green tea, 80 degrees, two minutes."
STOP_SECONDS: Final = 5
"""How long requests that run may take to end, after a server was told to stop."""


class TeaService:
    """The seller's service. It does not know what a credit is. ``requests`` counts what reaches it."""

    def __init__(self) -> None:
        """Begin at zero."""
        self.requests = 0

    async def __call__(self, scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        """Answer a request, and let the server begin and end."""
        if scope["type"] != "http":
            return
        self.requests += 1
        headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(ANSWER)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": ANSWER})


@contextmanager
def listening() -> Iterator[socket.socket]:
    """Open a free port for the block of a ``with``. Servers that follow each other can have it."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen()
        yield listener


def find_address(listener: socket.socket) -> str:
    """Return the URL of a server on a port."""
    return f"http://{HOST}:{listener.getsockname()[1]}"


class _Server(uvicorn.Server):
    """A server that says when it has started, or could not."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_known = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        finally:
            self.is_known.set()


@contextmanager
def serving(
    app: Callable[..., Any], listener: socket.socket, find_failure: Callable[[], NvmChainError | None] = lambda: None
) -> Iterator[None]:
    """Serve an application for the block of a ``with``. Then requests that run are finished, and the thread has ended.

    Args:
        app: The ASGI application.
        listener: The port.
        find_failure: A function that returns why the application could not start.

    Raises:
        NvmChainError: The application could not start.
    """
    server = _Server(
        uvicorn.Config(
            app,
            http=BoundedProtocol,
            log_config=None,
            log_level="critical",
            access_log=False,
            proxy_headers=False,
            timeout_graceful_shutdown=STOP_SECONDS,
        )
    )
    thread = threading.Thread(target=_run, args=(server, listener.dup()), name="nvm-chain demo", daemon=True)
    thread.start()
    try:
        server.is_known.wait()
        if not server.started:
            raise find_failure() or DemoFailed("A server of the demo did not start")
        yield
    finally:
        server.should_exit = True
        thread.join()


def _run(server: _Server, port: socket.socket) -> None:
    """Serve until the server is told to stop. Whatever happens, nobody waits for the start any more."""
    try:
        with suppress(SystemExit):  # uvicorn's way to end if the application could not start
            server.run([port])
    finally:
        port.close()
        server.is_known.set()
