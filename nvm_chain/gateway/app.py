"""The ASGI application of a gateway. It runs on uvicorn and on granian, and needs no framework."""

import time
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, Final

from nvm_chain.errors import NvmChainError
from nvm_chain.gateway.cors import Cors
from nvm_chain.gateway.forwarding import Send
from nvm_chain.gateway.incoming import Headers, Incoming, read_incoming
from nvm_chain.gateway.own_paths import OwnPaths
from nvm_chain.gateway.refusals import Refusal, refuse, tell_refusal
from nvm_chain.gateway.routes import Route, Routes
from nvm_chain.gateway.serving import Receive, Server, answer
from nvm_chain.gateway.sockets.buyers import BuyerSocket
from nvm_chain.gateway.sockets.serving import SocketServer

OpenServer = Callable[[], AbstractAsyncContextManager[Server]]
"""Opens what serves: the meter, the client that calls upstreams, and what else is closed at the end."""


class GatewayApp:
    """The application. Its lifespan opens the meter, so each process of a server has one."""

    def __init__(self, open_server: OpenServer, *, cors_origins: tuple[str, ...] = ("*",)) -> None:
        """Take a function that opens what serves."""
        self._open_server = open_server
        self._cors = Cors(cors_origins)
        self.failure: NvmChainError | None = None
        """Why the application could not start."""
        self._server: Server | None = None
        self._routes: Routes | None = None
        self._own: OwnPaths | None = None
        self._sockets: SocketServer | None = None

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve a request, or begin and end with the server."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)
        else:
            await self._serve_socket(scope, receive, send)

    # ------------------------------------------------------------------ lifespan

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with AsyncExitStack() as stack:
            try:
                server = await stack.enter_async_context(self._open_server())
            except NvmChainError as error:
                self.failure = error
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
            self._server, self._routes, self._own = server, Routes(server.services), OwnPaths(server)
            self._sockets = SocketServer(server, self._cors)
            stack.push_async_callback(self._sockets.close)
            await send({"type": "lifespan.startup.complete"})
            await receive()
            self._server = None
        await send({"type": "lifespan.shutdown.complete"})

    # ------------------------------------------------------------------ requests

    async def _serve(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        server, routes, own = self._server, self._routes, self._own
        if server is None or routes is None or own is None:
            await answer(send, _CLOSED, [])
            return
        began, status = time.perf_counter(), 0

        async def counted(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        route: Route | None = None
        more: Headers = []
        try:
            route = routes.find(scope, _find_host(scope["headers"]))
            incoming = _read(scope, route)
            more = self._cors.build_headers(incoming.origin)
            if _is_preflight(scope, incoming):
                headers = self._cors.answer_preflight(incoming.origin, scope["headers"])
                await answer(counted, Refusal(204, [], b""), headers)
            elif route is None:
                await own.serve(scope, incoming, receive, counted, more)
            else:
                await server.serve(route.service, incoming, route.target, receive, counted, more)
        except NvmChainError as error:
            await answer(counted, refuse(error), more)
        finally:
            service = None if route is None else route.service.did
            server.metrics.note_request(service, status, time.perf_counter() - began)

    async def _serve_socket(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        buyer = BuyerSocket(scope, receive, send)
        await receive()  # the message that says that the buyer waits for an answer
        routes, sockets = self._routes, self._sockets
        if self._server is None or routes is None or sockets is None:
            await buyer.refuse(_CLOSED)
            return
        try:
            route = routes.find(scope, _find_host(scope["headers"]))
        except NvmChainError as error:
            await buyer.refuse(refuse(error))
            return
        if route is None:
            await buyer.refuse(_NO_SOCKET)
        else:
            await sockets.serve(route, scope, buyer)


def _read(scope: Mapping[str, Any], route: Route | None) -> Incoming:
    keeps_cookies = route is not None and route.on_own_host
    return read_incoming(scope["method"], scope["headers"], keeps_cookies=keeps_cookies)


def _find_host(headers: Headers) -> str:
    return next((value.decode("latin-1").lower() for name, value in headers if name == b"host"), "")


def _is_preflight(scope: Mapping[str, Any], incoming: Incoming) -> bool:
    if scope["method"] != "OPTIONS" or incoming.origin is None:
        return False
    return any(name == b"access-control-request-method" for name, _ in scope["headers"])


_CLOSED: Final = tell_refusal(503, "MeterClosed", "The gateway does not serve now. Try again later.")
_CLOSED.headers.append((b"retry-after", b"5"))
_NO_SOCKET: Final = tell_refusal(
    404, "NotFound", "The gateway itself has no websockets. GET /services lists what it serves."
)
