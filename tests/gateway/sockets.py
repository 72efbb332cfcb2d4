"""Websockets for tests: a service that has them, sessions that pay for them, and buyers as programs and as pages of a browser."""

import asyncio
import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Response
from websockets.sync.client import ClientConnection, connect
from websockets.sync.connection import Connection

from nvm_chain.client.sockets import build_socket_headers
from nvm_chain.meter.session_terms import build_session_terms
from nvm_chain.signing.vouchers import build_voucher, sign_voucher
from tests.gateway.shop import Gate

WAIT_SECONDS = 20


@dataclass
class Line:
    """A websocket as the service saw it."""

    target: str
    headers: dict[str, str]
    protocols: list[str]
    messages: list[str | bytes] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    code: int | None = None
    reason: str = ""

    def wait_for_end(self) -> tuple[int | None, str]:
        """Wait until the service was told the end, and return the code and the reason."""
        assert self.ended.wait(WAIT_SECONDS)
        return self.code, self.reason

    def wait_for(self, number: int) -> None:
        """Wait until so many messages have arrived."""
        deadline = time.monotonic() + WAIT_SECONDS
        while len(self.messages) < number and time.monotonic() < deadline:
            threading.Event().wait(0.005)
        assert len(self.messages) >= number


class SocketService:
    """A seller's service with websockets. What it does is said by the path, and by the messages."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.requests: list[str] = []
        self.may_read = threading.Event()

    @property
    def last(self) -> Line:
        """The last websocket that was asked for."""
        return self.lines[-1]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve."""
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
        elif scope["type"] == "websocket":
            await self._serve(scope, receive, send)
        else:
            self.requests.append(str(scope["headers"]))
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        query = scope["query_string"].decode()
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        line = Line(scope["raw_path"].decode() + (f"?{query}" if query else ""), headers, scope["subprotocols"])
        self.lines.append(line)
        await receive()
        path = scope["path"]
        if path == "/data/refuses":
            await send({"type": "websocket.close"})
            return
        if path == "/data/moved":
            location = [(b"location", query.encode() or b"/data/echo")]
            await send({"type": "websocket.http.response.start", "status": 302, "headers": location})
            await send({"type": "websocket.http.response.body", "body": b""})
            return
        chosen = "chat" if "chat" in scope["subprotocols"] else None
        await send({"type": "websocket.accept", "subprotocol": chosen, "headers": [(b"x-seller", b"1")]})
        try:
            await self._talk(line, path, receive, send)
        except OSError:  # the gateway has gone
            line.ended.set()

    async def _talk(self, line: Line, path: str, receive: Any, send: Any) -> None:
        if path == "/data/pushes":
            await send({"type": "websocket.send", "text": "hello"})
        while path == "/data/floods":
            await send({"type": "websocket.send", "bytes": bytes(65_536)})
            line.messages.append("sent")
            await asyncio.sleep(0)
        while path == "/data/deaf" and not self.may_read.is_set():
            await asyncio.sleep(0.005)
        while (message := await receive())["type"] != "websocket.disconnect":
            given = message.get("text") if message.get("text") is not None else message["bytes"]
            line.messages.append(given if len(given) < 65_536 else f"{len(given)} bytes")
            if given == "die":
                raise ConnectionAbortedError
            if path != "/data/deaf":
                await send(_ANSWERS.get(given) or {"type": "websocket.send", _name(given): given})
        line.code, line.reason = message.get("code"), message.get("reason") or ""
        line.ended.set()


_ANSWERS: dict[str | bytes, dict[str, Any]] = {
    "close": {"type": "websocket.close", "code": 4_001, "reason": "the service has said all"},
    "large": {"type": "websocket.send", "bytes": bytes(2**20 + 1)},
}
"""What the service answers to messages that it does not echo."""


def _name(message: str | bytes) -> str:
    return "text" if isinstance(message, str) else "bytes"


def open_session(gate: Gate, limit: int, *, seconds: int = 3_600, **limits: Any) -> str:
    """Open a session of the gate's buyer, and return its token."""
    shop, end = gate.shop, int(time.time()) + seconds
    holder = gate.buyer.address
    terms = build_session_terms(shop.credits_plan, holder=holder, limit=limit, end=end, services=(shop.did,), **limits)
    voucher = build_voucher(
        shop.credits_plan,
        holder=holder,
        redeemer=shop.redeemer.address,
        ceiling=gate.ceiling + limit,
        deadline=end,
        context=terms.context,
    )
    signed = sign_voucher(gate.buyer, voucher, chain_id=shop.chain.chain_id, contract=shop.chain.credits.address)
    body = {"terms": terms.text, "voucher": signed.to_json()}
    answer = requests.post(f"{gate.url}/sessions", json=body, timeout=WAIT_SECONDS)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["token"])


def revoke(gate: Gate, token: str) -> None:
    """Revoke a session."""
    answer = requests.delete(f"{gate.url}/sessions", headers=build_socket_headers(token), timeout=WAIT_SECONDS)
    assert answer.status_code == 200


def dial(gate: Gate, target: str, token: str | None = None, **options: Any) -> ClientConnection:
    """Open a websocket as a program does."""
    url = gate.service_url.replace("http://", "ws://") + target
    headers = options.pop("headers", {}) | ({} if token is None else build_socket_headers(token))
    return connect(url, additional_headers=headers, max_size=None, open_timeout=WAIT_SECONDS, **options)


def refused(gate: Gate, target: str, token: str | None = None, **options: Any) -> tuple[int, dict[str, Any]]:
    """Try to open a websocket, and return the status and the body of the answer."""
    answer = refused_answer(gate, target, token, **options)
    return answer.status_code, json.loads(answer.body or b"{}")


def refused_answer(gate: Gate, target: str, token: str | None = None, **options: Any) -> Response:
    """Try to open a websocket, and return the answer."""
    with pytest.raises(InvalidStatus) as caught, dial(gate, target, token, **options):
        pass
    return caught.value.response


def read_end(line: Connection) -> tuple[int, str]:
    """Read until the connection ends, and return the code and the reason that the gateway has sent."""
    try:
        while True:
            line.recv(timeout=WAIT_SECONDS)
    except ConnectionClosed as ended:
        return (1_006, "") if ended.rcvd is None else (ended.rcvd.code, ended.rcvd.reason)


def echo(line: Connection, message: str | bytes | list[bytes]) -> str | bytes:
    """Send a message, and return what comes back."""
    line.send(message)
    return line.recv(timeout=WAIT_SECONDS)


def read_number(gate: Gate, token: str, name: str) -> int:
    """Return a number of the account."""
    return int(gate.account(build_socket_headers(token))[name])


def wait_for_number(gate: Gate, token: str, name: str, number: int) -> None:
    """Wait until a number of the account is as it should be. Charges ride in a later group of writes."""
    deadline = time.monotonic() + WAIT_SECONDS
    while (found := read_number(gate, token, name)) != number and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    assert found == number
