"""The gateway's own addresses: what is sold, how an account stands, sign-ins, sessions, receipts, and whether all is well.

| method and path | what it answers |
|---|---|
| ``GET /services`` | the services, their plans, what a request costs, and what a voucher for it needs |
| ``GET /account`` | the account of whoever sends a token or a payment, which is not spent |
| ``GET /sign-in``, ``POST /sign-in`` | a challenge, and a session token for its signature |
| ``POST /sessions``, ``DELETE /sessions`` | a token for a voucher and its terms, and its revocation by whoever has the token |
| ``POST /sessions/revoke`` | the revocation of a session or an allowance by its holder |
| ``POST /plans/<plan>/orders``, ``GET /payments/<name>`` | plans for money, see `nvm_chain.gateway.buying.paths` |
| ``GET /receipts/<hold>`` | the signed receipt of a request |
| ``GET /checkout/``, ``GET /checkout/<DID>`` | what is sold, and the page of a plan or an agent, see `nvm_chain.gateway.checkout.paths` |
| ``GET /checkout/account`` | the page of an account, see `nvm_chain.gateway.checkout.account_paths` |
| ``GET /seller`` | the page of sellers, see `nvm_chain.gateway.pages.seller_paths` |
| ``GET /seller/new`` | the page of a new plan, see `nvm_chain.gateway.new_plans.paths` |
| ``GET /.well-known/x402``, ``GET /openapi.json`` and others | what is sold, see `nvm_chain.gateway.discovery.places` |
| ``GET /streamlit?did=<DID>`` | the log-in inside an app, see `nvm_chain.gateway.pages.streamlit_paths` |
| ``POST /facilitator/verify``, ``POST /facilitator/settle``, ``GET /facilitator/supported`` | payments of other servers, see `nvm_chain.gateway.facilitator.paths` |
| ``GET /health/live``, ``GET /health/ready`` | whether the process runs, and whether it can serve |
| ``GET /metrics`` | numbers for Prometheus, with the token of the settings |

On the own host of a service, the paths of buyers are below ``/.well-known/nvm``.
"""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import json

from nvm_chain.client.places import RESERVED
from nvm_chain.gateway.bodies import Body, BuyerGone
from nvm_chain.gateway.buying.paths import is_of_buying
from nvm_chain.gateway.checkout.paths import PREFIX as CHECKOUT
from nvm_chain.gateway.discovery.places import is_discovery
from nvm_chain.gateway.facilitator.paths import PREFIX as FACILITATOR
from nvm_chain.gateway.forwarding import Send
from nvm_chain.gateway.incoming import Headers, Incoming
from nvm_chain.gateway.metrics import CONTENT_TYPE as METRICS_TYPE
from nvm_chain.gateway.new_plans.paths import is_of_new_plans
from nvm_chain.gateway.own.accounts import RECEIPTS, Accounts
from nvm_chain.gateway.own.asked import Action, Asked
from nvm_chain.gateway.own.health import Health
from nvm_chain.gateway.own.listing import Listing
from nvm_chain.gateway.own.sessions import Sessions
from nvm_chain.gateway.pages.seller_paths import is_seller_page
from nvm_chain.gateway.pages.streamlit_paths import PATH as STREAMLIT
from nvm_chain.gateway.refusals import Refusal, tell_refusal
from nvm_chain.gateway.routes import Hosts
from nvm_chain.gateway.sellers.paths import PREFIX as SELLERS
from nvm_chain.gateway.serving import Receive, Refused, Server, answer
from nvm_chain.gateway.serving_parts import Checkout

_OF_OPERATOR: Final = ("/health/", "/metrics")
"""How the paths begin that are for the operator, and not on the host of a service."""


