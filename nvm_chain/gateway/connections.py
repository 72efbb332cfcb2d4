"""Connections of buyers on uvicorn, with bounds that its parser does not have: on the head of a request, and on its time.

Without them, a stranger could send a header without end, or a byte a minute, and the process would keep all of it.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD: Final = 65_536
"""The largest number of bytes in the head of a request, and in all that is not its body."""
HEAD_SECONDS: Final = 20
"""How long a head may take to arrive."""
_AROUND: Final = 4
"""How many bytes a header has beside its name and its value."""
_FRAMING: Final = 8
"""How many bytes of chunk sizes may come with each byte of a body."""
_TOO_LARGE: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_TOO_SLOW: Final = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class BoundedProtocol(HttpToolsProtocol):
    """A protocol for `uvicorn.Config(http=BoundedProtocol)`. It ends connections beyond the bounds."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """Take what uvicorn gives."""
        super().__init__(*arguments, **named)
        self._others = 0
        self._body = 0
        self._is_head = True
        self._is_upgraded = False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head."""
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what is not a body."""
        self._others += len(data)
        super().data_received(data)
        if self._is_upgraded:
            return
        self._wait_if_idle()
        if self._others > MAX_HEAD + _FRAMING * self._body:
            self._end(_TOO_LARGE)

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection on to the protocol of websockets, which has bounds of its own."""
        self._is_upgraded = True
        self._stop_waiting()
        super().handle_websocket_upgrade()

    def on_message_begin(self) -> None:
        """Begin to count for the next request."""
        super().on_message_begin()
        self._body = 0
        self._is_head = True
        self._wait_for_head()

    def on_headers_complete(self) -> None:
        """Wait no longer, and count anew. A head that came at once is compared here."""
        self._stop_waiting()
        if self._others > MAX_HEAD and self._measure_head() > MAX_HEAD:
            self._end(_TOO_LARGE)
            raise ValueError("the head is too large")
        self._is_head, self._others = False, 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take the body off the count."""
        self._others = max(0, self._others - len(body))
        self._body += len(body)
        super().on_body(body)

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP, unless the connection was ended with another answer."""
        if not self.transport.is_closing():
            super().send_400_response(msg)

    # ------------------------------------------------------------------ bounds

    def _measure_head(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + _AROUND for name, value in self.headers)

    def _wait_for_head(self) -> None:
        self._stop_waiting()
        self._timer = self.loop.call_later(HEAD_SECONDS, self._end, _TOO_SLOW)

    def _wait_if_idle(self) -> None:
        """Wait for a head if something came after an answer that does not begin a request, so that uvicorn waits no longer."""
        if self._timer is None and self.timeout_keep_alive_task is None and self._is_idle():
            self._wait_for_head()

    def _is_idle(self) -> bool:
        cycle: Any = self.cycle  # None before the first request
        return cycle is None or cycle.response_complete

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end(self, said: bytes) -> None:
        """End the connection. What is wrong is only said if nothing else is being answered."""
        if self.transport.is_closing():
            return
        if self._is_head and self._is_idle():
            self.transport.write(said)
        self.transport.close()
