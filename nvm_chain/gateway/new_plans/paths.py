"""The addresses of the page of a new plan.

| method and path | what it answers |
|---|---|
| ``GET /seller/new`` | the page |
| ``GET /seller/new/assets/<file>`` | its script and its style |
| ``POST /seller/api/drafts`` | the review of a plan in words, or what has to be corrected |
| ``POST /seller/api/drafts/registration`` | the transaction that registers exactly what was reviewed |
| ``GET /seller/api/drafts/transactions/<hash>`` | what became of a transaction |
| ``GET /seller/api/drafts/plan?plan=&account=`` | how far a plan is: registered, settled by the gateway, accepted by agents |
| ``POST /seller/api/drafts/steps`` | a transaction that lets the gateway serve on the plan |
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from nvm_chain.chain.client import Chain
from nvm_chain.gateway.bodies import Body, Receive
from nvm_chain.gateway.catalogue import SoldService
from nvm_chain.gateway.checkout.chain_desk import ChainDesk
from nvm_chain.gateway.checkout.refusing import refuse_order
from nvm_chain.gateway.incoming import Incoming
from nvm_chain.gateway.new_plans.bodies import PlanBody, RegistrationBody, StepBody
from nvm_chain.gateway.new_plans.drafts import register, review
from nvm_chain.gateway.new_plans.place import Place
from nvm_chain.gateway.new_plans.problems import ChoicesRefused, refuse_choices
from nvm_chain.gateway.new_plans.steps import prepare_step, tell_plan, tell_transaction
from nvm_chain.gateway.own.asked import Asked, read_json
from nvm_chain.gateway.pages.answering import answer_page, read_query, tell_json
from nvm_chain.gateway.pages.assets import PAGE_HEADERS, find_asset
from nvm_chain.gateway.pages.new_plan import build_new_plan_page
from nvm_chain.gateway.refusals import Refusal, tell_refusal

PAGE: Final = "/seller/new"
API: Final = "/seller/api/drafts"
ASSETS: Final = f"{PAGE}/assets/"
TRANSACTIONS: Final = "/transactions/"


def is_of_new_plans(path: str) -> bool:
    """Return whether a path belongs to the page of a new plan.

    >>> is_of_new_plans("/seller/new"), is_of_new_plans("/seller/newest")
    (True, False)
    """
    return any(path == own or path.startswith(f"{own}/") for own in (PAGE, API))


class NewPlanPaths:
    """Answers requests of sellers who make a plan on a page. Nothing is stored here, and the wallet signs everything."""

    def __init__(self, desk: ChainDesk, place: Place) -> None:
        """Take what asks the chain, and where the plans are made."""
        self._desk, self._place = desk, place

    async def serve(
        self, scope: Mapping[str, Any], path: str, incoming: Incoming, receive: Receive, service: SoldService | None
    ) -> Refusal | None:
        """Return the answer to a request. None if nobody is there to be answered.

        ``service`` is there if the request came to the own host of a service, where there is no such page.
        """
        asked = Asked(path, incoming, Body(receive, incoming.length), service)
        return await answer_page(incoming, self._answer(path, scope["query_string"], asked), refuse_order)

    async def _answer(self, path: str, query: bytes, asked: Asked) -> Refusal:
        if asked.service is not None:
            return tell_refusal(404, "NotFound", f"New plans are made at {self._place.base}{PAGE}.")
        method = "GET" if asked.incoming.method == "HEAD" else asked.incoming.method
        try:
            return await self._serve(method, path, read_query(query), asked)
        except ChoicesRefused as refused:
            return refuse_choices(refused)

    async def _serve(self, method: str, path: str, query: Mapping[str, str], asked: Asked) -> Refusal:
        if path.startswith(ASSETS) and method == "GET":
            asset = find_asset(path.removeprefix(ASSETS))
            return _miss() if asset is None else Refusal(200, [*asset.headers], asset.body)
        if (method, path) == ("GET", PAGE):
            has_usdc = await self._desk.ask(lambda chain: chain.usdc is not None)
            return Refusal(200, [*PAGE_HEADERS], build_new_plan_page(self._place, has_usdc=has_usdc))
        work = await self._find_work(method, path, query, asked)
        return _miss() if work is None else tell_json(await self._desk.ask(work))

    async def _find_work(
        self, method: str, path: str, query: Mapping[str, str], asked: Asked
    ) -> Callable[[Chain], Any] | None:
        """Return what a question asks of the chain. None for a question that nobody answers."""
        name = path.removeprefix(API)
        if method == "GET" and name.startswith(TRANSACTIONS):
            return partial(tell_transaction, transaction_hash=name.removeprefix(TRANSACTIONS))
        match (method, name):
            case ("POST", ""):
                return partial(review, body=await read_json(asked.body, PlanBody), place=self._place)
            case ("POST", "/registration"):
                return partial(register, body=await read_json(asked.body, RegistrationBody), place=self._place)
            case ("POST", "/steps"):
                return partial(prepare_step, body=await read_json(asked.body, StepBody), place=self._place)
            case ("GET", "/plan"):
                plan, account = query.get("plan", ""), query.get("account", "")
                return partial(tell_plan, plan=plan, account=account, place=self._place)
        return None


def _miss() -> Refusal:
    return tell_refusal(404, "NotFound", f"There is no such address. A new plan is made at {PAGE}.")
