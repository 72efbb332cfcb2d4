"""A web server on loopback whose answers a test scripts, path by path, honest or not."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any, ClassVar

import requests
from requests.adapters import HTTPAdapter


class Request(BaseHTTPRequestHandler):
    """A request, and the ways to answer it."""

    server: "Server"
    rbufsize = 0

    def do_GET(self) -> None:
        """Give the request to the route of its path, or answer 404."""
        self.server.seen.append((self.path, dict(self.headers)))
        route = self.server.routes.get(self.path.partition("?")[0])
        self.close_connection = True
        try:
            if route is None:
                self.reply(b"", status=404)
            else:
                route(self)
        except (BrokenPipeError, ConnectionResetError):  # the client has heard enough
            self.server.gone.set()

    do_POST = do_GET

    def reply(self, body: bytes, *, status: int = 200, headers: dict[str, str] | None = None) -> None:
        """Answer; a Content-Length of the caller counts, and an empty one leaves it out."""
        sent = {"Content-Length": str(len(body)), **(headers or {})}
        self.send_response(status)
        for name, value in sent.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def redirect(self, location: str, status: int = 302) -> None:
        """Lead elsewhere."""
        self.reply(b"", status=status, headers={"Location": location})

    def pour(self, block: bytes) -> None:
        """Write without an end, until the client goes away."""
        while not self.server.ending.is_set():
            self.wfile.write(block)

    def stall(self) -> None:
        """Say nothing more until the test ends."""
        self.server.ending.wait(30)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name is the base class's
        """Keep quiet."""


Route = Callable[[Request], None]


class Server(ThreadingHTTPServer):
    """The server: its routes, what was asked for, and whether a client left early."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.routes: dict[str, Route] = {}
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.ending = Event()
        self.gone = Event()

    @property
    def url(self) -> str:
        """Where the server is."""
        return f"http://127.0.0.1:{self.server_port}"

    def route(self, path: str, *arguments: Any, **options: Any) -> str:
        """Have a path answer with a body (and status, headers), or as a function says; return its URL."""
        (first,) = arguments
        self.routes[path] = first if callable(first) else lambda request: request.reply(first, **options)
        return self.url + path


@contextmanager
def run_server() -> Iterator[Server]:
    """Run a server in a thread until the block ends, and wait for all of its threads."""
    with Server() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.ending.set()
            server.shutdown()
            thread.join()


class PlainAdapter(HTTPAdapter):
    """Stands for https: asks by http, and keeps whether certificates were to be checked."""

    checked: ClassVar[list[Any]] = []

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        """Send by http what was to be sent by https."""
        if str(request.url).startswith("https:"):
            self.checked.append(options.get("verify"))
            request.url = "http" + str(request.url)[5:]
        return super().send(request, *arguments, **options)
