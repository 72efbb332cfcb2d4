"""A client of httpx with the official transport, which tells the plug-in each request before it is sent."""

from contextvars import ContextVar
from typing import Any

from nvm_chain.client.bodies import gather_async
from nvm_chain.client.httpx_transports import PaidAnswer, read_whole
from nvm_chain.client.places import find_place
from nvm_chain.errors import MissingExtra
from nvm_chain.integrations.x402.addresses import find_vouchers
from nvm_chain.integrations.x402.asked import Noted, noting
from nvm_chain.integrations.x402.official import x402Client

try:
    import httpx
    from x402.http.clients.httpx import x402AsyncTransport
except ModuleNotFoundError as error:
    raise MissingExtra("The plug-in for the official client of x402", "x402") from error


class _Sending(httpx.AsyncBaseTransport):
    """What the official transport sends by. It closes the answer before, because the official one leaves a refused payment open.

    An open answer holds its connection, and a client has so many.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self.last: ContextVar[httpx.Response | None] = ContextVar("nvm_chain_x402_last", default=None)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        before = self.last.get()
        if before is not None:
            await before.aclose()
        answer = await self._inner.handle_async_request(request)
        self.last.set(answer)
        return answer

    async def aclose(self) -> None:
        await self._inner.aclose()


class NotingTransport(httpx.AsyncBaseTransport):
    """The official transport. Payments are bound to exactly the request, and a paid answer is not followed to another address."""

    def __init__(self, client: x402Client, inner: httpx.AsyncBaseTransport | None = None) -> None:
        """Take a client for which `pay_from_credits` was called. ``inner`` sends, and must not send anything twice."""
        self._vouchers = find_vouchers(client)
        self._sending = _Sending(httpx.AsyncHTTPTransport() if inner is None else inner)
        self._official = x402AsyncTransport(client, self._sending)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and pay for it if that is necessary. httpx calls this.

        If the official client cannot pay, it raises an error of its own, whose cause is that of the plug-in.

        Raises:
            BodyNotRepeatable: The body can be read only once, and is too long. Nothing was sent.
        """
        stream: Any = request.stream
        body = read_whole(request)
        if body is None:
            body = await gather_async(stream, self._vouchers.buyer.max_body)
            request = _with_body(request, body)
        place = find_place(str(request.url), request.url.raw_path.decode("ascii"))
        noted = Noted(place, request.method, body, request.headers.get("idempotency-key"))
        with noting(noted), self._vouchers.taking_back() as signed:
            self._sending.last.set(None)
            answer = await self._official.handle_async_request(request)
        if not signed:
            return answer
        return PaidAnswer(
            answer.status_code, headers=answer.headers, stream=answer.stream, extensions=answer.extensions
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._official.aclose()


def open_client(client: x402Client, **options: Any) -> httpx.AsyncClient:
    """Return a client of httpx whose requests are paid by the official client, each by a payment that is bound to the request.

    Args:
        client: The official client, after `pay_from_credits`.
        options: Options of ``httpx.AsyncClient``. ``transport`` is the one that sends.

    Raises:
        InvalidConfig: `pay_from_credits` was not called for the client.
    """
    inner = options.pop("transport", None)
    return httpx.AsyncClient(transport=NotingTransport(client, inner), **options)


def _with_body(request: httpx.Request, body: bytes) -> httpx.Request:
    headers = [(k, v) for k, v in request.headers.raw if k.lower() not in (b"content-length", b"transfer-encoding")]
    return httpx.Request(request.method, request.url, headers=headers, content=body, extensions=request.extensions)
