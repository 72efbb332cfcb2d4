"""How a websocket is served: found, paid for by a session, accepted on both sides, and ended with a code that says why."""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from nvm_chain.errors import (
    NoWebsockets,
    NvmChainError,
    PlanNotAccepted,
    SessionMissing,
    UnknownEndpoint,
    UpstreamUnreachable,
)
from nvm_chain.gateway.catalogue import SoldEndpoint
from nvm_chain.gateway.cors import Cors
from nvm_chain.gateway.incoming import Headers
from nvm_chain.gateway.refusals import Refusal, refuse, tell_refusal
from nvm_chain.gateway.routes import Route
from nvm_chain.gateway.serving import Refused, Server
from nvm_chain.gateway.sockets.bridges import Bridge
from nvm_chain.gateway.sockets.buyers import LOST, BuyerSocket
from nvm_chain.gateway.sockets.endings import FAILED, RESTARTS, Ending, Side
from nvm_chain.gateway.sockets.metrics import SocketMetrics
from nvm_chain.gateway.sockets.places import Places
from nvm_chain.gateway.sockets.refusing import refuse_socket
from nvm_chain.gateway.sockets.terms import SocketTerms
from nvm_chain.gateway.sockets.units import PaidUnits, Units
from nvm_chain.gateway.sockets.upgrades import Upgrade, choose_protocol, comes_from_allowed_page, read_upgrade
from nvm_chain.gateway.sockets.upstream import UpstreamSocket, UpstreamSockets
from nvm_chain.meter.credentials import TokenCredential
from nvm_chain.types.ids import parse_agent_id

logger: Final = logging.getLogger(__name__)

