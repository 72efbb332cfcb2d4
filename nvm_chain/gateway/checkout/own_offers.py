"""What a holder signs on the account page: a session of its own, an allowance for somebody else, or a sign-in."""

from typing import Any, Final

from eth_typing import ChecksumAddress
from msgspec import Struct

from nvm_chain.enums import PlanKind
from nvm_chain.errors import InvalidMessage, PlanNotAccepted
from nvm_chain.errors.fields import Credits, PlanId, Seconds
from nvm_chain.gateway.catalogue import SoldPlan, SoldService
from nvm_chain.gateway.checkout.counting import check_credits_counted, check_time_counted
from nvm_chain.gateway.checkout.holdings import Holdings
from nvm_chain.gateway.checkout.orders import read_number
from nvm_chain.gateway.checkout.session_offers import offer_session, offer_sign_in
from nvm_chain.gateway.checkout.shelves import Shelves
from nvm_chain.gateway.own.asked import Asked
from nvm_chain.gateway.own.sessions import Sessions
from nvm_chain.gateway.serving import Server
from nvm_chain.meter.session_terms import build_session_terms
from nvm_chain.meter.store.group_rows import AccountKey
from nvm_chain.meter.store.window_changes import ReadWindow
from nvm_chain.types.accounts import Account
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.durations import DAY, HOUR
from nvm_chain.types.ids import format_did, parse_agent_id, parse_plan_id

LENGTHS: Final[tuple[Seconds, ...]] = (HOUR, DAY, 7 * DAY, 30 * DAY)
"""How long a session or an allowance may last."""
PERIODS: Final[tuple[Seconds, ...]] = (HOUR, DAY, 7 * DAY)
"""The periods of a limit."""


class SessionAsk(Struct, rename="camel", forbid_unknown_fields=True):
    """What ``POST /checkout/api/holder/sessions`` takes. With a user, it is an allowance. An empty text says that there is not a limit."""

    plan_id: str
    services: list[str]
    limit: str
    seconds: str
    user: str = ""
    per_request: str = ""
    per_period: str = ""
    period_seconds: str = ""


class SignInAsk(Struct, rename="camel", forbid_unknown_fields=True):
    """What ``POST /checkout/api/holder/sign-ins`` takes."""

    plan_id: str
    service: str


class OwnOffers:
    """Prepares what a holder signs."""

    def __init__(self, server: Server, shelves: Shelves, holdings: Holdings) -> None:
        """Take what serves, and what is sold."""
        self._meter, self._shelves, self._holdings = server.meter, shelves, holdings
        self._sessions = Sessions(server)

    async def offer(self, holder: ChecksumAddress, given: SessionAsk, own: SoldService | None) -> Any:
        """Return the terms of a session or an allowance, and the voucher that the wallet signs.

        Its ceiling counts all that the holder has used and that is not settled yet, so one signature is enough.

        Raises:
            InputError: A value is not one that terms can have.
            PlanNotAccepted: No service takes vouchers of the plan, or a service does not take the plan.
            Refused: The gateway has not counted the order yet.
        """
        plan_id, limit = parse_plan_id(given.plan_id), read_number(given.limit, "limit")
        services = self._find_services(plan_id, given.services, own)
        now = self._meter.writer.now
        terms = build_session_terms(
            plan_id,
            holder=holder,
            limit=limit,
            end=now + _choose(given.seconds, LENGTHS, "length"),
            user=parse_address(given.user, "user address") if given.user else None,
            per_request=read_number(given.per_request, "limit of a request") if given.per_request else None,
            per_period=_read_period(given),
            services=services,
        )
        account = await self._meter.account(plan_id, holder)
        on_chain, _ = await self._holdings.read_account(plan_id, holder)
        check_credits_counted(account, on_chain, now, self._meter.settings.depth)
        return offer_session(self._meter.settings, terms, account.find_next_ceiling(limit))

    async def offer_sign_in(self, holder: ChecksumAddress, given: SignInAsk, asked: Asked) -> Any:
        """Return the message of a sign-in. Raises PlanNotAccepted for a plan that needs vouchers, and Refused."""
        plan_id = parse_plan_id(given.plan_id)
        service, plan = self._find_plan(plan_id, given.service, asked.service)
        if plan.by_vouchers:
            raise PlanNotAccepted(plan_id, service.did)
        account, now = await self._holdings.read_account(plan_id, holder)
        await self._check_counted(plan, holder, account)
        opens = account.access_until <= now
        return await offer_sign_in(self._sessions, asked, service, plan, holder, opens=opens)

    async def _check_counted(self, plan: SoldPlan, holder: ChecksumAddress, account: Account) -> None:
        """Check that the books know what an account has of a plan for which a sign-in is enough. Raises Refused."""
        booked, now = await self._meter.account(plan.plan_id, holder), self._meter.writer.now
        if plan.kind is PlanKind.TIME:
            window = await self._meter.writer.do(ReadWindow(AccountKey(plan.plan_id, holder)))
            check_time_counted(window, account, now, self._meter.settings.depth)
        else:
            check_credits_counted(booked, account, now, self._meter.settings.depth)

    def _find_services(self, plan_id: PlanId, dids: list[str], own: SoldService | None) -> tuple[str, ...]:
        found = [self._find_plan(plan_id, did, own) for did in dids]
        if not found:
            raise InvalidMessage("request", "it names no service")
        for service, plan in found:
            if not plan.by_vouchers:
                raise PlanNotAccepted(plan_id, service.did)
        return tuple(service.did for service, _ in found)

    def _find_plan(self, plan_id: PlanId, did: str, own: SoldService | None) -> tuple[SoldService, SoldPlan]:
        """Return a service and its plan. Raises PlanNotAccepted."""
        named = format_did(parse_agent_id(did))
        service = self._shelves.find_agent(named, own)
        plan = None if service is None else service.plans.get(plan_id)
        if service is None or plan is None:
            raise PlanNotAccepted(plan_id, named)
        return service, plan


def _read_period(given: SessionAsk) -> tuple[Credits, Seconds] | None:
    if not given.per_period:
        return None
    return read_number(given.per_period, "limit of a period"), _choose(given.period_seconds, PERIODS, "period")


def _choose(text: str, choices: tuple[Seconds, ...], name: str) -> Seconds:
    number = read_number(text, name)
    if number not in choices:
        raise InvalidMessage("request", f"the {name} is not one of {', '.join(map(str, choices))} seconds")
    return number
