"""A web server on this machine that answers as a test wants: a node that is broken, slow, hostile, or on another chain."""

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Answer: TypeAlias = Callable[[str], tuple[int, bytes]]
"""From the method asked for to HTTP status and body."""


ANY_ID = b'"id": 0'
"""What stands for the id of the request in an answer."""
NO_BATCHES = b'{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no batches"}}'


@dataclass
class FakeNode:
    """Where a fake node listens, and what it was asked for."""

    port: int = 0
    methods: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """The node's URL."""
        return f"http://127.0.0.1:{self.port}"


def results(answers: dict[str, Any]) -> Answer:
    """Answer each method with its result, and others with the error of JSON-RPC."""

    def answer(method: str) -> tuple[int, bytes]:
        body: dict[str, Any] = {"jsonrpc": "2.0", "id": 0}
        if method in answers:
            body["result"] = answers[method]
        else:
            body["error"] = {"code": -32601, "message": "no such method"}
        return 200, json.dumps(body).encode()

    return answer


def body(content: bytes, status: int = 200) -> Answer:
    """Answer everything with the same bytes."""
    return lambda method: (status, content)


def _build_handler(
    node: FakeNode, answer: Answer | None, headers: dict[str, str]
) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if isinstance(request, list):
                self.reply(200, NO_BATCHES)
                return
            node.methods.append(request["method"])
            node.paths.append(self.path)
            if answer is None:
                node.released.wait(30)
                self.close_connection = True
                return
            status, content = answer(request["method"])
            self.reply(status, content.replace(ANY_ID, b'"id": %d' % request["id"]))

        def reply(self, status: int, content: bytes) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


@contextmanager
def run_fake_node(answer: Answer | None, headers: dict[str, str] | None = None) -> Iterator[FakeNode]:
    """Serve until the block ends; with no answer, keep every request waiting until then."""
    node = FakeNode()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _build_handler(node, answer, headers or {}))
    server.daemon_threads = True
    node.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield node
    finally:
        node.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
