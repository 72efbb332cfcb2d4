"""Log-ins of an app's visitors: which plans an account can use now, and what its wallet signs for one of them.

Nothing here spends or stores anything. The signature goes to ``POST /sign-in`` or ``POST /sessions``.
"""

from functools import partial
from typing import Any, Final

from eth_typing import ChecksumAddress
from msgspec import Struct

from nvm_chain.chain.client import Chain
from nvm_chain.enums import PlanKind
from nvm_chain.errors import PlanNotAccepted
from nvm_chain.errors.fields import Credits, Time
from nvm_chain.errors.formatting import count, format_utc
from nvm_chain.gateway.catalogue import SoldPlan, SoldService
from nvm_chain.gateway.checkout.cards import Cards, PlanCard
from nvm_chain.gateway.checkout.chain_desk import ChainDesk
from nvm_chain.gateway.checkout.orders import read_number
from nvm_chain.gateway.own.asked import Asked
from nvm_chain.gateway.own.sessions import Sessions
from nvm_chain.gateway.refusals import find_most
from nvm_chain.gateway.serving import Server
from nvm_chain.meter.session_terms import build_session_terms
from nvm_chain.meter.sign_in import build_sign_in
from nvm_chain.operations.credits import read_account
from nvm_chain.signing.eip712 import Domain
from nvm_chain.signing.typed_data import format_typed_data
from nvm_chain.signing.vouchers import DOMAIN_NAME, DOMAIN_VERSION, VOUCHER, SignedVoucher, build_voucher
from nvm_chain.types.accounts import Account
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.amounts import check_uint
from nvm_chain.types.durations import DAY
from nvm_chain.types.ids import format_did, parse_plan_id

SESSION_SECONDS: Final = DAY
"""How long a session of a visitor lasts."""
SESSION_REQUESTS: Final = 50
"""For how many requests a session is at first. The visitor can choose another number of credits."""


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
        return await self._prepare_sign_in(service, plan, holder, asked, opens=account.access_until <= now)

    async def _prepare_sign_in(
        self, service: SoldService, plan: SoldPlan, holder: ChecksumAddress, asked: Asked, *, opens: bool
    ) -> Any:
        told = await self._sessions.challenge(asked)
        message = build_sign_in(
            holder,
            origin=told["origin"],
            service=service.did,
            chain_id=told["chainId"],
            nonce=told["nonce"],
            now=told["issuedAt"],
            max_periods=1 if plan.first_use and opens else 0,
        )
        return {"message": message.text, "planId": str(plan.plan_id)}

    def _prepare_session(
        self, service: SoldService, plan: SoldPlan, holder: ChecksumAddress, account: Account, given: LoginBody
    ) -> Any:
        own, end = self._server.meter.settings, self._server.meter.writer.now + SESSION_SECONDS
        limit = find_limit(service, plan, account) if given.limit is None else read_number(given.limit, "limit")
        terms = build_session_terms(plan.plan_id, holder=holder, limit=limit, end=end, services=(service.did,))
        least = read_number(given.ceiling or "0", "ceiling")
        voucher = build_voucher(
            plan.plan_id,
            holder=holder,
            redeemer=own.redeemer,
            ceiling=max(least, account.settled + check_uint(limit, 63, "limit", minimum=1)),
            deadline=end,
            context=terms.context,
        )
        domain = Domain(DOMAIN_NAME, DOMAIN_VERSION, own.chain_id, own.credits)
        return {
            "terms": terms.text,
            "typedData": format_typed_data(domain, VOUCHER, voucher.as_tuple()),
            "voucher": SignedVoucher(voucher, b"").to_json(),
        }


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
        "has": _describe(plan, account, now),
    }
    return told | ({"limit": str(find_limit(service, plan, account))} if plan.by_vouchers else {})


def is_usable(plan: SoldPlan, account: Account, now: Time) -> bool:
    """Return whether an account can pay for a request with a plan now."""
    if plan.kind is PlanKind.TIME:
        return account.access_until > now or (plan.first_use is not None and account.balance > 0)
    return account.balance >= max(1, plan.min_credits)


def find_limit(service: SoldService, plan: SoldPlan, account: Account) -> Credits:
    """Return the credits that a session may use at first: not more than the account has, and than the seller risks."""
    wanted = SESSION_REQUESTS * find_most(plan, service)
    return max(1, min(wanted, account.balance, service.settings.exposure))


def _describe(plan: SoldPlan, account: Account, now: Time) -> str:
    if plan.kind is not PlanKind.TIME:
        return count(account.balance, "credit")
    if account.access_until > now:
        return f"access until {format_utc(account.access_until)}"
    return f"{count(account.balance, 'period')} to open" if plan.first_use and account.balance else "no access"
