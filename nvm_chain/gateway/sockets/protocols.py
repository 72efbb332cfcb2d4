"""Websockets of buyers on uvicorn, with bounds that its protocol does not have.

Without them, one packet of compressed messages could unpack to a thousand times its size, and a message could have pieces without
end. A buyer that does not read could keep a connection that has ended.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from nvm_chain.gateway.sockets.endings import NOT_TEXT, TOO_LARGE

SLICE: Final = 4_096
"""How many bytes are unpacked at once. No more are, as long as a message waits to be handed on."""
MOST_PIECES: Final = 4_096
"""The largest number of pieces in one message. Empty ones count too."""
END_SECONDS: Final = 10
"""How long a buyer may take to read the end of a connection."""
_MALFORMED: Final = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_ENDS: Final = frozenset(("websocket.close", "websocket.http.response.body"))


def find_frame_limit(max_bytes: int) -> int:
    """Return the limit that uvicorn needs for messages of some bytes. What cannot be compressed grows by being compressed."""
    return max_bytes + max_bytes // 16 + 1_024


class BoundedSocketProtocol(WebSocketsSansIOProtocol):
    """A protocol for `uvicorn.Config(ws=BoundedSocketProtocol)`."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """Take what uvicorn gives."""
        super().__init__(*arguments, **named)
        self._received = bytearray()
        self._end_timer: asyncio.TimerHandle | None = None

    # ------------------------------------------------------------------ what arrives

    def data_received(self, data: bytes) -> None:
        """Keep what arrives until it can be handed on."""
        if not self.handshake_initiated:
            super().data_received(data)
            if (
                not self.handshake_initiated
            ):  # the library of uvicorn has found an error, and uvicorn would wait for ever
                self.transport.write(_MALFORMED)
                self.transport.close()
                self._end_soon()
            return
        self._received += data
        self._unpack()

    def _unpack(self) -> None:
        """Unpack as much as can be handed on, and read no more as long as something is left."""
        while self._received and not (self._is_waiting() or self.transport.is_closing()):
            data = bytes(self._received[:SLICE])
            del self._received[:SLICE]
            super().data_received(data)
            if len(self.frames) > MOST_PIECES:
                self._refuse(TOO_LARGE, f"a message has at most {MOST_PIECES} pieces")
        if self.transport.is_closing():
            self._received.clear()
        elif self._received or self._is_waiting():
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def _is_waiting(self) -> bool:
        """Return whether a message waits for the application, or an answer for the buyer."""
        return (self.read_paused and not self.close_sent) or not self.writable.is_set()

    def send_receive_event_to_app(self) -> None:
        """Hand on a message that is whole, unless it is a text that is not one."""
        if self.curr_msg_data_type == "text":
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                self._refuse(NOT_TEXT, "a text is not UTF-8")
                return
        super().send_receive_event_to_app()

    def _refuse(self, code: int, reason: str) -> None:
        """End a connection that does not keep to the rules."""
        self.frames = []
        self.conn.fail(code, reason)
        self.handle_parser_exception()

    def handle_parser_exception(self) -> None:
        """End a connection that does not speak the protocol."""
        super().handle_parser_exception()
        self._end_soon()

    async def receive(self) -> Any:
        """Return the next message, and unpack what waits."""
        message = await super().receive()
        self._unpack()
        return message

    def resume_writing(self) -> None:
        """Unpack what waited for the buyer to read."""
        super().resume_writing()
        self._unpack()

    # ------------------------------------------------------------------ the end

    async def send(self, message: Any) -> None:
        """Send a message. After the last one, the buyer has some seconds to read it."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body", False):
            self.handshake_complete = True  # otherwise uvicorn says in its log that there was no answer
        if message["type"] in _ENDS:
            self._end_soon()

    def keepalive_timeout(self) -> None:
        """End a connection whose buyer does not answer a ping."""
        super().keepalive_timeout()
        self._end_soon()

    def shutdown(self) -> None:
        """End a connection because the server stops."""
        super().shutdown()
        self._end_soon()

    def on_task_complete(self, task: "asyncio.Task[None]") -> None:
        """End a connection whose application has ended."""
        super().on_task_complete(task)
        self._end_soon()

    def connection_lost(self, exc: Exception | None) -> None:
        """Keep nothing."""
        self._received.clear()
        if self._end_timer is not None:
            self._end_timer.cancel()
        super().connection_lost(exc)

    def _end_soon(self) -> None:
        if self._end_timer is None and not self.disconnected:
            self._end_timer = self.loop.call_later(END_SECONDS, self._end)

    def _end(self) -> None:
        self.transport.abort()
