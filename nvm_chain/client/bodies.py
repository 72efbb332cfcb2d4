"""Bodies that can be sent twice: a paid request may be refused first, and its body is signed before it is sent."""

from collections.abc import AsyncIterable, Iterable
from typing import Final

from nvm_chain.errors import BodyNotRepeatable

MAX_BODY: Final = 8_388_608
"""The largest number of bytes of a generator's or a file's body that is kept, if the buyer says nothing else."""


class BodyBuffer:
    """Gathers a body, up to a limit."""

    def __init__(self, limit: int) -> None:
        """Start without bytes."""
        self._limit, self._size = limit, 0
        self._pieces: list[bytes] = []

    def add(self, piece: bytes) -> None:
        """Add the next piece. Raises BodyNotRepeatable above the limit."""
        self._size += len(piece)
        if self._size > self._limit:
            raise BodyNotRepeatable(self._limit)
        self._pieces.append(piece)

    def join(self) -> bytes:
        """Return the whole body."""
        return b"".join(self._pieces)


def gather(pieces: Iterable[bytes | str], limit: int) -> bytes:
    """Return a body from its pieces. Raises BodyNotRepeatable if it is longer than the limit."""
    buffer = BodyBuffer(limit)
    for piece in pieces:
        buffer.add(piece.encode() if isinstance(piece, str) else bytes(piece))
    return buffer.join()


async def gather_async(pieces: AsyncIterable[bytes], limit: int) -> bytes:
    """Return a body from its pieces. Raises BodyNotRepeatable if it is longer than the limit."""
    buffer = BodyBuffer(limit)
    async for piece in pieces:
        buffer.add(bytes(piece))
    return buffer.join()
