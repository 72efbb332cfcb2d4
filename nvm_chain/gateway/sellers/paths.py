"""The addresses of sellers: what they may see of their services, with a token of theirs.

| path | role | what it answers |
|---|---|---|
| ``GET /seller/usage`` | owner, reader | each request to their services, as lines of JSON or CSV |
| ``GET /seller/status`` | owner | how their plans stand, and their transactions that are not final |
| ``GET /seller/settlement`` | owner | what would be settled now on their plans |
| ``GET /seller/metrics`` | owner | the numbers of their services for Prometheus |
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from msgspec import json

from nvm_chain.gateway.bodies import Receive
from nvm_chain.gateway.forwarding import Send
from nvm_chain.gateway.incoming import Headers, Incoming
from nvm_chain.gateway.metrics import CONTENT_TYPE as METRICS_TYPE
from nvm_chain.gateway.metrics import Metrics
from nvm_chain.gateway.refusals import Refusal, ask_for_token, tell_refusal
from nvm_chain.gateway.sellers.tokens import FindTokens, Role, find_bearer
from nvm_chain.gateway.sellers.usage import UsageAsk, read_ask, read_page, read_parts, write_next
from nvm_chain.gateway.sellers.views import Look, SellerView, describe_outlook, read_status, write_metrics
from nvm_chain.gateway.usage_export import write_usage
from nvm_chain.meter.engine import Meter
from nvm_chain.meter.store.usage import read_horizon

PREFIX: Final = "/seller/"
MOST_EXPORTS: Final = 2
"""How many exports of one seller run at the same time, in one process."""
MOST_LOOKS: Final = 1
"""How many questions of one seller for how things stand are answered at the same time, in one process."""
JSON_TYPE: Final = "application/json"


@dataclass(frozen=True, slots=True)
class SellerRequest:
    """A request of a seller: who asks for what, and where the answer goes. ``more`` are headers of every answer.

    ``receive`` says whether the seller is still there.
    """

    seller: str
    view: SellerView
    path: str
    query: bytes
    is_head: bool
    receive: Receive
    send: Send
    more: Headers

    async def answer(self, body: bytes, kind: str, *headers: tuple[bytes, bytes]) -> None:
        """Send a whole answer."""
        length = (b"content-length", str(len(body)).encode())
        await self.begin(kind, length, *headers)
        await self.send({"type": "http.response.body", "body": b"" if self.is_head else body})

    async def begin(self, kind: str, *headers: tuple[bytes, bytes]) -> None:
        """Send the head of an answer."""
        own = [(b"content-type", kind.encode()), (b"cache-control", b"no-store"), *headers, *self.more]
        await self.send({"type": "http.response.start", "status": 200, "headers": own})

    async def wait_until_gone(self) -> None:
        """Wait until the seller has closed the connection."""
        while (await self.receive())["type"] != "http.disconnect":
            pass


class SellerPaths:
    """Answers requests of sellers. What one seller asks for never has anything of another one."""

    def __init__(
        self, meter: Meter, views: Mapping[str, SellerView], find_tokens: FindTokens, look: Look, metrics: Metrics
    ):
        """Take what is open.

        Args:
            meter: The meter.
            views: What each seller may see, by name.
            find_tokens: A function that returns the tokens of all sellers as they are now.
            look: A function that returns what would be settled, and sends nothing.
            metrics: The numbers of all services.
        """
        self._meter, self._views, self._find_tokens, self._look, self._metrics = (
            meter,
            views,
            find_tokens,
            look,
            metrics,
        )
        self._exports: Counter[str] = Counter()
        self._looks: Counter[str] = Counter()
        self._looking = asyncio.Lock()
        every, owners = frozenset(Role), frozenset((Role.OWNER,))
        self._paths: dict[str, tuple[frozenset[Role], Callable[[SellerRequest], Awaitable[Refusal | None]]]] = {
            "/seller/usage": (every, self._export),
            "/seller/status": (owners, self._tell_status),
            "/seller/settlement": (owners, self._tell_settlement),
            "/seller/metrics": (owners, self._tell_metrics),
        }

    async def serve(
        self, path: str, query: bytes, incoming: Incoming, receive: Receive, send: Send, more: Headers
    ) -> Refusal | None:
        """Answer a request, or return why it is refused. Raises InvalidMessage or IndexFailure before the answer begins."""
        bearer = find_bearer(incoming.bearer, self._find_tokens())
        if bearer is None:
            return _refuse_token()
        known = self._paths.get(path)
        if known is None:
            return tell_refusal(404, "NotFound", f"Sellers have {', '.join(self._paths)}.")
        if incoming.method not in ("GET", "HEAD"):
            refusal = tell_refusal(405, "NotFound", f"{path} is read with GET.")
            refusal.headers.append((b"allow", b"GET"))
            return refusal
        roles, action = known
        if bearer.role not in roles:
            message = f"A token with the role {bearer.role} does not open {path}. Use a token of an owner."
            return tell_refusal(403, "RoleTooWeak", message)
        is_head = incoming.method == "HEAD"
        request = SellerRequest(bearer.seller, self._views[bearer.seller], path, query, is_head, receive, send, more)
        return await action(request)

    # ------------------------------------------------------------------ usage

    async def _export(self, request: SellerRequest) -> Refusal | None:
        """Answer with usage, until the seller goes away."""
        ask = read_ask(request.query, request.view.services)
        if self._exports[request.seller] >= MOST_EXPORTS:
            return _refuse_export()
        self._exports[request.seller] += 1
        work = asyncio.ensure_future(self._send_usage(request, ask))
        gone = asyncio.ensure_future(request.wait_until_gone())
        try:
            await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
        finally:
            work.cancel()
            gone.cancel()
            self._exports[request.seller] -= 1
        return None

    async def _send_usage(self, request: SellerRequest, ask: UsageAsk) -> None:
        since = await asyncio.to_thread(self._meter.writer.run, read_horizon)
        kept = (b"nvm-kept-since", str(since).encode())
        if ask.limit is None:
            await self._stream(request, ask, kept)
        else:
            await self._send_page(request, ask, ask.limit, kept)

    async def _stream(self, request: SellerRequest, ask: UsageAsk, kept: tuple[bytes, bytes]) -> None:
        await request.begin(ask.form.content_type, kept)
        if not request.is_head:
            head = "".join(write_usage((), ask.form))
            await request.send({"type": "http.response.body", "body": head.encode(), "more_body": True})
            async for part in read_parts(self._meter.writer, ask):
                text = "".join(write_usage(part.entries, ask.form, has_head=False))
                await request.send({"type": "http.response.body", "body": text.encode(), "more_body": True})
        await request.send({"type": "http.response.body", "body": b""})

    async def _send_page(self, request: SellerRequest, ask: UsageAsk, limit: int, kept: tuple[bytes, bytes]) -> None:
        found, after = await read_page(self._meter.writer, ask, limit)
        headers = [kept]
        if after is not None:
            headers.append((b"link", write_next(request.path, request.query, after).encode()))
        await request.answer("".join(write_usage(found, ask.form)).encode(), ask.form.content_type, *headers)

    # ------------------------------------------------------------------ how things stand

    async def _tell_status(self, request: SellerRequest) -> Refusal | None:
        return await self._tell(request, lambda: asyncio.to_thread(read_status, self._meter.writer, request.view))

    async def _tell_settlement(self, request: SellerRequest) -> Refusal | None:
        return await self._tell(request, lambda: self._look_for(request.view))

    async def _tell(self, request: SellerRequest, ask: Callable[[], Awaitable[Any]]) -> Refusal | None:
        """Answer with how things stand. One question of a seller at a time, because each may read many accounts."""
        if self._looks[request.seller] >= MOST_LOOKS:
            return _refuse_look()
        self._looks[request.seller] += 1
        try:
            told = await ask()
        finally:
            self._looks[request.seller] -= 1
        await request.answer(json.encode(told), JSON_TYPE)
        return None

    async def _look_for(self, view: SellerView) -> dict[str, Any]:
        settings = view.narrow(self._meter.settings)
        async with self._looking:  # one at a time, because each may read many accounts
            outlook = await asyncio.to_thread(self._look, settings)
        return describe_outlook(view.narrow_outlook(outlook))

    async def _tell_metrics(self, request: SellerRequest) -> None:
        await request.answer(write_metrics(self._metrics.registry, request.view.services), METRICS_TYPE)


def _refuse_token() -> Refusal:
    message = "This address is for sellers, with a token of theirs. Send it as Authorization: Bearer."
    return ask_for_token("sellers", "SellerUnknown", message)


def _refuse_look() -> Refusal:
    message = "A question of this seller is being answered already. Try again when it was answered."
    refusal = tell_refusal(429, "TooManyQuestions", message)
    refusal.headers.append((b"retry-after", b"1"))
    return refusal


def _refuse_export() -> Refusal:
    message = f"{MOST_EXPORTS} exports of this seller run already. Try again when one of them has ended."
    refusal = tell_refusal(429, "TooManyExports", message)
    refusal.headers.append((b"retry-after", b"10"))
    return refusal
