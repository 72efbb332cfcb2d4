"""What all ways to a node have in common: a request goes out as bytes, and an answer comes back, or none does."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from nvm_chain.chain.transport.limits import Limits

_PLAIN_SIGNS: Final = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST")
"""What OpenSSL's releases say of an answer that is not TLS."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The bytes that a node answered. ``status`` and ``headers`` are those of HTTP."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class NoReply(Exception):
    """Raised when no answer came. What carries the request says so to `nvm_chain.chain.transport.line` alone.

    ``was_sent`` is whether the node may have got the request. ``broke`` is whether a connection ended, as those do that
    were kept open and are closed at the other end.
    """

    def __init__(self, reason: str, *, was_sent: bool = True, broke: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.was_sent, self.broke = reason, was_sent, broke


class Transport(Protocol):
    """A way to one node. ``label`` is its URL without secrets."""

    label: str

    def post(self, request: bytes, limits: Limits) -> Reply:
        """Send one request and return its answer. Raises NoReply."""


def describe_tls(error: Exception, plain_scheme: str) -> str:
    """Say why no TLS connection came to be: the certificate, or a server that does not speak TLS."""
    text = str(error).upper()
    if "CERTIFICATE" in text:
        return "its certificate is not accepted"
    if any(sign in text for sign in _PLAIN_SIGNS):
        return f"it does not speak TLS; try {plain_scheme}:// in place of {plain_scheme}s://"
    return "the TLS handshake failed"
