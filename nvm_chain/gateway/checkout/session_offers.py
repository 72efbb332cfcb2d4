"""Sessions and sign-ins as pages offer them: what a wallet signs, and for how many credits at first.

Nothing here spends or stores anything. The signature goes to ``POST /sessions`` or ``POST /sign-in``.
"""

from typing import Any, Final

from eth_typing import ChecksumAddress

from nvm_chain.enums import PlanKind
from nvm_chain.errors.fields import Credits, Time
from nvm_chain.errors.formatting import count, format_utc
from nvm_chain.gateway.catalogue import SoldPlan, SoldService
from nvm_chain.gateway.offers import find_most
from nvm_chain.gateway.own.asked import Asked
from nvm_chain.gateway.own.sessions import Sessions
from nvm_chain.meter.session_terms import SessionTerms
from nvm_chain.meter.settings import MeterSettings
from nvm_chain.meter.sign_in import build_sign_in
from nvm_chain.signing.eip712 import Domain
from nvm_chain.signing.typed_data import format_typed_data
from nvm_chain.signing.vouchers import DOMAIN_NAME, DOMAIN_VERSION, VOUCHER, SignedVoucher, build_voucher
from nvm_chain.types.accounts import Account
from nvm_chain.types.amounts import check_uint

SESSION_REQUESTS: Final = 50
"""For how many requests a session is at first. People can choose another number of credits."""
LIMIT_BITS: Final = 63


def offer_session(settings: MeterSettings, terms: SessionTerms, ceiling: Credits) -> dict[str, Any]:
    """Return the terms of a session or an allowance, and the voucher that a wallet signs for it. No network.

    Args:
        settings: The settings of the meter.
        terms: What a person reads.
        ceiling: The ceiling of the voucher.

    Raises:
        InvalidAmount: The limit or the ceiling is out of range.
    """
    check_uint(terms.limit, LIMIT_BITS, "limit", minimum=1)
    voucher = build_voucher(
        terms.plan_id,
        holder=terms.holder,
        redeemer=settings.redeemer,
        ceiling=ceiling,
        deadline=terms.end,
        context=terms.context,
    )
    domain = Domain(DOMAIN_NAME, DOMAIN_VERSION, settings.chain_id, settings.credits)
    return {
        "terms": terms.text,
        "typedData": format_typed_data(domain, VOUCHER, voucher.as_tuple()),
        "voucher": SignedVoucher(voucher, b"").to_json(),
    }


async def offer_sign_in(
    sessions: Sessions, asked: Asked, service: SoldService, plan: SoldPlan, holder: ChecksumAddress, *, opens: bool
) -> dict[str, Any]:
    """Return the message that a wallet signs to use a plan for which a sign-in is enough.

    Args:
        sessions: What gives out nonces.
        asked: The request of the page.
        service: The service.
        plan: The plan.
        holder: Who signs.
        opens: Whether access has to be opened, so that the message lets the seller open one period.
    """
    told = await sessions.challenge(asked)
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


def is_usable(plan: SoldPlan, account: Account, now: Time) -> bool:
    """Return whether an account can pay for a request with a plan now."""
    if plan.kind is PlanKind.TIME:
        return account.access_until > now or (plan.first_use is not None and account.balance > 0)
    return account.balance >= max(1, plan.min_credits)


def find_limit(service: SoldService, plan: SoldPlan, account: Account) -> Credits:
    """Return the credits that a session may use at first: not more than the account has, and than the seller risks."""
    wanted = SESSION_REQUESTS * find_most(plan, service)
    return max(1, min(wanted, account.balance, service.settings.exposure))


def describe_holding(plan: SoldPlan, account: Account, now: Time) -> str:
    """Return what an account has of a plan, in a few words."""
    if plan.kind is not PlanKind.TIME:
        return count(account.balance, "credit")
    if account.access_until > now:
        return f"access until {format_utc(account.access_until)}"
    return f"{count(account.balance, 'period')} to open" if plan.first_use and account.balance else "no access"
