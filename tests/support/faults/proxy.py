"""A proxy in front of a node. It answers one request wrongly."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler
from typing import Any, Final, TypeAlias

from eth_utils.crypto import keccak

from tests.support.kept_session import KeptSession
from tests.support.odd_node import SEND, Json, OddNode

Asked: TypeAlias = dict[str, Any] | list[dict[str, Any]]
"""The content of one HTTP request: one JSON-RPC request, or a batch."""
SECONDS: Final = 30
LATE_AFTER: Final = 2
"""The number of later requests before a held request reaches the node."""


@dataclass(frozen=True)
class Served:
    """The bytes of an answer.

    Only ``cut`` of its bytes are sent before the connection ends. It is sent ``times`` times.
    """

    content: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    times: int = 1


@dataclass(frozen=True)
class Exchange:
    """A request that gets a wrong answer."""

    asked: Asked
    forward: Callable[[], bytes]
    """The function that lets the node answer the request."""
    hold: Callable[[], None]
    """The function that holds the request. It reaches the node later, when the client does not wait any more."""
    earlier: bytes
    """The answer to an earlier request, if possible one with the same name."""


Change: TypeAlias = Callable[[Exchange], Served | None]
"""The function that builds the wrong answer. It returns None if it cannot change this answer."""


def name_request(asked: Asked) -> str:
    """Return the name of a request: its method, or the methods in a batch."""
    if isinstance(asked, list):
        return "batch of " + " and ".join(sorted({each["method"] for each in asked}))
    return str(asked["method"])


class FaultNode(OddNode):
    """The proxy. It answers as the node does, except for one armed request."""

    def __init__(self, target: str) -> None:
        """Take the node's URL."""
        super().__init__(target)
        self._session = KeptSession()
        self._lock = threading.RLock()
        self._earlier: dict[str, bytes] = {}
        """The node's last answer to each request, by the request's name."""
        self.arm(None)

    def arm(self, change: Change | None, label: str = "", before: int = 0) -> None:
        """Start to count. Answer the request with this name wrongly that has a number of such requests before it."""
        self._change, self._label, self._before = change, label, before
        self._held: list[tuple[int, bytes]] = []
        self.asked.clear()
        self.sent: dict[str, str] = {}
        """The signed transactions that clients broadcast, by hash."""
        self.changed = False
        """Whether the armed request was made, and its answer was changed."""

    def move(self, target: str) -> None:
        """Forward to another node from now on."""
        self.target, self._session = target, KeptSession()

    def forward(self, content: bytes) -> bytes:
        """Let the node answer a request."""
        return self._session.post(self.target, data=content, timeout=SECONDS).content

    def release(self, *, due: bool = False) -> None:
        """Send held requests to the node: all, or only those that are due."""
        waiting = [each for each in self._held if due and each[0] > len(self.asked)]
        for each in self._held:
            if each not in waiting:
                self.forward(each[1])
        self._held = waiting

    def serve(self, request: BaseHTTPRequestHandler, body: Json) -> None:
        """Answer a request on its connection, as far as the wrong answer goes."""
        with self._lock:
            served = self._answer(body)
        _write(request, served)

    def _answer(self, asked: Asked) -> Served:
        self.asked.append(name_request(asked))
        content = json.dumps(asked).encode()
        served = None
        is_meant = self.asked[-1] == self._label and self.asked.count(self._label) == self._before + 1
        if self._change is not None and is_meant:
            hold = partial(self._held.append, (len(self.asked) + LATE_AFTER, content))
            served = self._change(Exchange(asked, partial(self.forward, content), hold, self._find_earlier()))
            self.changed = served is not None
        if served is None:
            served = Served(self.forward(content))
            self._earlier[self.asked[-1]] = served.content
        self._note_sent(asked)
        self.release(due=True)
        return served

    def _find_earlier(self) -> bytes:
        return self._earlier.get(self.asked[-1]) or next(reversed(self._earlier.values()), b"")

    def _note_sent(self, asked: Asked) -> None:
        for each in asked if isinstance(asked, list) else [asked]:
            if each["method"].startswith(SEND):
                [signed] = each["params"]
                self.sent["0x" + keccak(hexstr=signed).hex()] = signed


def _write(request: BaseHTTPRequestHandler, served: Served) -> None:
    """Write an answer in one packet. Two packets would wait for each other."""
    headers = {**served.headers, "Content-Type": "application/json", "Content-Length": str(len(served.content))}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    whole = f"HTTP/1.1 {served.status} Said\r\n{head}\r\n".encode() + served.content
    if served.cut == 0:
        whole = b""
    elif served.cut is not None:
        whole = whole[: len(whole) - len(served.content) + served.cut]
    request.wfile.write(whole * served.times)
    request.close_connection = served.cut is not None
