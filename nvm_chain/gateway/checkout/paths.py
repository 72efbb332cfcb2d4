"""The addresses of the checkout.

| method and path | what it answers |
|---|---|
| ``GET /checkout/`` | the agents of the gateway, or the plans of the only one |
| ``GET /checkout/<plan DID>`` | the page of a plan: its terms, and an order with a wallet |
| ``GET /checkout/<agent DID>`` | the plans of an agent side by side |
| ``GET /checkout/account`` | the account page, see `nvm_chain.gateway.checkout.account_paths` |
| ``GET /checkout/assets/<file>`` | the scripts and the style of the pages |
| ``GET /checkout/api/account`` | how an account stands on a plan |
| ``POST /checkout/api/orders`` | what the wallet of an account does next to order a plan |
| ``POST /checkout/api/permits`` | the order with a signed permit |
| ``POST /checkout/api/relays`` | sends a signed order, where the operator has switched that on |
| ``GET /checkout/api/transactions/<hash>``, ``GET /checkout/api/relays/<nonce>`` | what became of an order |
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from nvm_chain.errors import InvalidMessage
from nvm_chain.gateway.bodies import Body, Receive
from nvm_chain.gateway.catalogue import SoldService
from nvm_chain.gateway.checkout.account_paths import NAME as ACCOUNT
from nvm_chain.gateway.checkout.account_paths import NOUN as HOLDER
from nvm_chain.gateway.checkout.account_paths import AccountPaths, Answer
from nvm_chain.gateway.checkout.orders import OrderBody, Orders, PermitBody, read_number
from nvm_chain.gateway.checkout.refusing import refuse_order
from nvm_chain.gateway.checkout.relays import Followed, RelayBody, Relays
from nvm_chain.gateway.checkout.shelves import Shelves
from nvm_chain.gateway.incoming import Incoming
from nvm_chain.gateway.own.asked import Asked, read_json
from nvm_chain.gateway.pages.answering import answer_page, read_query, refuse_method, tell_json
from nvm_chain.gateway.pages.assets import PAGE_HEADERS, find_asset
from nvm_chain.gateway.pages.checkout import build_agent_page, build_plan_page
from nvm_chain.gateway.pages.shop import build_shop_page
from nvm_chain.gateway.refusals import Refusal, tell_refusal
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.ids import format_did, parse_plan_id

PREFIX: Final = "/checkout/"
_DID: Final = re.compile("did:nv:[0-9a-f]{64}", re.IGNORECASE)
_HEX: Final = re.compile("0x[0-9a-f]{64}", re.IGNORECASE)
_NONCE: Final = re.compile("0x[0-9a-f]{64}")

Action = Callable[[Asked, dict[str, str], str], Awaitable[Any]]
"""Answers a question of a page. It gets the query and the last part of the path."""


class CheckoutPaths:
    """Answers requests of buyers who order on a page."""

    def __init__(
        self,
        orders: Orders,
        relays: Relays,
        shelves: Shelves,
        *,
        chain_id: int,
        credits: str,
        account: AccountPaths | None = None,
    ) -> None:
        """Take what answers, and what is sold. ``account`` is the account page."""
        self._orders, self._relays, self._shelves, self._account = orders, relays, shelves, account
        self._chain_id, self._credits = chain_id, credits
        self._questions: dict[tuple[str, str], Action] = {
            ("GET", "account"): self._tell_standing,
            ("POST", "orders"): self._prepare,
            ("POST", "permits"): self._complete,
            ("POST", "relays"): self._relay,
            ("GET", "transactions"): self._follow,
            ("GET", "relays"): self._follow_relay,
        }

    async def serve(
        self, scope: Mapping[str, Any], path: str, incoming: Incoming, receive: Receive, service: SoldService | None
    ) -> Refusal | None:
        """Return the answer to a request. None if nobody is there to be answered.

        ``service`` is there if the request came to the own host of a service.
        """
        method = "GET" if incoming.method == "HEAD" else incoming.method
        rest, asked = path.removeprefix(PREFIX), Asked(path, incoming, Body(receive, incoming.length), service)
        return await answer_page(incoming, self._serve(method, rest, scope["query_string"], asked), refuse_order)

    async def _serve(self, method: str, rest: str, query: bytes, asked: Asked) -> Refusal:
        if rest.startswith("api/"):
            return await self._ask(method, rest.removeprefix("api/"), query, asked)
        return await self._show(method, rest, asked.service)

    # ------------------------------------------------------------------ pages

    async def _show(self, method: str, name: str, service: SoldService | None) -> Refusal:
        if method != "GET":
            return refuse_method(name, "GET")
        if name.startswith("assets/"):
            asset = find_asset(name.removeprefix("assets/"))
            return _miss(name) if asset is None else Refusal(200, [*asset.headers], asset.body)
        if name == ACCOUNT and self._account is not None:
            return self._account.show()
        body = await self._build_page(name, service)
        return _find_page(name) if body is None else Refusal(200, [*PAGE_HEADERS], body)

    async def _build_page(self, name: str, service: SoldService | None) -> bytes | None:
        """Return the page of what is sold, of a plan or of an agent. None for another name."""
        if name == "":
            return await self._show_shop(service)
        if not _DID.fullmatch(name):
            return None
        did = format_did(parse_plan_id(name))
        agent = self._shelves.find_agent(did, service)
        return await (self._show_plan(did, service) if agent is None else self._show_agent(agent))

    async def _show_shop(self, service: SoldService | None) -> bytes:
        sold = self._shelves.list_services(service)
        return await self._show_agent(sold[0]) if len(sold) == 1 else build_shop_page(sold)

    async def _show_plan(self, did: str, service: SoldService | None) -> bytes:
        card = await self._orders.read_card(did, service)
        agents = self._shelves.list_agents(card.plan.plan_id, service)
        return build_plan_page(card, agents, self._chain_id, self._credits)

    async def _show_agent(self, agent: SoldService) -> bytes:
        return build_agent_page(agent, await self._orders.read_cards(agent))

    # ------------------------------------------------------------------ questions

    async def _ask(self, method: str, path: str, query: bytes, asked: Asked) -> Refusal:
        noun, _, name = path.partition("/")
        found, known = self._find(method, noun, name)
        if found is None:
            return refuse_method(path, *known) if known else _miss(path)
        return tell_json(await found(asked, read_query(query)))

    def _find(self, method: str, noun: str, name: str) -> tuple[Answer | None, list[str]]:
        """Return what answers a question, and the methods with which it can be asked."""
        if noun == HOLDER and self._account is not None:
            questions = self._account.questions
            return questions.get((method, name)), [known for known, other in questions if other == name]
        action = self._questions.get((method, noun))
        answer = None if action is None else lambda asked, query: action(asked, query, name)
        return answer, [known for known, other in self._questions if other == noun]

    async def _tell_standing(self, asked: Asked, query: dict[str, str], name: str) -> Any:
        return await self._orders.tell_standing(query, asked.service)

    async def _prepare(self, asked: Asked, query: dict[str, str], name: str) -> Any:
        given = await read_json(asked.body, OrderBody)
        limit = await self._relays.explain_limit(parse_address(given.account, "account"))
        told = await self._orders.prepare(given, asked.service, relays=limit == "")
        if limit:
            told["words"]["note"] = f"{limit} So you send it yourself, and pay the fee of the network."
        return told

    async def _complete(self, asked: Asked, query: dict[str, str], name: str) -> Any:
        return await self._orders.complete(await read_json(asked.body, PermitBody), asked.service)

    async def _relay(self, asked: Asked, query: dict[str, str], name: str) -> Any:
        given = await read_json(asked.body, RelayBody)
        return await self._relays.relay(given, await self._orders.read_card(given.plan_id, asked.service))

    async def _follow(self, asked: Asked, query: dict[str, str], name: str) -> Any:
        return await self._orders.follow(name, query, asked.service)

    async def _follow_relay(self, asked: Asked, query: dict[str, str], name: str) -> Any:
        if not _NONCE.fullmatch(name):
            raise InvalidMessage("request", "its path has no nonce of 0x and 64 hexadecimal digits")
        card = await self._orders.read_card(query.get("plan", ""), asked.service)
        payer = parse_address(query.get("payer", ""), "payer")
        followed = Followed(bytes.fromhex(name[2:]), payer, read_number(query.get("until", "0"), "last second"))
        return await self._relays.follow(followed, card, self._orders.depth)


def _find_page(name: str) -> Refusal:
    """Return an answer that leads to a page by another spelling of its name, or says that there is none."""
    if name == PREFIX[:-1]:
        return _lead_to("checkout/")
    return _lead_to(f"./{format_did(parse_plan_id(name))}") if _HEX.fullmatch(name) else _miss(name)


def _lead_to(place: str) -> Refusal:
    """Return an answer that leads to a page. The place is beside the one that was asked for, so it is on the same host."""
    return Refusal(308, [(b"location", place.encode()), (b"cache-control", b"no-store")], b"")


def _miss(name: str) -> Refusal:
    return tell_refusal(
        404,
        "NotFound",
        f"The checkout has no {name[:120]}. Its pages are /checkout/ and the DID of a plan or an agent.",
    )
