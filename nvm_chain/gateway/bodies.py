"""Bodies of requests: a short one is read before anything is held, and a long one is handed on while it arrives.

The last piece of a long body that was signed is held back until the digest of the whole is known. If it is another digest, the
upstream gets a body without its end.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any, Final

from nvm_chain.errors import InvalidMessage
from nvm_chain.meter.bodies import BodyHasher, hash_body

MAX_SHORT: Final = 64 * 1_024
"""The largest number of bytes in a body that is read before the request is admitted."""
SKIP_SECONDS: Final = 1
"""How long a refusal waits for a short body."""

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]


class BuyerGone(Exception):
    """The connection of the buyer was closed."""


class BodyDiffers(Exception):
    """The body that arrived has another digest than the one that was signed. ``digest`` is the digest of what arrived."""

    def __init__(self, digest: str) -> None:
        super().__init__(digest)
        self.digest = digest


class Body:
    """The body of one request."""

    def __init__(self, receive: Receive, length: int | None) -> None:
        """Take the function that gives the next message of the request, and the announced length."""
        self._receive, self._length = receive, length
        self._start = b""
        self._has_more, self._is_long = True, False

    async def read_start(self) -> None:
        """Read the body, or the first 64 KiB of a long one. Raises BuyerGone or InvalidMessage."""
        pieces: list[bytes] = []
        size = 0
        while self._has_more and size <= MAX_SHORT:
            piece = await self._read()
            pieces.append(piece)
            size += len(piece)
        self._start = b"".join(pieces)
        if not self._has_more:
            self._check_length(size)

    async def skip_short(self) -> None:
        """Read a short body that nobody has read, and forget it. What takes longer than a moment stays unread.

        Servers between the buyer and the gateway may lose an answer that comes before they have sent the body on.
        Raises BuyerGone.
        """
        if self._length is None or self._length > MAX_SHORT:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(SKIP_SECONDS):
                while self._has_more:
                    await self._read()

    @property
    def is_short(self) -> bool:
        """Whether the whole body was read."""
        return not self._has_more

    @property
    def start(self) -> bytes:
        """What was read."""
        return self._start

    @property
    def digest(self) -> str | None:
        """The digest of a short body. None for a long one."""
        return None if self._has_more or self._is_long else hash_body(self._start)

    async def pieces(self, signed: str | None) -> AsyncIterator[bytes]:
        """Yield a long body in pieces, each of them one piece late.

        Args:
            signed: The digest that was signed. None if the body is not signed.

        Raises:
            BodyDiffers: Another body was signed. The last piece was not given out.
            BuyerGone: The connection was closed.
            InvalidMessage: The body does not have the announced length.
        """
        hasher = BodyHasher()
        self._is_long = True
        held_back, self._start = self._start, b""
        hasher.update(held_back)
        while self._has_more:
            piece = await self._read()
            if not piece:
                continue
            hasher.update(piece)
            self._check_size(hasher.size)
            yield held_back
            held_back = piece
        self._check_length(hasher.size)
        if signed is not None and hasher.format() != signed:
            raise BodyDiffers(hasher.format())
        yield held_back

    async def _read(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise BuyerGone
        self._has_more = message.get("more_body", False)
        return bytes(message.get("body", b""))

    def _check_size(self, size: int) -> None:
        if self._length is not None and size > self._length:
            raise InvalidMessage("request", "its body is longer than its Content-Length says")

    def _check_length(self, size: int) -> None:
        if self._length is not None and size != self._length:
            raise InvalidMessage("request", "its body does not have the length that its Content-Length says")
