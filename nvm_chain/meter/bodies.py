"""Digests of bodies: SHA-256 of a request's content, after transfer coding and before content coding."""

import hashlib
import re
from typing import Final

NO_BODY: Final = "-"
"""The digest of a request without content."""
UNSIGNED: Final = "*"
"""The digest of a body that is not signed, and the method of a request whose method is not signed."""
_DIGEST: Final = re.compile("sha-256:[0-9a-f]{64}")


class BodyHasher:
    """Hashes a body in pieces, so that a long one can be forwarded before its end is known."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.size = 0
        """The number of bytes so far."""

    def update(self, piece: bytes) -> None:
        """Add the next piece of the body."""
        self._hash.update(piece)
        self.size += len(piece)

    def format(self) -> str:
        """Return the digest of the pieces so far."""
        return f"sha-256:{self._hash.hexdigest()}" if self.size else NO_BODY


def hash_body(content: bytes) -> str:
    """Return the digest of a body, as a binding has it. Without content it is ``-``.

    A body that is sent with gzip is hashed as the gzip bytes. A chunked body is hashed without the sizes of its chunks.

    >>> hash_body(b"{}")
    'sha-256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'
    >>> hash_body(b"")
    '-'
    """
    hasher = BodyHasher()
    hasher.update(content)
    return hasher.format()


def is_body_digest(text: str) -> bool:
    """Return whether a text is the digest of some content. The digest of no content is written as ``-`` only."""
    return _DIGEST.fullmatch(text) is not None and text != _OF_NOTHING


_OF_NOTHING: Final = f"sha-256:{hashlib.sha256().hexdigest()}"
