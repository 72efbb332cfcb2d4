"""Transports for httpx, sync and async: give one to a client, and ordinary requests are paid for. Needs the extra ``client``."""

import time
from collections.abc import Callable, Generator
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar

from nvm_chain.client.allowances import revoke_allowance, sign_allowance, use_allowance
from nvm_chain.client.asking import revoke
from nvm_chain.client.bodies import gather, gather_async
from nvm_chain.client.buyer import Buyer, HeldToken, require_buyer
from nvm_chain.client.flow import pay_for
from nvm_chain.client.opening import begin_session
from nvm_chain.client.places import find_origin, find_place
from nvm_chain.client.signed_allowances import Allowance
from nvm_chain.client.steps import EMPTY, Ask, Pause, Reply, Send, Step, Wanted
from nvm_chain.client.transfers.payer import TokenPayer
from nvm_chain.client.wire import MAX_ANSWER
from nvm_chain.errors import MissingExtra
from nvm_chain.errors.fields import Credits, Seconds

try:
    import anyio
    import anyio.to_thread
    import httpx
except ModuleNotFoundError as error:
    raise MissingExtra("A transport for httpx", "client") from error

CREDENTIALS: Final = ("authorization", "payment-signature")
"""Headers with which a program pays by itself. Such a request is sent as it is."""
_PAYMENT_REQUIRED: Final = 402
_BODY_HEADERS: Final = ("content-length", "transfer-encoding")

Found = TypeVar("Found")
Own: TypeAlias = Generator[Step, Reply, Found]
"""A flow of requests of the client itself, and its result."""
_Began: TypeAlias = "tuple[_Run, Own[Found]]"


class PaidAnswer(httpx.Response):
    """The answer to a request that was paid for. If it is a redirect, it is not followed, because that would be paid again."""

    @property
    def has_redirect_location(self) -> bool:
        """False: whoever wants to follow sends another request to the header Location."""
        return False


class _Paying:
    """What both transports have in common."""

    def __init__(self, buyer: Buyer | TokenPayer, *urls: str) -> None:
        self._payer, self._origins = buyer, frozenset(map(find_origin, urls))

    @property
    def _buyer(self) -> Buyer:
        return require_buyer(self._payer)

    def _pays_for(self, request: httpx.Request) -> bool:
        is_ours = find_origin(str(request.url)) in self._origins
        return is_ours and not any(name in request.headers for name in CREDENTIALS)

    def _begin(self, url: str, start: Callable[[Wanted], Own[Found]], method: str = "GET") -> "_Began[Found]":
        """Return what sends requests of the client itself, and the flow that asks for them."""
        run = _Run(httpx.Request(method, url), b"")
        return run, start(run.describe())

    def _begin_to_open(
        self, url: str, method: str, limit: Credits, seconds: Seconds, per_request: Credits | None
    ) -> "_Began[HeldToken]":
        start = partial(begin_session, self._buyer, limit=limit, seconds=seconds, per_request=per_request)
        return self._begin(url, start, method)

    def _begin_to_close(self, session: HeldToken) -> "_Began[None]":
        return self._begin(session.base, lambda _: revoke(self._buyer, find_place(session.base, "/"), session))

    def _begin_to_sign(
        self, url: str, method: str, user: str, limit: Credits, seconds: Seconds, per_request: Credits | None
    ) -> "_Began[Allowance]":
        start = partial(sign_allowance, self._buyer, user=user, limit=limit, seconds=seconds, per_request=per_request)
        return self._begin(url, start, method)

    def _begin_to_use(self, url: str, allowance: Allowance) -> "_Began[HeldToken]":
        return self._begin(url, lambda wanted: use_allowance(self._buyer, wanted.place, allowance))

    def _begin_to_revoke(self, url: str, allowance: Allowance) -> "_Began[None]":
        return self._begin(url, lambda wanted: revoke_allowance(self._buyer, wanted.place, allowance))


