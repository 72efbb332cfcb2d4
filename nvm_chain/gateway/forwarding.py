"""What is handed on: a request with its body to the upstream, and the answer to the buyer, in pieces as they arrive."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from nvm_chain.errors import InvalidMessage, UpstreamFailed
from nvm_chain.gateway.bodies import Body, BodyDiffers, BuyerGone
from nvm_chain.gateway.catalogue import OPEN, SoldEndpoint, SoldService
from nvm_chain.gateway.incoming import Headers, Incoming, filter_answer
from nvm_chain.gateway.upstream import Answer, OnConnected, UpstreamCall, Upstreams

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_REDIRECTS: Final = frozenset((301, 302, 303, 307, 308))
_FINAL: Final = range(200, 600)
"""The statuses that end a request. An upstream has to answer with one of them, and cannot change the protocol."""
_WITHOUT_BODY: Final = frozenset((204, 304))
"""Answers without a body. Servers that compare the body with its length would take such an answer as cut."""
_INERT: Final = frozenset((b"application/json", b"text/event-stream", b"text/plain"))
"""Kinds of answers that browsers never run. Most answers are of these kinds."""
SANDBOX: Final = (
    b"content-security-policy",
    b"sandbox allow-downloads allow-forms allow-modals allow-popups allow-scripts",
)
"""On a host of several services, a service's page has an origin of its own. Otherwise it could change the checkout of another
seller in a window that it has opened."""
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
"""What no server writes into a header."""


@dataclass(slots=True)
class Passage:
    """What is needed to hand on one request."""

    service: SoldService
    incoming: Incoming
    target: str
    body: Body
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]]
    endpoint: SoldEndpoint = OPEN
    transaction: str = ""
    """The transaction that bought what pays for the request, if the request bought it."""
    signed_body: str | None = None
    """The digest that was signed, if the body is long and was not compared yet."""
    began: bool = False
    """Whether the buyer has the head of the answer."""
    trouble: Exception | None = None
    """What went wrong with the body on its way up."""
    on_trouble: Callable[[], None] | None = None
    """Called when something went wrong with the body."""

    def note_trouble(self, error: Exception) -> None:
        """Note what went wrong with the body, and tell it to whoever waits for the answer."""
        self.trouble = error
        if self.on_trouble is not None:
            self.on_trouble()

    @property
    def was_left(self) -> bool:
        """Whether the buyer began to get the answer, and did not send the rest of its body."""
        return self.began and isinstance(self.trouble, BuyerGone | InvalidMessage)


async def call_upstream(
    upstreams: Upstreams, passage: Passage, told: tuple[tuple[str, str], ...], on_connected: OnConnected
) -> Answer:
    """Send a request to its upstream, and return the head of the answer.

    Args:
        upstreams: The client that calls upstreams.
        passage: The request.
        told: Headers by which the upstream knows who pays.
        on_connected: Called when the upstream may have seen the request.

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
    asked = UpstreamCall(
        passage.incoming.method,
        own.upstream.rstrip("/") + passage.target,
        headers,
        sending.body,
        own.did,
        own.max_running,
        upstreams.find_header(own.did) or own.auth,
        on_connected,
    )
    try:
        answer = await upstreams.call(asked)
    except UpstreamFailed:
        if passage.trouble is not None:
            raise passage.trouble from None
        raise
    try:
        _check_head(answer, passage)
    except UpstreamFailed:
        answer.close()
        raise
    return answer


def _check_head(answer: Answer, passage: Passage) -> None:
    """Check that the head of an answer can be handed down. Raises UpstreamFailed."""
    own = passage.service.settings
    if answer.status not in _FINAL:
        raise UpstreamFailed(own.did, f"answers with the status {answer.status}")
    if any(_CONTROL.search(value) for _, value in answer.headers):
        raise UpstreamFailed(own.did, "answers with a control character in a header")
    if answer.status in _REDIRECTS and not own.forwards_redirects and _leads_away(answer):
        raise UpstreamFailed(own.did, "redirects to another host")


class _Sending:
    """The body on its way up. What goes wrong with it is noted, because the client wraps it into an error of its own."""

    def __init__(self, passage: Passage) -> None:
        self._passage = passage
        short = passage.body.start if passage.body.is_short else None
        self.body: bytes | AsyncIterator[bytes] | None = self._hand_on() if short is None else short or None

    async def _hand_on(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._passage.body.pieces(self._passage.signed_body):
                yield piece
        except (BodyDiffers, BuyerGone, InvalidMessage) as error:
            self._passage.note_trouble(error)
            raise OSError from error  # ends the connection to the upstream, in the middle of the body


def _leads_away(answer: Answer) -> bool:
    """Return whether a redirect names a host. A buyer that follows it would send the payment there."""
    location = answer.find("Location") or ""
    try:
        return bool(urlsplit(location).netloc) or location.startswith(("\\", "/\\"))
    except ValueError:
        return True


def build_headers(passage: Passage, answer: Answer, more: Headers) -> Headers:
    """Return the headers with which an answer is handed down."""
    headers = filter_answer(answer.headers, keeps_cookies=passage.incoming.keeps_cookies)
    if answer.status in _WITHOUT_BODY:
        headers = [(name, value) for name, value in headers if name != b"content-length"]
    if not passage.incoming.keeps_cookies and _may_be_page(headers):
        headers.append(SANDBOX)
    return [*headers, (b"cache-control", b"no-store, private"), *more]


def _may_be_page(headers: Headers) -> bool:
    """Tell whether a browser could show an answer as a page. It guesses where the answer does not say what it is.

    Of several kinds, in one header or in several, browsers take the last.
    """
    kinds = [value for name, value in headers if name == b"content-type"]
    if len(kinds) != 1 or b"," in kinds[0]:
        return True
    return kinds[0].partition(b";")[0].strip().lower() not in _INERT


async def hand_down(
    found: Answer, send: Send, keep: bytearray | None, most: int, on_piece: Callable[[], object]
) -> int:
    """Hand down the body of an answer, piece by piece, and return its size.

    Args:
        found: The answer.
        send: The function that sends a message to the buyer.
        keep: Where the body is collected too, up to a size.
        most: That size in bytes.
        on_piece: Called when the buyer has taken a piece. One that does not read takes none.

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
        await send({"type": "http.response.body", "body": piece, "more_body": more})
        on_piece()
    found.finish()
    return size
