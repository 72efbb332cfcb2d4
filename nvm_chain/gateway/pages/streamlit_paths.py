"""The addresses of the page in an app.

| method and path | what it answers |
|---|---|
| ``GET /streamlit?did=<agent DID>`` | the page: log in, plans, and a token for the app around it |
| ``GET /streamlit/assets/<file>`` | its script and its style |
| ``GET /streamlit/api/plans?did=&account=`` | which plans an account can use now |
| ``POST /streamlit/api/logins?did=`` | what the wallet of an account signs to use a plan |
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from nvm_chain.chain.client import Chain
from nvm_chain.errors import InputError
from nvm_chain.gateway.addresses import find_address
from nvm_chain.gateway.bodies import Body
from nvm_chain.gateway.catalogue import SoldService
from nvm_chain.gateway.checkout.cards import Cards
from nvm_chain.gateway.checkout.chain_desk import ChainDesk
from nvm_chain.gateway.incoming import Incoming
from nvm_chain.gateway.own.asked import Asked, read_json
from nvm_chain.gateway.pages.answering import answer_page, read_query, tell_json
from nvm_chain.gateway.pages.assets import find_asset
from nvm_chain.gateway.pages.streamlit import build_streamlit_headers, build_streamlit_page
from nvm_chain.gateway.pages.streamlit_logins import LoginBody, Logins
from nvm_chain.gateway.refusals import Refusal, refuse, tell_refusal
from nvm_chain.gateway.serving import Receive, Refused, Server
from nvm_chain.types.ids import format_did, parse_agent_id

PATH: Final = "/streamlit"
THREADS: Final = 2


class StreamlitPaths:
    """Answers requests of the page in an app."""

    def __init__(self, server: Server, desk: ChainDesk) -> None:
        """Take what serves, and what asks the chain."""
        self._server, self._logins = server, Logins(server, desk, Cards())

    async def serve(
        self, scope: Mapping[str, Any], path: str, incoming: Incoming, receive: Receive, service: SoldService | None
    ) -> Refusal | None:
        """Return the answer to a request. None if nobody is there to be answered.

        ``service`` is there if the request came to the own host of a service.
        """
        asked = Asked(path, incoming, Body(receive, incoming.length), service)
        return await answer_page(incoming, self._serve(path.removeprefix(PATH), scope["query_string"], asked), refuse)

    async def _serve(self, rest: str, encoded: bytes, asked: Asked) -> Refusal:
        query = read_query(encoded)
        method = "GET" if asked.incoming.method == "HEAD" else asked.incoming.method
        if rest.startswith("/assets/"):
            asset = find_asset(rest.removeprefix("/assets/"))
            return _miss() if asset is None else Refusal(200, [*asset.headers], asset.body)
        service = self._find_service(query.get("did"), asked)
        match (method, rest):
            case ("GET", ""):
                return await self._show(service, asked)
            case ("GET", "/api/plans"):
                return tell_json(await self._logins.tell_plans(service, query.get("account", "")))
            case ("POST", "/api/logins"):
                return tell_json(await self._logins.prepare(service, await read_json(asked.body, LoginBody), asked))
        return _miss()

    async def _show(self, service: SoldService, asked: Asked) -> Refusal:
        host = asked.incoming.host if asked.service else None
        url = find_address(service.did, self._server.base, host).service
        cards = await self._logins.read_cards(service)
        page = build_streamlit_page(service, cards, url=url, chain_id=self._server.meter.settings.chain_id)
        return Refusal(200, build_streamlit_headers(service.settings.embedded_in), page)

    def _find_service(self, did: str | None, asked: Asked) -> SoldService:
        """Return the service of a DID that may be embedded. Raises Refused."""
        try:
            named = format_did(parse_agent_id(did or (asked.service.did if asked.service else "")))
        except InputError:
            raise Refused(
                tell_refusal(400, "InvalidAgentId", "The address needs did= and the DID of an agent.")
            ) from None
        service = self._server.services.get(named)
        if service is None or asked.service not in (None, service):
            raise Refused(tell_refusal(404, "ServiceUnknown", "This gateway does not sell that service."))
        if not service.settings.embedded_in:
            reason = "No app may embed this service. Its seller names the origins of apps in `embedded_in`."
            raise Refused(tell_refusal(404, "NotEmbedded", reason))
        return service


@asynccontextmanager
async def open_streamlit(connect: Callable[[], Chain], server: Server) -> AsyncIterator[StreamlitPaths]:
    """Open the page for a ``with`` block. It connects to the chain when it is first asked for."""
    desk = ChainDesk(connect, threads=THREADS)
    try:
        yield StreamlitPaths(server, desk)
    finally:
        desk.close()


def _miss() -> Refusal:
    return tell_refusal(404, "NotFound", "The page is GET /streamlit?did= and the DID of an agent.")