class PayingTransport(_Paying, httpx.BaseTransport):
    """Pays for the requests of an ``httpx.Client`` to one or more servers. Others are sent without payment.

    >>> client = httpx.Client(transport=PayingTransport(buyer, "https://gateway.example.com"))  # doctest: +SKIP
    """

    def __init__(self, buyer: Buyer | TokenPayer, *urls: str, inner: httpx.BaseTransport | None = None) -> None:
        """Take the buyer, and the URLs of the servers that are paid. Raises InvalidUrl.

        ``inner`` is the transport that sends. It must not send anything twice.
        """
        super().__init__(buyer, *urls)
        self._inner = httpx.HTTPTransport() if inner is None else inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and pay for it if that is necessary. httpx calls this.

        Raises:
            PaymentNotAllowed: Nothing that the server accepts is within the limits of the buyer.
            BodyNotRepeatable: The body can be read only once, and is too long. Nothing was sent.
            NvmChainError: Another reason why the buyer did not pay.
        """
        if not self._pays_for(request):
            return self._inner.handle_request(request)
        stream: Any = request.stream
        run = _Run(request, read_whole(request) or gather(stream, self._payer.max_body))
        self._drive(run, pay_for(self._payer, run.describe()))
        return run.finish()

    def open_session(
        self,
        url: str,
        *,
        limit: Credits,
        seconds: Seconds = 3_600,
        per_request: Credits | None = None,
        method: str = "GET",
    ) -> HeldToken:
        """Open a session, as `PayingAdapter.open_session` does."""
        began = self._begin_to_open(url, method, limit, seconds, per_request)
        return self._drive(*began)

    def close_session(self, session: HeldToken) -> None:
        """Revoke a session at its gateway. What it did not spend is given back. Raises GatewayRefused."""
        self._drive(*self._begin_to_close(session))

    def sign_allowance(
        self,
        url: str,
        *,
        user: str,
        limit: Credits,
        seconds: Seconds,
        per_request: Credits | None = None,
        method: str = "GET",
    ) -> Allowance:
        """Sign that somebody else may use credits of the buyer, as `PayingAdapter.sign_allowance` does."""
        began = self._begin_to_sign(url, method, user, limit, seconds, per_request)
        return self._drive(*began)

    def use_allowance(self, url: str, allowance: Allowance) -> HeldToken:
        """Use an allowance for later requests to a service, as `PayingAdapter.use_allowance` does."""
        return self._drive(*self._begin_to_use(url, allowance))

    def revoke_allowance(self, url: str, allowance: Allowance) -> None:
        """Revoke an allowance that the buyer has signed. Raises GatewayRefused."""
        self._drive(*self._begin_to_revoke(url, allowance))

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()

    def _drive(self, run: "_Run", flow: Own[Found]) -> Found:
        reply: Any = None
        try:
            while True:
                reply = self._do(run, flow.send(reply))
        except StopIteration as stop:
            found: Found = stop.value
            return found
        finally:
            flow.close()

    def _do(self, run: "_Run", step: Step) -> Reply:
        if isinstance(step, Pause):
            time.sleep(step.milliseconds / 1_000)
            return EMPTY
        if isinstance(step, Send) and run.answer is not None:
            run.answer.close()
        answer = self._inner.handle_request(run.build(step))
        try:
            body = answer.read() if run.wants_body(step, answer) else None
        finally:
            if isinstance(step, Ask):
                answer.close()
        return run.note(step, answer, body)


class AsyncPayingTransport(_Paying, httpx.AsyncBaseTransport):
    """Pays for the requests of an ``httpx.AsyncClient`` to one or more servers. Others are sent without payment.

    Signatures, the state file and the chain are used in a thread, so the event loop goes on.

    >>> client = httpx.AsyncClient(transport=AsyncPayingTransport(buyer, "https://gw.example.com"))  # doctest: +SKIP
    """

    def __init__(self, buyer: Buyer | TokenPayer, *urls: str, inner: httpx.AsyncBaseTransport | None = None) -> None:
        """Take the buyer, and the URLs of the servers that are paid. Raises InvalidUrl.

        ``inner`` is the transport that sends. It must not send anything twice.
        """
        super().__init__(buyer, *urls)
        self._inner = httpx.AsyncHTTPTransport() if inner is None else inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and pay for it if that is necessary. httpx calls this. Raises as `PayingTransport` does."""
        if not self._pays_for(request):
            return await self._inner.handle_async_request(request)
        stream: Any = request.stream
        run = _Run(request, read_whole(request) or await gather_async(stream, self._payer.max_body))
        await self._drive(run, pay_for(self._payer, run.describe()))
        return run.finish()

    async def open_session(
        self,
        url: str,
        *,
        limit: Credits,
        seconds: Seconds = 3_600,
        per_request: Credits | None = None,
        method: str = "GET",
    ) -> HeldToken:
        """Open a session, as `PayingAdapter.open_session` does."""
        began = self._begin_to_open(url, method, limit, seconds, per_request)
        return await self._drive(*began)

    async def close_session(self, session: HeldToken) -> None:
        """Revoke a session at its gateway. What it did not spend is given back. Raises GatewayRefused."""
        await self._drive(*self._begin_to_close(session))

    async def sign_allowance(
        self,
        url: str,
        *,
        user: str,
        limit: Credits,
        seconds: Seconds,
        per_request: Credits | None = None,
        method: str = "GET",
    ) -> Allowance:
        """Sign that somebody else may use credits of the buyer, as `PayingAdapter.sign_allowance` does."""
        began = self._begin_to_sign(url, method, user, limit, seconds, per_request)
        return await self._drive(*began)

    async def use_allowance(self, url: str, allowance: Allowance) -> HeldToken:
        """Use an allowance for later requests to a service, as `PayingAdapter.use_allowance` does."""
        return await self._drive(*self._begin_to_use(url, allowance))

    async def revoke_allowance(self, url: str, allowance: Allowance) -> None:
        """Revoke an allowance that the buyer has signed. Raises GatewayRefused."""
        await self._drive(*self._begin_to_revoke(url, allowance))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()

    async def _drive(self, run: "_Run", flow: Own[Found]) -> Found:
        reply: Any = None
        try:
            while True:
                step, found = await anyio.to_thread.run_sync(_advance, flow, reply)
                if step is None:
                    return found  # type: ignore[return-value]  # a flow that has ended has its result
                reply = await self._do(run, step)
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(flow.close)

    async def _do(self, run: "_Run", step: Step) -> Reply:
        if isinstance(step, Pause):
            await anyio.sleep(step.milliseconds / 1_000)
            return EMPTY
        if isinstance(step, Send) and run.answer is not None:
            await run.answer.aclose()
        answer = await self._inner.handle_async_request(run.build(step))
        try:
            body = await answer.aread() if run.wants_body(step, answer) else None
        finally:
            if isinstance(step, Ask):
                await answer.aclose()
        return run.note(step, answer, body)


