"""The buyer's side of a websocket, as a server gives it: it is refused with an answer, or accepted and then ended with a code."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final

from nvm_chain.gateway.incoming import Headers
from nvm_chain.gateway.refusals import Refusal
from nvm_chain.gateway.sockets.endings import NO_CODE, Ending, Side

CLOSE_SECONDS: Final = 5
"""How long a buyer may take to read what is in front of a close frame."""
ANSWERS: Final = "websocket.http.response"
"""The extension of servers that can answer with a status, headers and a body before a websocket is accepted."""
LOST: Final = Ending(Side.BUYER, 1_006)
"""The end of a connection whose buyer went away without a word."""

Message = MutableMapping[str, Any]


class BuyerSocket:
    """A websocket of a buyer."""

    def __init__(
        self,
        scope: Mapping[str, Any],
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Take what a server gives."""
        self._receive, self._send = receive, send
        self._can_answer = ANSWERS in (scope.get("extensions") or {})
        self.is_over = False
        """Whether the buyer was refused, or told the end."""

    async def refuse(self, refusal: Refusal) -> None:
        """Refuse the connection before it is accepted. A server without the extension answers 403, and nothing else."""
        self.is_over = True
        if not self._can_answer:
            await self._try({"type": "websocket.close"})
            return
        headers = [*refusal.headers, (b"content-length", str(len(refusal.body)).encode())]
        await self._try({"type": f"{ANSWERS}.start", "status": refusal.status, "headers": headers})
        await self._try({"type": f"{ANSWERS}.body", "body": refusal.body})

    async def accept(self, protocol: str | None, headers: Headers) -> None:
        """Accept the connection, with the subprotocol that was chosen. Raises OSError if the buyer went away."""
        await self._give({"type": "websocket.accept", "subprotocol": protocol, "headers": headers})

    async def receive(self) -> str | bytes | Ending:
        """Return the next message, or how the buyer ended the connection."""
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                self.is_over = True
                return Ending(Side.BUYER, int(message.get("code") or NO_CODE), str(message.get("reason") or ""))
            if message["type"] == "websocket.receive":
                text: str | None = message.get("text")
                return bytes(message["bytes"]) if text is None else text

    async def send(self, message: str | bytes) -> None:
        """Hand down a message, and wait while the buyer is slow. Raises OSError if the buyer went away."""
        name = "text" if isinstance(message, str) else "bytes"
        await self._give({"type": "websocket.send", name: message})

    async def close(self, ending: Ending) -> None:
        """End the connection, with what the buyer is told, unless it has ended."""
        if self.is_over:
            return
        self.is_over = True
        code, reason = ending.for_buyer()
        await self._try({"type": "websocket.close", "code": code, "reason": reason})

    async def _give(self, message: Message) -> None:
        try:
            await self._send(message)
        except OSError:
            self.is_over = True
            raise
        except (
            RuntimeError
        ) as error:  # the server has ended the connection by itself, as after a message that is too large
            self.is_over = True
            raise ConnectionResetError from error

    async def _try(self, message: Message) -> None:
        """Send the last message to a buyer that may have gone away, or may not read."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._give(message)
        except OSError:  # TimeoutError is one
            pass
