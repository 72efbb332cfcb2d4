"""A JSON-RPC proxy in front of a node. It can replace answers, as odd nodes and gateways do."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, TypeAlias

import requests

from nvm_chain.chain.client import Chain, open_rpc
from tests.support.world import World

Json: TypeAlias = dict[str, Any]
Forward: TypeAlias = Callable[[], Json]
Reply: TypeAlias = Json | tuple[int, dict[str, str]] | None
"""An answer in place of the node's, or an HTTP status with headers. None stands for the node's own answer."""
Hook: TypeAlias = Callable[[str, list[Any], Forward], Reply]


@dataclass
class OddNode:
    """The proxy. ``hook`` gets the method, the parameters, and a function that asks the real node."""

    target: str
    url: str = ""
    hook: Hook | None = None
    asked: list[str] = field(default_factory=list)

    def ask(self, method: str, *params: object) -> Any:
        """Return the real node's answer, without the hook."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return requests.post(self.target, json=body, timeout=30).json()["result"]

    def answer(self, body: Json | list[Json]) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of the answer to a request or a batch."""
        if isinstance(body, list):
            return self._answer_batch(body)
        self.asked.append(body["method"])
        forward = lambda: requests.post(self.target, json=body, timeout=30).json()  # noqa: E731
        reply = self.hook(body["method"], body["params"], forward) if self.hook else None
        if isinstance(reply, tuple):
            return *reply, b""
        return 200, {}, json.dumps({**(reply or forward()), "id": body["id"], "jsonrpc": "2.0"}).encode()

    def _answer_batch(self, batch: list[Json]) -> tuple[int, dict[str, str], bytes]:
        """Answer each request of a batch. An HTTP status in place of one answer is the answer to the whole batch."""
        answers = [self.answer(each) for each in batch]
        odd = next((answer for answer in answers if answer[0] != HTTPStatus.OK), None)
        return odd or (200, {}, b"[" + b",".join(content for _, _, content in answers) + b"]")

    def serve(self, request: BaseHTTPRequestHandler, body: Json) -> None:
        """Answer the requests on a connection."""
        status, headers, content = self.answer(body)
        request.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(content)


SEND: Final = "eth_sendRawTransaction"
RECEIPT: Final = "eth_getTransactionReceipt"


def deliver(reply: Reply) -> Hook:
    """Let the node take each transaction, and replace its answer."""

    def hook(method: str, params: list[Any], forward: Forward) -> Reply:
        if method != SEND:
            return None
        forward()
        return reply

    return hook


def change_receipts(change: Callable[[Json], object]) -> Hook:
    """Change each receipt from the node."""

    def hook(method: str, params: list[Any], forward: Forward) -> Reply:
        if method != RECEIPT:
            return None
        answer = forward()
        if answer["result"]:
            change(answer["result"])
        return answer

    return hook


@contextmanager
def open_odd_chain(world: World, timeout_seconds: int) -> Iterator[tuple[OddNode, Chain]]:
    """Run the proxy in front of a world's anvil, and connect to the anvil through it."""
    assert world.chain.label != "eth-tester", "an odd node needs a node behind it"
    with run_odd_node(world.chain.label) as node:
        chain = open_rpc(node.url, timeout_seconds=timeout_seconds)
        chain.use_credits(world.credits.address)
        chain.usdc = world.chain.usdc
        node.asked.clear()
        yield node, chain


def refuse(message: str, code: int = -32000) -> Json:
    """Return an error of a node with this message."""
    return {"error": {"code": code, "message": message}}


@contextmanager
def run_odd_node(target: str | OddNode) -> Iterator[OddNode]:
    """Run the proxy, or one of another class, in front of a node until the block ends."""
    node = OddNode(target) if isinstance(target, str) else target

    class Request(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle(self) -> None:
            with suppress(ConnectionError):  # the client closed the connection
                super().handle()

        def do_POST(self) -> None:
            node.serve(self, json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name is the base class's
            """Write no log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Request)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    node.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield node
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
