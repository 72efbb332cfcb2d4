"""The transport for WebSocket. Its connections stay open between requests."""

import logging
import socket
import ssl
from contextlib import ExitStack
from typing import Any, Final, cast
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI, WebSocketException
from websockets.sync.client import ClientConnection, connect

from nvm_chain.chain.transport.base import NoReply, Reply, describe_tls
from nvm_chain.chain.transport.limits import Limits
from nvm_chain.chain.transport.pool import Pool
from nvm_chain.chain.urls import redact_url

SCHEMES: Final = ("ws://", "wss://")
TOO_LARGE: Final = 1009
"""The close code of a connection after a message that is too large (RFC 6455)."""
CLOSE_SECONDS: Final = 0.2
_SILENT: Final = logging.Logger("nvm_chain.websocket", logging.CRITICAL + 1)
"""A logger that writes nothing. The library would log the URL's path, which may contain a key."""


def is_websocket(url: str) -> bool:
    """Return whether a URL begins with ``ws://`` or ``wss://``."""
    return url.lower().startswith(SCHEMES)


class _Opened:
    """An open connection. Newer releases of the library open a connection only in a ``with`` block."""

    def __init__(self, **settings: Any) -> None:
        self._stack = ExitStack()
        self.connection = cast(ClientConnection, self._stack.enter_context(connect(**settings)))

    def close(self) -> None:
        """Close the connection."""
        self._stack.close()


class WebSocketTransport:
    """A transport over WebSocket. A request uses one connection alone until its answer is complete."""

    def __init__(self, url: str, max_bytes: int, open_seconds: float) -> None:
        """Take the full URL, the largest answer in bytes, and the longest time to open a connection. No request."""
        self.label = redact_url(url)
        self._url, self._max_bytes, self._open_seconds = url, max_bytes, open_seconds
        self._pool = Pool(self._connect)

    def _connect(self) -> _Opened:
        try:
            if not urlsplit(self._url).hostname:
                raise NoReply("it is not a ws or wss URL", was_sent=False)
            return _Opened(
                uri=self._url.partition("#")[0],
                max_size=self._max_bytes,
                open_timeout=self._open_seconds,
                close_timeout=CLOSE_SECONDS,
                logger=_SILENT,
                user_agent_header="nvm-chain",
            )
        except (OSError, ValueError, WebSocketException) as error:
            raise NoReply(self._describe_opening(error), was_sent=False) from None

    def _describe_opening(self, error: Exception) -> str:
        if isinstance(error, InvalidStatus):
            return f"HTTP status {error.response.status_code}"
        if isinstance(error, InvalidHandshake):
            return "it does not speak WebSocket"
        if isinstance(error, TimeoutError):
            return f"no answer within {self._open_seconds:g} seconds"
        if isinstance(error, InvalidURI) or (isinstance(error, ValueError) and not isinstance(error, OSError)):
            return "it is not a ws or wss URL"
        if isinstance(error, ssl.SSLError):
            return describe_tls(error, "ws")
        is_dead = isinstance(error, ConnectionRefusedError | socket.gaierror)
        return "connection refused or host not found" if is_dead else "no connection could be opened"

    def post(self, request: bytes, limits: Limits) -> Reply:
        """Send one request, and return the answer. Raises NoReply."""
        try:
            with self._pool.take() as opened:
                opened.connection.send(request.decode())
                answer = opened.connection.recv(timeout=limits.total_seconds)
        except TimeoutError:
            raise NoReply(limits.describe_total()) from None
        except ConnectionClosed as error:
            if error.sent is not None and error.sent.code == TOO_LARGE:
                raise NoReply(limits.describe_size()) from None
            raise NoReply("the connection broke off", broke=True) from None
        except (OSError, WebSocketException):
            raise NoReply("the connection broke off", broke=True) from None
        return Reply(answer.encode() if isinstance(answer, str) else answer)