class OwnPaths:
    """Answers requests to the gateway itself."""

    def __init__(self, server: Server) -> None:
        """Take what serves."""
        listing, self._accounts = Listing(server), Accounts(server)
        sessions, health = Sessions(server), Health(server)
        self._hosts, self._sellers, self._checkout = Hosts(server.services), server.sellers, server.checkout
        self._base = server.base
        self._streamlit, self._new_plans, self._facilitator = server.streamlit, server.new_plans, server.facilitator
        self._seller_page, self._discovery = server.seller_page, server.discovery
        self._buying = server.buying_paths
        self._paths: dict[tuple[str, str], Action] = {
            ("GET", "/services"): listing.list_services,
            ("GET", "/account"): self._accounts.read_account,
            ("GET", "/sign-in"): sessions.challenge,
            ("POST", "/sign-in"): sessions.sign_in,
            ("POST", "/sessions"): sessions.open,
            ("DELETE", "/sessions"): sessions.revoke,
            ("POST", "/sessions/revoke"): sessions.revoke_for_holder,
            ("GET", "/health/live"): health.say_alive,
            ("GET", "/health/ready"): health.say_ready,
            ("GET", "/metrics"): health.write_metrics,
        }

    async def serve(
        self, scope: Mapping[str, Any], incoming: Incoming, receive: Receive, send: Send, more: Headers
    ) -> None:
        """Answer a request. Raises NvmChainError."""
        path = str(scope["path"]).removeprefix(RESERVED)
        method = "GET" if incoming.method == "HEAD" else incoming.method
        service = self._hosts.find(incoming.host)
        is_of_page = is_of_new_plans(path) or is_seller_page(path)
        if self._sellers is not None and path.startswith(SELLERS) and not is_of_page:
            elsewhere = tell_refusal(404, "NotFound", f"Sellers have their addresses at {self._base}{SELLERS}.")
            ask = (path, scope["query_string"], incoming, receive, send, more)
            refusal = await self._sellers.serve(*ask) if service is None else elsewhere
            if refusal is not None:
                await answer(send, refusal, more)
            return
        pages = self._find_pages(path)
        if pages is not None:
            found = await pages.serve(scope, path, incoming, receive, service)
            if found is not None:
                await answer(send, found, more)
            return
        action = None if service is not None and path.startswith(_OF_OPERATOR) else self._find(method, path)
        if action is None:
            await answer(send, self._refuse_path(method, path), more)
            return
        try:
            told = await action(Asked(path, incoming, Body(receive, incoming.length), service))
        except Refused as refused:
            await answer(send, refused.refusal, more)
            return
        except BuyerGone:
            return  # nobody is there to be answered
        await answer(send, _write(told, is_head=incoming.method == "HEAD"), more)

    def _find_pages(self, path: str) -> Checkout | None:
        """Return what answers on the pages of a path. None for a path without pages."""
        found: tuple[tuple[bool, Checkout | None], ...] = (
            (path == STREAMLIT or path.startswith(f"{STREAMLIT}/"), self._streamlit),
            (is_discovery(path), self._discovery),
            (path.startswith(f"{FACILITATOR}/"), self._facilitator),
            (is_of_buying(path), self._buying),
            (is_of_new_plans(path), self._new_plans),
            (is_seller_page(path), self._seller_page),
            (f"{path}/".startswith(CHECKOUT), self._checkout),
        )
        return next((pages for is_theirs, pages in found if is_theirs), None)

    def _find(self, method: str, path: str) -> Action | None:
        if method == "GET" and path.startswith(RECEIPTS):
            return self._accounts.read_receipt
        return self._paths.get((method, path))

    def _refuse_path(self, method: str, path: str) -> Refusal:
        allowed = sorted({known for known, other in self._paths if other == path and known != method})
        message = f"This gateway has no {method} {path[:200]}. GET /services lists what it serves."
        refusal = tell_refusal(405 if allowed else 404, "NotFound", message)
        if allowed:
            refusal.headers.append((b"allow", ", ".join(allowed).encode()))
        return refusal


def _write(told: Any, *, is_head: bool) -> Refusal:
    """Return the answer with what an action told: JSON, or the numbers for Prometheus."""
    text, kind = (told, METRICS_TYPE) if isinstance(told, bytes) else (json.encode(told), "application/json")
    headers = [(b"content-type", kind.encode()), (b"cache-control", b"no-store")]
    if is_head:
        headers.append((b"content-length", str(len(text)).encode()))
        text = b""
    return Refusal(200, headers, text)
