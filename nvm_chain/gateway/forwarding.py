"""What is handed on: a request with its body to the upstream, and the answer to the buyer, in pieces as they arrive."""

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from nvm_chain.errors import InvalidMessage, UpstreamFailed
from nvm_chain.gateway.bodies import Body, BodyDiffers, BuyerGone
from nvm_chain.gateway.catalogue import SoldService
from nvm_chain.gateway.incoming import Headers, Incoming, filter_answer
from nvm_chain.gateway.upstream import Answer, Upstreams

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_REDIRECTS: Final = frozenset((301, 302, 303, 307, 308))


@dataclass(slots=True)
class Passage:
    """What is needed to hand on one request."""

    service: SoldService
    incoming: Incoming
    target: str
    body: Body
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]]
    signed_body: str | None = None
    """The digest that was signed, if the body is long and was not compared yet."""
    began: bool = False
    """Whether the buyer has the head of the answer."""
    is_sending: bool = False
    """Whether the gateway waits for the buyer to read on."""


async def call_upstream(upstreams: Upstreams, passage: Passage, told: tuple[tuple[str, str], ...]) -> Answer:
    """Send a request to its upstream, and return the head of the answer. ``told`` are headers by which the upstream knows who pays.

    Raises:
        UpstreamError: There is no usable answer.
        BodyDiffers: The body is not the one that was signed.
        BuyerGone: The buyer went away while the body arrived.
    """
    own = passage.service.settings
    sending = _Sending(passage)
    headers = [*passage.incoming.forwarded, *told]
    if sending.body is not None and not isinstance(sending.body, bytes) and passage.incoming.length is not None:
        headers.append(("content-length", str(passage.incoming.length)))
    try:
        answer = await upstreams.call(
            passage.incoming.method,
            own.upstream.rstrip("/") + passage.target,
            headers,
            sending.body,
            service=own.did,
            auth=own.auth,
        )
    except UpstreamFailed:
        if sending.trouble is not None:
            raise sending.trouble from None
        raise
    if answer.status in _REDIRECTS and not own.forwards_redirects and _leads_away(answer):
        answer.close()
        raise UpstreamFailed(own.did, "redirects to another host")
    return answer


class _Sending:
    """The body on its way up. What goes wrong with it is kept, because the client wraps it into an error of its own."""

    def __init__(self, passage: Passage) -> None:
        self._passage = passage
        self.trouble: Exception | None = None
        short = passage.body.start if passage.body.is_short else None
        self.body: bytes | AsyncIterator[bytes] | None = self._hand_on() if short is None else short or None

    async def _hand_on(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._passage.body.pieces(self._passage.signed_body):
                yield piece
        except (BodyDiffers, BuyerGone, InvalidMessage) as error:
            self.trouble = error
            raise OSError from error  # ends the connection to the upstream, in the middle of the body


def _leads_away(answer: Answer) -> bool:
    """Return whether a redirect names a host. A buyer that follows it would send the payment there."""
    location = answer.find("Location") or ""
    try:
        return bool(urlsplit(location).netloc) or location.startswith(("\\", "/\\"))
    except ValueError:
        return True


def build_head(service: SoldService, answer: Answer, more: Headers) -> MutableMapping[str, Any]:
    """Return the message that begins an answer."""
    headers = filter_answer(answer.headers, keeps_cookies=bool(service.settings.hosts))
    headers += ((b"cache-control", b"no-store, private"), *more)
    return {"type": "http.response.start", "status": answer.status, "headers": headers}


async def hand_down(found: Answer, passage: Passage, send: Send, keep: bytearray | None, most: int) -> int:
    """Hand down the body of an answer, piece by piece, and return its size.

    Args:
        found: The answer.
        passage: The request.
        send: The function that sends a message to the buyer.
        keep: Where the body is collected too, up to a size.
        most: That size in bytes.

    Raises:
        UpstreamFailed: The upstream ended in the middle.
    """
    size, more = 0, True
    while more:
        piece, more = await found.read_piece()
        if not piece and more:
            continue
        size += len(piece)
        if keep is not None and size <= most:
            keep += piece
        passage.is_sending = True
        await send({"type": "http.response.body", "body": piece, "more_body": more})
        passage.is_sending = False
    found.finish()
    return size
