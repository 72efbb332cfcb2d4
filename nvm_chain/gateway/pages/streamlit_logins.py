"""Log-ins of an app's visitors: which plans an account can use now, and what its wallet signs for one of them.

Nothing here spends or stores anything. The signature goes to ``POST /sign-in`` or ``POST /sessions``.
"""

from functools import partial
from typing import Any, Final

from eth_typing import ChecksumAddress
from msgspec import Struct

from nvm_chain.chain.client import Chain
from nvm_chain.errors import PlanNotAccepted
from nvm_chain.errors.fields import Time
from nvm_chain.gateway.catalogue import SoldPlan, SoldService
from nvm_chain.gateway.checkout.cards import Cards, PlanCard
from nvm_chain.gateway.checkout.chain_desk import ChainDesk
from nvm_chain.gateway.checkout.orders import read_number
from nvm_chain.gateway.checkout.session_offers import (
    describe_holding,
    find_limit,
    is_usable,
    offer_session,
    offer_sign_in,
)
from nvm_chain.gateway.own.asked import Asked
from nvm_chain.gateway.own.sessions import Sessions
from nvm_chain.gateway.serving import Server
from nvm_chain.meter.session_terms import build_session_terms
from nvm_chain.operations.credits import read_account
from nvm_chain.types.accounts import Account
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.durations import DAY
from nvm_chain.types.ids import format_did, parse_plan_id

SESSION_SECONDS: Final = DAY
"""How long a session of a visitor lasts."""


class LoginBody(Struct, rename="camel", forbid_unknown_fields=True):
    """What ``POST /streamlit/api/logins`` takes. ``limit`` and ``ceiling`` are for plans that vouchers pay."""

    account: str
    plan_id: str
    limit: str | None = None
    ceiling: str | None = None


class Logins:
    """Answers the questions of the page in an app."""

    def __init__(self, server: Server, desk: ChainDesk, cards: Cards) -> None:
        """Take what serves, and what asks the chain."""
        self._server, self._desk, self._cards = server, desk, cards
        self._sessions = Sessions(server)

    async def read_cards(self, service: SoldService) -> list[PlanCard]:
        """Return the cards of all plans of a service."""
        return await self._desk.ask(lambda chain: [self._cards.read(chain, plan_id) for plan_id in service.plans])

    async def tell_plans(self, service: SoldService, account: str) -> Any:
        """Return which plans an account can use now."""
        holder = parse_address(account, "account")
        return {"plans": await self._desk.ask(partial(_tell_plans, service, holder))}

    async def prepare(self, service: SoldService, given: LoginBody, asked: Asked) -> Any:
        """Return what the wallet signs: a message for a sign-in, or the voucher of a session with its terms.

        Raises an InputError, or PlanNotAccepted for a plan that the service does not take.
        """
        holder, plan_id = parse_address(given.account, "account"), parse_plan_id(given.plan_id)
        plan = service.plans.get(plan_id)
        if plan is None:
            raise PlanNotAccepted(plan_id, service.did)
        account, now = await self._desk.ask(lambda chain: (read_account(chain, plan_id, holder), chain.read_time()))
        if plan.by_vouchers:
            return self._prepare_session(service, plan, holder, account, given)
        opens = account.access_until <= now
        return await offer_sign_in(self._sessions, asked, service, plan, holder, opens=opens)

    def _prepare_session(
        self, service: SoldService, plan: SoldPlan, holder: ChecksumAddress, account: Account, given: LoginBody
    ) -> Any:
        own, end = self._server.meter.settings, self._server.meter.writer.now + SESSION_SECONDS
        limit = find_limit(service, plan, account) if given.limit is None else read_number(given.limit, "limit")
        terms = build_session_terms(plan.plan_id, holder=holder, limit=limit, end=end, services=(service.did,))
        least = read_number(given.ceiling or "0", "ceiling")
        return offer_session(own, terms, max(least, account.settled + limit))


def _tell_plans(service: SoldService, holder: ChecksumAddress, chain: Chain) -> list[dict[str, Any]]:
    plan_ids = [*service.plans]
    readers = [partial(read_account, chain, plan_id, holder) for plan_id in plan_ids]
    with chain.reading_ahead(*readers, chain.read_time):
        now = chain.read_time()
        accounts = {plan_id: read_account(chain, plan_id, holder) for plan_id in plan_ids}
    return [_tell_plan(service, plan, accounts[plan_id], now) for plan_id, plan in service.plans.items()]


def _tell_plan(service: SoldService, plan: SoldPlan, account: Account, now: Time) -> dict[str, Any]:
    """Return how an account stands on a plan. ``limit`` is there if credits are paid by vouchers."""
    told: dict[str, Any] = {
        "planId": format_did(plan.plan_id),
        "isUsable": is_usable(plan, account, now),
        "has": describe_holding(plan, account, now),
    }
    return told | ({"limit": str(find_limit(service, plan, account))} if plan.by_vouchers else {})
