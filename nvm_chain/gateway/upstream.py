"""The client that calls upstreams: each request once, the answer as it comes, byte for byte.

aiohttp hands on compressed bodies, repeated headers and events as they came. Only this file imports it.
"""

from collections.abc import AsyncIterable, Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
from yarl import URL

from nvm_chain.errors import UpstreamFailed, UpstreamUnreachable
from nvm_chain.errors.fields import Quantity
from nvm_chain.gateway.incoming import Headers
from nvm_chain.gateway.settings import CONNECT_SECONDS, MAX_RUNNING, UpstreamHeader
from nvm_chain.gateway.upstream_queues import UpstreamQueue

_WITHOUT: Final = frozenset(("User-Agent", "Accept", "Accept-Encoding", "Content-Type"))
"""Headers that aiohttp would add, and the buyer did not send."""
KEEP_SECONDS: Final = 1.5
"""How long a connection is kept for the next request. Most servers end it after 2 to 5 seconds, and a request that they get in that
moment fails, because it is not sent twice."""
FindHeader = Callable[[str], UpstreamHeader | None]
"""Returns the header for the upstream of a service, by the DID of the service."""
OnConnected = Callable[[], object]
_on_connected: ContextVar[OnConnected | None] = ContextVar("nvm_chain_on_connected", default=None)


@dataclass(frozen=True, slots=True)
class UpstreamCall:
    """A request to an upstream.

    Args:
        method: The method.
        url: The URL, byte for byte.
        headers: The headers, the names in small letters.
        body: The body, whole or in pieces. None for no body.
        service: The DID of the service.
        most: How many requests of the service run at the same time.
        auth: A header with the seller's secret.
        on_connected: Called when there is a connection. From then on, the upstream may have seen the request.
    """

    method: str
    url: str
    headers: Sequence[tuple[str, str]]
    body: bytes | AsyncIterable[bytes] | None
    service: str
    most: Quantity = MAX_RUNNING
    auth: UpstreamHeader | None = None
    on_connected: OnConnected | None = None

    @property
    def sent_headers(self) -> list[tuple[str, str]]:
        """The headers with the one that has the seller's secret. It replaces every one that a server could take for it."""
        if self.auth is None:
            return [*self.headers]
        name = self.auth.name.lower()
        others = [(each, value) for each, value in self.headers if each.replace("_", "-") != name]
        return [*others, (self.auth.name, self.auth.value)]


class Answer:
    """The answer of an upstream, whose body is not read yet."""

    def __init__(self, response: aiohttp.ClientResponse, service: str, queue: UpstreamQueue) -> None:
        """Take the head of the answer of a service, and the queue that it leaves at its end."""
        self._response, self._service, self._queue = response, service, queue
        self._has_left = False
        self.status = response.status
        self.headers: Headers = list(response.raw_headers)

    def find(self, name: str) -> str | None:
        """Return the value of a header, or None."""
        return self._response.headers.get(name)

    async def read_piece(self) -> tuple[bytes, bool]:
        """Return what has arrived of the body since, and whether more follows. Raises UpstreamFailed."""
        content = self._response.content
        try:
            piece = await content.readany()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UpstreamFailed(self._service, "broke off in the middle of its answer") from error
        return piece, not content.at_eof()

    def close(self) -> None:
        """End the connection, whether the answer has come or not."""
        self._response.close()
        self._leave_queue()

    def finish(self) -> None:
        """Give the connection back, because the whole answer has come."""
        self._response.release()
        self._leave_queue()

    def _leave_queue(self) -> None:
        if not self._has_left:
            self._has_left = True
            self._queue.leave()


class Upstreams:
    """Calls the upstreams of a gateway. Open it in the event loop in which it is used."""

    def __init__(self, find_header: FindHeader | None = None) -> None:
        """Open the pool of connections.

        Args:
            find_header: A function that returns the header with the seller's secret for a service, as it is now.
        """
        self.find_header: FindHeader = find_header or _find_none
        self._queues: dict[str, UpstreamQueue] = {}
        connector = _Connector(limit=0, ttl_dns_cache=30, keepalive_timeout=KEEP_SECONDS)
        self._session = aiohttp.ClientSession(
            connector=connector,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS),
            max_line_size=16_384,
            max_field_size=65_536,
            requote_redirect_url=False,
        )
        # aiohttp sends some requests again if a connection ends before the answer, and has no public switch against it.
        # Nothing may be served twice for one charge.
        self._session._retry_connection = False  # noqa: SLF001

    async def call(self, asked: UpstreamCall) -> Answer:
        """Send a request, and return the head of the answer. The target is sent as it is.

        Raises:
            UpstreamBusy: As many requests run, and none of them ended in time. The upstream did not see the request.
            UpstreamUnreachable: There is no connection to the upstream, so it did not see the request.
            UpstreamFailed: The upstream did not answer, and may have seen the request.
        """
        queue = self.find_queue(asked.service, asked.most)
        await queue.enter()
        _on_connected.set(asked.on_connected)
        found: Answer | None = None
        try:
            response = await self._session.request(
                asked.method,
                URL(asked.url, encoded=True),
                headers=asked.sent_headers,
                data=asked.body,
                allow_redirects=False,
                skip_auto_headers=_WITHOUT,
            )
            found = Answer(response, asked.service, queue)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise UpstreamUnreachable(asked.service) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise UpstreamFailed(asked.service, "ended the connection, or did not answer with HTTP") from error
        finally:
            if found is None:
                queue.leave()
        return found

    def find_queue(self, service: str, most: Quantity) -> UpstreamQueue:
        """Return the queue of a service. ``most`` is how many requests run, and counts the first time."""
        queue = self._queues.get(service)
        if queue is None:
            queue = self._queues[service] = UpstreamQueue(service, most)
        return queue

    async def close(self) -> None:
        """End all connections."""
        await self._session.close()


class _Connector(aiohttp.TCPConnector):
    """Connections of which requests learn when they have one. There is no limit, because each service has one of its own."""

    async def connect(self, *arguments: Any, **named: Any) -> Any:
        connection = await super().connect(*arguments, **named)
        note = _on_connected.get()
        if note is not None:
            note()
        return connection


def _find_none(did: str) -> UpstreamHeader | None:  # noqa: ARG001
    """Return no header, because no secret can change while the gateway runs."""
    return None
