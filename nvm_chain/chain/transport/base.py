"""The interface of all transports: a request is sent as bytes, and the result is a Reply or the exception NoReply."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from nvm_chain.chain.transport.limits import Limits

_PLAIN_SIGNS: Final = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST")
"""Parts of OpenSSL's errors for a server that does not answer with TLS. They differ between releases."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The bytes of a node's answer.

    ``status`` and ``headers`` are those of HTTP. Other transports leave the defaults.
    """

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class NoReply(Exception):
    """Raised when a transport gets no usable answer. Only `nvm_chain.chain.transport.line` handles it.

    ``was_sent`` tells whether the node may have received the request. ``broke`` tells whether the connection ended,
    for example because the other end had closed it between two requests.
    """

    def __init__(self, reason: str, *, was_sent: bool = True, broke: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.was_sent, self.broke = reason, was_sent, broke


class Transport(Protocol):
    """A transport to one endpoint. ``label`` is the endpoint's URL without secrets."""

    label: str

    def post(self, request: bytes, limits: Limits) -> Reply:
        """Send one request, and return the answer. Raises NoReply."""


def describe_tls(error: Exception, plain_scheme: str) -> str:
    """Describe why a TLS connection failed: the certificate, a server without TLS, or the handshake."""
    text = str(error).upper()
    if "CERTIFICATE" in text:
        return "its certificate is not accepted"
    if any(sign in text for sign in _PLAIN_SIGNS):
        return f"it does not speak TLS; try {plain_scheme}:// in place of {plain_scheme}s://"
    return "the TLS handshake failed"
