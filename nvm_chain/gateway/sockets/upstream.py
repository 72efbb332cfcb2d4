"""The client that opens websockets to services, message by message as they come.

It has connections of its own, so that websockets, which stay open, never take those that requests need.
"""

import asyncio
from types import SimpleNamespace
from typing import Any, Final

import aiohttp
from yarl import URL

from nvm_chain.errors import UpstreamFailed, UpstreamTooSlow, UpstreamUnreachable
from nvm_chain.gateway.settings import CONNECT_SECONDS, ServiceSettings, UpstreamHeader
from nvm_chain.gateway.sockets.endings import BAD_GATEWAY, FAILED, Ending, Side

CLOSE_SECONDS: Final = 5
"""How long the answer to a close frame may take."""
PING_SECONDS: Final = 30
"""How often a service is asked whether it is still there. Its answer may take half of this time."""
_WITHOUT: Final = frozenset(("User-Agent", "Accept", "Accept-Encoding"))
"""Headers that aiohttp would add, and the buyer did not send."""
_GONE: Final = Ending(Side.SERVICE, BAD_GATEWAY)


class _LeadsAway(aiohttp.ClientError):
    """A service answered with a redirect. Whoever follows it would send the seller's secret there."""


class UpstreamSocket:
    """A websocket to a service."""

    def __init__(self, socket: "aiohttp.ClientWebSocketResponse[Any]") -> None:
        """Take an open websocket."""
        self._socket = socket
        self.protocol: str | None = socket.protocol

    async def send(self, message: str | bytes) -> None:
        """Hand up a message, and wait while the service is slow. Raises OSError if the service went away."""
        try:
            if isinstance(message, str):
                await self._socket.send_str(message)
            else:
                await self._socket.send_bytes(message)
        except aiohttp.ClientError as error:
            raise ConnectionResetError from error

    async def receive(self) -> str | bytes | Ending:
        """Return the next message, or how the service ended the connection."""
        found = await self._socket.receive()
        if found.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
            message: str | bytes = found.data
            return message
        if found.type is aiohttp.WSMsgType.CLOSE:
            return Ending(Side.SERVICE, int(found.data or 0), str(found.extra or ""))
        if isinstance(found.data, aiohttp.WebSocketError):
            return Ending(Side.GATEWAY, FAILED, f"The service sent what cannot be handed on: {found.data}.")
        return _GONE

    async def close(self, ending: Ending) -> None:
        """End the connection, with what the service is told."""
        code, reason = ending.for_service()
        await self._socket.close(code=code, message=reason.encode())


class UpstreamSockets:
    """Opens websockets to services. Make it in the event loop in which it is used."""

    def __init__(self) -> None:
        """Open the pool of connections."""
        trace = aiohttp.TraceConfig()
        trace.on_request_redirect.append(_refuse_redirect)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=30),  # each service has a limit of its own
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS),
            max_line_size=16_384,
            max_field_size=65_536,
            requote_redirect_url=False,
            skip_auto_headers=_WITHOUT,
            trace_configs=[trace],
        )
        # aiohttp asks again if a connection ends before the answer, and has no public switch against it.
        self._session._retry_connection = False  # noqa: SLF001

    async def connect(
        self,
        service: ServiceSettings,
        target: str,
        headers: list[tuple[str, str]],
        protocols: tuple[str, ...],
        *,
        auth: UpstreamHeader | None,
        max_bytes: int,
    ) -> UpstreamSocket:
        """Open a websocket to a service. The target is sent as it is, and no redirect is followed.

        Args:
            service: The service.
            target: The target of the request, byte for byte.
            headers: The headers, the names in small letters.
            protocols: The subprotocols of which the service may choose one.
            auth: A header with the seller's secret.
            max_bytes: The largest message of the service.

        Raises:
            UpstreamUnreachable: There is no connection to the service, so it did not see the request.
            UpstreamFailed: The service did not accept the websocket.
            UpstreamTooSlow: The service did not answer in time.
        """
        if auth is not None:
            name = auth.name.lower()
            headers = [(each, value) for each, value in headers if each.replace("_", "-") != name]
            headers.append((auth.name, auth.value))
        try:
            async with asyncio.timeout(service.request_seconds):
                socket = await self._session.ws_connect(
                    URL(service.upstream.rstrip("/") + target, encoded=True),
                    headers=headers,
                    protocols=protocols,
                    heartbeat=PING_SECONDS,
                    autoclose=False,
                    max_msg_size=max_bytes + 1,  # aiohttp takes less than that
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS),
                )
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise UpstreamUnreachable(service.did) from error
        except TimeoutError as error:
            raise UpstreamTooSlow(service.did, service.request_seconds) from error
        except _LeadsAway as error:
            raise UpstreamFailed(service.did, "redirects, where it should open a websocket") from error
        except aiohttp.WSServerHandshakeError as error:
            raise UpstreamFailed(
                service.did, f"answers with the status {error.status}, and opens no websocket"
            ) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise UpstreamFailed(service.did, "ended the connection, or did not answer with HTTP") from error
        return UpstreamSocket(socket)

    async def close(self) -> None:
        """End all connections."""
        await self._session.close()


async def _refuse_redirect(
    session: aiohttp.ClientSession,  # noqa: ARG001  what aiohttp gives
    context: SimpleNamespace,  # noqa: ARG001
    found: aiohttp.TraceRequestRedirectParams,
) -> None:
    found.response.close()
    raise _LeadsAway
