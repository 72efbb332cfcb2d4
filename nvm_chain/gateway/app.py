"""The ASGI application of a gateway. It runs on uvicorn and on granian, and needs no framework."""

import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, Final

from nvm_chain.errors import NvmChainError
from nvm_chain.gateway.cors import Cors
from nvm_chain.gateway.forwarding import Send
from nvm_chain.gateway.incoming import Headers, Incoming, read_incoming
from nvm_chain.gateway.own_paths import OwnPaths
from nvm_chain.gateway.refusals import Refusal, refuse
from nvm_chain.gateway.routes import Route, Routes
from nvm_chain.gateway.serving import Receive, Server, answer

logger: Final = logging.getLogger(__name__)

OpenServer = Callable[[], AbstractAsyncContextManager[Server]]
"""Opens what serves: the meter, the client that calls upstreams, and what else is closed at the end."""


class GatewayApp:
    """The application. Its lifespan opens the meter, so each process of a server has one."""

    def __init__(self, open_server: OpenServer, *, cors_origins: tuple[str, ...] = ("*",)) -> None:
        """Take a function that opens what serves."""
        self._open_server = open_server
        self._cors = Cors(cors_origins)
        self._server: Server | None = None
        self._routes: Routes | None = None
        self._own: OwnPaths | None = None

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve a request, or begin and end with the server."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1_003, "reason": "no websockets here"})

    # ------------------------------------------------------------------ lifespan

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with AsyncExitStack() as stack:
            try:
                server = await stack.enter_async_context(self._open_server())
            except NvmChainError as error:
                logger.error("The gateway cannot start: %s", error)
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
            self._server, self._routes, self._own = server, Routes(server.services), OwnPaths(server)
            await send({"type": "lifespan.startup.complete"})
            await receive()
            self._server = None
        await send({"type": "lifespan.shutdown.complete"})

    # ------------------------------------------------------------------ requests

    async def _serve(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        more: Headers = []
        try:
            server, routes, own = self._server, self._routes, self._own
            if server is None or routes is None or own is None:
                await answer(send, _CLOSED, more)
                return
            host = _find_host(scope["headers"])
            route = routes.find(scope, host)
            incoming = _read(scope, route)
            more = self._cors.build_headers(incoming.origin)
            if _is_preflight(scope, incoming):
                headers = self._cors.answer_preflight(incoming.origin, scope["headers"])
                await answer(send, Refusal(204, [], b""), headers)
            elif route is None:
                await own.serve(scope, incoming, receive, send, more)
            else:
                await server.serve(route.service, incoming, route.target, receive, send, more)
        except NvmChainError as error:
            await answer(send, refuse(error), more)


def _read(scope: Mapping[str, Any], route: Route | None) -> Incoming:
    keeps_cookies = route is not None and bool(route.service.settings.hosts)
    return read_incoming(scope["method"], scope["headers"], keeps_cookies=keeps_cookies)


def _find_host(headers: Headers) -> str:
    return next((value.decode("latin-1").lower() for name, value in headers if name == b"host"), "")


def _is_preflight(scope: Mapping[str, Any], incoming: Incoming) -> bool:
    asks = any(name == b"access-control-request-method" for name, _ in scope["headers"])
    return bool(scope["method"] == "OPTIONS" and incoming.origin is not None and asks)


_CLOSED: Final = Refusal(503, [(b"retry-after", b"5"), (b"cache-control", b"no-store")], b"")
