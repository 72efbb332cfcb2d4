"""The ASGI application of a facilitator that runs alone, without a gateway."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, Final

from msgspec import json

from nvm_chain.errors import NvmChainError
from nvm_chain.gateway.facilitator.numbers import FacilitatorNumbers
from nvm_chain.gateway.facilitator.paths import PREFIX, FacilitatorPaths
from nvm_chain.gateway.forwarding import Send
from nvm_chain.gateway.incoming import read_incoming
from nvm_chain.gateway.metrics import CONTENT_TYPE
from nvm_chain.gateway.refusals import Refusal, refuse, tell_refusal
from nvm_chain.gateway.serving import Receive, answer

OpenPaths = Callable[[], AbstractAsyncContextManager[FacilitatorPaths]]
"""Opens what answers: the books, the key, and the threads."""
_CLOSED: Final = tell_refusal(503, "FacilitatorClosed", "The facilitator does not serve now. Try again later.")
_ALIVE: Final = {"status": "ok"}


class FacilitatorApp:
    """The application. It has the paths of a facilitator, with and without ``/facilitator`` before them."""

    def __init__(self, open_paths: OpenPaths) -> None:
        """Take a function that opens what answers."""
        self._open_paths = open_paths
        self._paths: FacilitatorPaths | None = None
        self.failure: NvmChainError | None = None
        """Why the application could not start."""
        self._numbers = FacilitatorNumbers()

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request, or begin and end with the server."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with AsyncExitStack() as stack:
            try:
                self._paths = await stack.enter_async_context(self._open_paths())
            except NvmChainError as error:
                self.failure = error
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
            await send({"type": "lifespan.startup.complete"})
            await receive()
            self._paths = None
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        began, path = time.perf_counter(), str(scope["path"]).removeprefix(PREFIX)
        try:
            incoming = read_incoming(scope["method"], scope["headers"], keeps_cookies=False)
            found = self._answer_operator(path)
            if found is None and self._paths is not None:
                found = await self._paths.serve(scope, path, incoming, receive, None)
            elif found is None:
                found = _CLOSED
        except NvmChainError as error:
            found = refuse(error)
        if found is not None:
            await answer(send, found, [])
            self._numbers.note(path, found.status, time.perf_counter() - began)

    def _answer_operator(self, path: str) -> Refusal | None:
        if path == "/metrics":
            return Refusal(200, [(b"content-type", CONTENT_TYPE.encode())], self._numbers.write())
        if path in ("/health/live", "/health/ready"):
            is_open = self._paths is not None or path == "/health/live"
            return Refusal(200, [(b"content-type", b"application/json")], json.encode(_ALIVE)) if is_open else _CLOSED
        return None
