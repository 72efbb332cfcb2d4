"""The addresses of the page of sellers. Whoever asks below ``/seller/api/`` has signed in with a wallet, or has a seller's token.

| method and path | what it answers |
|---|---|
| ``GET /seller`` | the page. It has nothing of any seller before somebody signs in |
| ``GET /seller/assets/<file>`` | its script and its styles |
| ``GET /seller/api/challenge?account=`` | the message that the wallet of an account signs |
| ``POST /seller/api/sign-in`` | a token of the page for the signed message |
| ``GET /seller/api/overview`` | plans, sales, revenue and settlements of a period |
| ``GET /seller/api/outlook`` | what is due to be settled |
| ``GET /seller/api/holders?plan=&after=`` | the next holders of a plan |
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import Any, Final

from nvm_chain.gateway.bodies import Body, Receive
from nvm_chain.gateway.catalogue import SoldService
from nvm_chain.gateway.checkout.refusing import refuse_order
from nvm_chain.gateway.incoming import Incoming
from nvm_chain.gateway.own.asked import Asked, read_hex, read_json
from nvm_chain.gateway.pages.answering import answer_page, read_query, refuse_method, tell_json
from nvm_chain.gateway.pages.assets import PAGE_HEADERS, find_asset, read_template
from nvm_chain.gateway.pages.frame import write_page
from nvm_chain.gateway.pages.seller_answers import SellerAnswers
from nvm_chain.gateway.pages.visitors import VisitBody, Visitors
from nvm_chain.gateway.refusals import Refusal, ask_for_token, tell_refusal
from nvm_chain.gateway.sellers.sights import Asker
from nvm_chain.gateway.sellers.tokens import FindTokens, Role, find_bearer
from nvm_chain.gateway.serving import Refused

PATH: Final = "/seller"
API: Final = f"{PATH}/api/"
ASSETS: Final = f"{PATH}/assets/"
Action = Callable[[Asked, dict[str, str]], Awaitable[Any]]


def is_seller_page(path: str) -> bool:
    """Return whether a path is one of the page. The other ones below ``/seller/`` are for programs with a seller's token."""
    return path == PATH or path.startswith((API, ASSETS))


class SellerPagePaths:
    """Answers requests of the page of sellers."""

    def __init__(self, answers: SellerAnswers, visitors: Visitors, find_tokens: FindTokens, *, base: str) -> None:
        """Take what answers, and what knows who asks. ``base`` is the URL of the gateway."""
        self._answers, self._visitors, self._find_tokens, self._base = answers, visitors, find_tokens, base
        self._actions: dict[tuple[str, str], Action] = {
            ("GET", "challenge"): self._challenge,
            ("POST", "sign-in"): self._sign_in,
            ("GET", "overview"): self._tell_overview,
            ("GET", "outlook"): self._tell_outlook,
            ("GET", "holders"): self._list_holders,
        }

    async def serve(
        self, scope: Mapping[str, Any], path: str, incoming: Incoming, receive: Receive, service: SoldService | None
    ) -> Refusal | None:
        """Return the answer to a request. None if nobody is there to be answered.

        ``service`` is there if the request came to the own host of a service, where the page is not.
        """
        asked = Asked(path, incoming, Body(receive, incoming.length), service)
        return await answer_page(incoming, self._serve(path, scope["query_string"], asked), refuse_order)

    async def _serve(self, path: str, query: bytes, asked: Asked) -> Refusal:
        if asked.service is not None:
            return tell_refusal(404, "NotFound", f"Sellers have their page at {self._base}{PATH}.")
        method = "GET" if asked.incoming.method == "HEAD" else asked.incoming.method
        if path.startswith(API):
            return await self._ask(method, path.removeprefix(API), query, asked)
        if method != "GET":
            return refuse_method(path, "GET")
        if path.startswith(ASSETS):
            asset = find_asset(path.removeprefix(ASSETS))
            return _miss() if asset is None else Refusal(200, [*asset.headers], asset.body)
        return Refusal(200, [*PAGE_HEADERS], build_seller_page())

    async def _ask(self, method: str, name: str, query: bytes, asked: Asked) -> Refusal:
        action = self._actions.get((method, name))
        if action is None:
            allowed = [known for known, other in self._actions if other == name]
            return refuse_method(name, *allowed) if allowed else _miss()
        return tell_json(await action(asked, read_query(query)))

    # ------------------------------------------------------------------ who asks

    async def _challenge(self, asked: Asked, query: dict[str, str]) -> Any:
        return await self._visitors.challenge(query.get("account", ""), asked)

    async def _sign_in(self, asked: Asked, query: dict[str, str]) -> Any:
        given = await read_json(asked.body, VisitBody)
        return {"token": await self._visitors.admit(given.message, read_hex(given.signature), asked)}

    def _find_asker(self, asked: Asked) -> Asker:
        """Return who asks: a seller by its token, or an account by a token of the page. Raises Refused."""
        bearer = find_bearer(asked.incoming.bearer, self._find_tokens())
        if bearer is None:
            account = self._visitors.find(asked.incoming.bearer)
            if account is None:
                raise Refused(
                    ask_for_token(
                        "sellers", "SellerUnknown", "The sign-in is over, or the token is not known. Sign in again."
                    )
                )
            return Asker(account=account)
        if bearer.role is not Role.OWNER:
            message = f"A token with the role {bearer.role} does not open this page. Use a token of an owner."
            raise Refused(tell_refusal(403, "RoleTooWeak", message))
        return Asker(seller=bearer.seller)

    # ------------------------------------------------------------------ what is told

    async def _tell_overview(self, asked: Asked, query: dict[str, str]) -> Any:
        return await self._answers.tell_overview(self._find_asker(asked), query)

    async def _tell_outlook(self, asked: Asked, query: dict[str, str]) -> Any:
        return await self._answers.tell_outlook(self._find_asker(asked))

    async def _list_holders(self, asked: Asked, query: dict[str, str]) -> Any:
        return await self._answers.list_holders(self._find_asker(asked), query)


@cache
def build_seller_page() -> bytes:
    """Return the page as HTML. It is the same for everybody."""
    body = read_template("seller.html").substitute()
    return write_page("Your sales", body, "seller.js", styles=("checkout.css", "seller.css"), folder="seller/assets")


def _miss() -> Refusal:
    return tell_refusal(404, "NotFound", f"The page of sellers is GET {PATH}.")