SWITCHED: Final = 101
STOPS: Final = Ending(Side.GATEWAY, RESTARTS, "The gateway stops. Connect again.")
_BROKEN: Final = Ending(Side.GATEWAY, FAILED, "The gateway failed. Connect again.")
_STRANGE_PAGE: Final = tell_refusal(403, "PageNotAllowed", "Pages of this origin may not open websockets here.")
_PAUSE: Final = 0.01


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A websocket that a buyer wants, and how it is sold."""

    route: Route
    buyer: BuyerSocket
    upgrade: Upgrade
    terms: SocketTerms
    endpoint: SoldEndpoint


class SocketServer:
    """Serves the websockets of all services."""

    def __init__(self, server: Server, cors: Cors) -> None:
        """Take what serves requests. Make it in the event loop in which it is used."""
        self._server, self._cors = server, cors
        self._metrics = SocketMetrics(server.metrics.registry)
        self._upstreams = UpstreamSockets()
        self._places = Places()
        self._bridges: set[Bridge] = set()
        self._is_closing = False

    async def serve(self, route: Route, scope: Mapping[str, Any], buyer: BuyerSocket) -> None:
        """Serve a websocket, or answer why it is not served.

        Args:
            route: Where it is for.
            scope: The request, as the server gives it.
            buyer: The buyer's side.
        """
        began, service, wanted = time.perf_counter(), route.service, None
        try:
            wanted = self._read(route, scope, buyer)
            await self._serve(wanted, began)
            return
        except NvmChainError as error:
            refusal = refuse(error) if wanted is None else self._refuse(error, wanted)
        except Refused as refused:
            refusal = refused.refusal
        self._server.metrics.note_request(service.did, refusal.status, time.perf_counter() - began)
        await buyer.refuse(refusal)

    def _refuse(self, error: NvmChainError, wanted: _Wanted) -> Refusal:
        """Return the answer to a websocket that is sold, and was not paid for or cannot be opened."""
        route = wanted.route
        return refuse_socket(
            error,
            route.service,
            wanted.endpoint,
            base=self._server.base,
            target=route.target,
            own_host=wanted.upgrade.incoming.host if route.on_own_host else None,
        )

    def _read(self, route: Route, scope: Mapping[str, Any], buyer: BuyerSocket) -> _Wanted:
        """Read what a buyer wants. Raises NvmChainError or Refused."""
        service = route.service
        upgrade = read_upgrade(scope, keeps_cookies=route.on_own_host)
        if not comes_from_allowed_page(upgrade.incoming, self._cors):
            raise Refused(_STRANGE_PAGE)
        terms = service.settings.websocket
        if terms is None or not service.settings.upstream:  # a folder of files has none
            raise NoWebsockets(service.did)
        endpoint = service.find_endpoint("GET", route.target)
        if endpoint is None:
            raise UnknownEndpoint(parse_agent_id(service.did), "GET", route.target.partition("?")[0])
        return _Wanted(route, buyer, upgrade, terms, endpoint)

    # ------------------------------------------------------------------ payment

    async def _serve(self, wanted: _Wanted, began: Any) -> None:
        settings, endpoint = wanted.route.service.settings, wanted.endpoint
        if endpoint.is_open:
            with self._places.take(settings, None):
                await self._open(wanted, Units(), began)
            return
        token = wanted.upgrade.token
        if token is None:
            raise SessionMissing(settings.did)
        key = await self._server.meter.find_payer(TokenCredential(token))
        plan = endpoint.plans.get(key.plan_id)
        if plan is None:
            raise PlanNotAccepted(key.plan_id, settings.did)
        with self._places.take(settings, key):
            meter, target = self._server.meter, wanted.route.target
            units = PaidUnits(meter, token, settings.did, target, plan, wanted.terms.per)
            await units.begin()
            await self._open(wanted, units, began)

    async def _open(self, wanted: _Wanted, units: Units, began: Any) -> None:
        """Open a websocket whose first unit is held."""
        upstream = await self._connect(wanted, units)
        units.accept()
        did = wanted.route.service.did
        self._server.metrics.note_request(did, SWITCHED, time.perf_counter() - began)
        self._metrics.note_open(did)
        ending = _BROKEN
        try:
            ending = await self._bridge(wanted, units, upstream)
        finally:
            units.finish()
            await upstream.close(ending)
            await wanted.buyer.close(ending)
            self._note_end(did, units, ending)

    async def _connect(self, wanted: _Wanted, units: Units) -> UpstreamSocket:
        """Connect to the service. If it does not accept, the first unit is given back. Raises UpstreamError."""
        settings, upgrade = wanted.route.service.settings, wanted.upgrade
        upstream: UpstreamSocket | None = None
        was_sent = True
        try:
            upstream = await self._upstreams.connect(
                settings,
                wanted.route.target,
                [*upgrade.incoming.forwarded, *units.told],
                upgrade.protocols,
                auth=self._server.find_header(settings.did) or settings.auth,
                max_bytes=wanted.terms.max_bytes,
            )
            return upstream
        except UpstreamUnreachable:
            was_sent = False
            raise
        finally:
            if upstream is None:
                units.refuse(was_sent=was_sent)

    # ------------------------------------------------------------------ messages

    async def _bridge(self, wanted: _Wanted, units: Units, upstream: UpstreamSocket) -> Ending:
        did, buyer = wanted.route.service.did, wanted.buyer
        seconds = wanted.route.service.settings.request_seconds
        count = lambda side: self._metrics.note_message(did, side)  # noqa: E731
        bridge = Bridge(buyer, upstream, units, wanted.terms, seconds, count)
        self._bridges.add(bridge)
        if self._is_closing:
            bridge.stop(STOPS)
        try:
            headers: Headers = [*units.answer(self._server.meter.settings.chain_id)]
            try:
                await buyer.accept(choose_protocol(wanted.upgrade, upstream.protocol), headers)
            except OSError:
                return LOST
            return await bridge.run()
        finally:
            self._bridges.discard(bridge)

    def _note_end(self, did: str, units: Units, ending: Ending) -> None:
        self._metrics.note_end(did, ending)
        self._server.metrics.note_charge(did, units.charged)
        told = dict(units.told).get("nvm-request-id", "")
        more = {"service": did, "status": ending.code, **({"request_id": told} if told else {})}
        logger.info("A websocket was ended by the %s.", ending.side.value, extra=more)

    # ------------------------------------------------------------------ the end

    async def close(self) -> None:
        """End all websockets, and wait until their buyers were told."""
        self._is_closing = True
        while self._bridges:
            for bridge in self._bridges:
                bridge.stop(STOPS)
            await asyncio.sleep(_PAUSE)
        await self._upstreams.close()
