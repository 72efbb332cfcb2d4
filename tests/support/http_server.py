"""A web server on loopback. Tests script its answers, path by path, honest or not."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any, ClassVar

import requests
from requests.adapters import HTTPAdapter


class Request(BaseHTTPRequestHandler):
    """A request, and methods to answer it."""

    server: "Server"
    rbufsize = 0

    def do_GET(self) -> None:
        """Pass the request to the route of its path, or answer 404."""
        self.server.seen.append((self.path, dict(self.headers)))
        route = self.server.routes.get(self.path.partition("?")[0])
        self.close_connection = True
        try:
            if route is None:
                self.reply(b"", status=404)
            else:
                route(self)
        except (BrokenPipeError, ConnectionResetError):  # the client closed the connection
            self.server.gone.set()

    do_POST = do_GET

    def reply(self, body: bytes, *, status: int = 200, headers: dict[str, str] | None = None) -> None:
        """Send an answer.

        The caller's Content-Length header replaces the true one, and an empty one removes the header.
        """
        sent = {"Content-Length": str(len(body)), **(headers or {})}
        self.send_response(status)
        for name, value in sent.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def redirect(self, location: str, status: int = 302) -> None:
        """Answer with a redirect."""
        self.reply(b"", status=status, headers={"Location": location})

    def pour(self, block: bytes) -> None:
        """Write without end until the client closes the connection."""
        while not self.server.ending.is_set():
            self.wfile.write(block)

    def stall(self) -> None:
        """Send nothing more until the test ends."""
        self.server.ending.wait(30)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name is the base class's
        """Write no log."""


Route = Callable[[Request], None]


class Server(ThreadingHTTPServer):
    """The server: its routes, the requested paths, and whether a client left early."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.routes: dict[str, Route] = {}
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.ending = Event()
        self.gone = Event()

    @property
    def url(self) -> str:
        """The URL of the server."""
        return f"http://127.0.0.1:{self.server_port}"

    def route(self, path: str, *arguments: Any, **options: Any) -> str:
        """Set the answer of a path: a body with status and headers, or a function. Return the path's URL."""
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
    """A transport in place of https. It sends by http, and notes whether certificates were to be checked."""

    checked: ClassVar[list[Any]] = []

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        """Send a request for https by http."""
        if str(request.url).startswith("https:"):
            self.checked.append(options.get("verify"))
            request.url = "http" + str(request.url)[5:]
        return super().send(request, *arguments, **options)
