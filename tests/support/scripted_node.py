"""A web server on loopback. Tests script its answers to JSON-RPC requests and batches, byte by byte."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias

Body: TypeAlias = Any
"""A JSON-RPC request, or a list of requests."""


class Exchange(BaseHTTPRequestHandler):
    """One HTTP request, and methods to answer it."""

    protocol_version = "HTTP/1.1"
    node: "ScriptedNode"

    def do_POST(self) -> None:
        """Pass the request to the script."""
        self.body: Body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.node.asked.append(self.body)
        with suppress(BrokenPipeError, ConnectionResetError):  # the client closed the connection
            self.node.script(self)

    def reply(self, answer: object, status: int = 200, **headers: str) -> None:
        """Answer with JSON, or with bytes unchanged."""
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def results(self, answers: dict[str, Any]) -> Any:
        """Return the answer of a node that knows only these methods, to a request or a batch."""
        if isinstance(self.body, list):
            return [answer_one(each, answers) for each in self.body]
        return answer_one(self.body, answers)

    def drip(self, content: bytes, seconds: float = 0.05) -> None:
        """Write a byte now and then until the client closes the connection or the test ends."""
        for place in range(len(content)):
            if self.node.ending.wait(seconds):
                return
            self.wfile.write(content[place : place + 1])

    def pour(self, block: bytes) -> None:
        """Write without end until the client closes the connection or the test ends."""
        while not self.node.ending.is_set():
            self.wfile.write(block)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name is the base class's
        """Write no log."""


@dataclass
class ScriptedNode:
    """The server, its script, and the received bodies."""

    script: Callable[[Exchange], None]
    url: str = ""
    asked: list[Body] = field(default_factory=list)
    ending: threading.Event = field(default_factory=threading.Event)

    @property
    def methods(self) -> list[str]:
        """The received methods. Each request of a batch counts."""
        flat = [each for body in self.asked for each in (body if isinstance(body, list) else [body])]
        return [each["method"] for each in flat]


def answer_one(request: dict[str, Any], answers: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to one request."""
    head = {"jsonrpc": "2.0", "id": request["id"]}
    if request["method"] not in answers:
        return {**head, "error": {"code": -32601, "message": "the method does not exist"}}
    known = answers[request["method"]]
    return {**head, **(known if isinstance(known, dict) and "error" in known else {"result": known})}


@contextmanager
def run_scripted_node(script: Callable[[Exchange], None]) -> Iterator[ScriptedNode]:
    """Run the server until the block ends."""
    node = ScriptedNode(script)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("OneExchange", (Exchange,), {"node": node}))
    server.daemon_threads = True
    node.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield node
    finally:
        node.ending.set()
        server.shutdown()
        server.server_close()
        thread.join(10)