def _advance(flow: Own[Found], reply: Any) -> tuple[Step | None, Found | None]:
    """Return the next step of a flow, or no step and the result. StopIteration cannot leave a thread."""
    try:
        return flow.send(reply), None
    except StopIteration as stop:
        return None, stop.value


class _Run:
    """Builds what a flow asks for, and keeps the last answer to the request of the program."""

    def __init__(self, request: httpx.Request, body: bytes) -> None:
        self._request, self._body = request, body
        self.answer: httpx.Response | None = None
        self._was_paid = False

    def describe(self) -> Wanted:
        """Return the request as the flow knows it."""
        request = self._request
        place = find_place(str(request.url), request.url.raw_path.decode("ascii"))
        return Wanted(request.method, place, self._body, request.headers.get("idempotency-key"))

    def build(self, step: Send | Ask) -> httpx.Request:
        """Return the request of a step."""
        extensions = self._request.extensions
        if isinstance(step, Ask):
            return httpx.Request(
                step.method, step.url, headers=dict(step.headers), content=step.body or None, extensions=extensions
            )
        self._was_paid = bool(step.headers)
        headers = httpx.Headers(
            [(k, v) for k, v in self._request.headers.raw if k.lower().decode() not in _BODY_HEADERS]
        )
        headers.update(step.headers)
        content = self._body if self._body or "content-length" in self._request.headers else None
        return httpx.Request(
            self._request.method, self._request.url, headers=headers, content=content, extensions=extensions
        )

    def wants_body(self, step: Send | Ask, answer: httpx.Response) -> bool:
        """Return whether the body of an answer is read: if it is short, and for the flow. It is not unpacked, so it cannot grow."""
        length = answer.headers.get("content-length", "")
        is_number = length.isascii() and length.isdecimal() and len(length) < 10
        is_short = is_number and int(length) <= MAX_ANSWER and "content-encoding" not in answer.headers
        return is_short and (isinstance(step, Ask) or answer.status_code == _PAYMENT_REQUIRED)

    def note(self, step: Send | Ask, answer: httpx.Response, body: bytes | None) -> Reply:
        """Keep an answer to the request of the program, and return what the flow learns of it."""
        if isinstance(step, Send):
            kind = PaidAnswer if self._was_paid else httpx.Response
            stream = answer.stream if body is None else httpx.ByteStream(body)
            self.answer = kind(answer.status_code, headers=answer.headers, stream=stream, extensions=answer.extensions)
        return Reply(answer.status_code, answer.headers, body or b"")

    def finish(self) -> httpx.Response:
        """Return the answer."""
        if self.answer is None:
            raise RuntimeError("the flow ended without an answer")
        return self.answer


def read_whole(request: httpx.Request) -> bytes | None:
    """Return a body that httpx has as bytes. None if it has to be read."""
    stream: Any = request.stream
    return b"".join(stream) if isinstance(stream, httpx.ByteStream) else None
