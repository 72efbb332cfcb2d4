"""Access: which of an asset's plans an account can use, and the token that its requests carry to a gateway."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode

from nvm_chain.addresses import parse_address
from nvm_chain.agent_types import AttachedPlan
from nvm_chain.contract_errors import InsufficientCredits
from nvm_chain.credits import read_account
from nvm_chain.errors import InvalidMessage, NeedsGateway, NoAccess
from nvm_chain.ids import format_did
from nvm_chain.paying import check_signer
from nvm_chain.payments.desk import Desk, Gateway
from nvm_chain.payments.results import ServiceTokenResultDto
from nvm_chain.plans import read_plan
from nvm_chain.settling import check_accepts_vouchers, sign_next_voucher
from nvm_chain.types import Account, Activation, Kind, Plan
from nvm_chain.vouchers import SignedVoucher


def need_gateway(desk: Desk, what: str) -> Gateway:
    """Return the gateway. Raises NeedsGateway if none is configured."""
    if desk.gateway is None:
        raise NeedsGateway(what)
    return desk.gateway


def find_access(desk: Desk, asset: str, plans: tuple[AttachedPlan, ...]) -> tuple[Plan, AttachedPlan]:
    """Find the first of an asset's plans on which the account can make a request now. Four requests for each.

    A plan in time comes before one in credits, as requests cost nothing there. Raises NoAccess.
    """
    found = []
    for attached in plans:
        plan = read_plan(desk.chain, attached.plan_id)
        account = read_account(desk.chain, attached.plan_id, desk.address)
        if has_access(desk, plan, account, attached):
            found.append((plan, attached))
    if not found:
        raise NoAccess(asset, desk.address, tuple(format_did(plan.plan_id) for plan in plans))
    return min(found, key=lambda pair: pair[0].terms.kind is not Kind.TIME)


def has_access(desk: Desk, plan: Plan, account: Account, attached: AttachedPlan) -> bool:
    """Tell whether an account can make a request: an open window, a period to open one, or credits for what it costs."""
    if plan.terms.kind is Kind.TIME:
        return desk.is_open(account) or (plan.terms.activation is Activation.ON_FIRST_USE and account.balance > 0)
    return plan.terms.kind is Kind.CREDITS and account.balance >= max(attached.max_credits, 1)


def build_service_token(desk: Desk, agent_id: int, attached: AttachedPlan) -> ServiceTokenResultDto:
    """Sign a voucher for one request at its highest cost, and return it as a token with the gateway's URL. Sends nothing.

    The next token of the same plan and the same Payments object is for one more request. It counts for an hour. Raises
    NeedsGateway, VouchersNotAccepted, InsufficientCredits.
    """
    gateway = need_gateway(desk, "A token for a service")
    return ServiceTokenResultDto(
        accessToken=sign_token(desk, gateway, attached),
        neverminedProxyUri=f"{gateway.url}/services/{format_did(agent_id)}",
    )


def sign_token(desk: Desk, gateway: Gateway, attached: AttachedPlan) -> str:
    """Return a signed voucher for one more request, its JSON in base64url. Raises VouchersNotAccepted, InsufficientCredits."""
    plan = read_plan(desk.chain, attached.plan_id)
    check_accepts_vouchers(plan)
    cost = max(attached.max_credits, 1)
    account = read_account(desk.chain, plan.plan_id, desk.address)
    last = max(desk.ceilings.get(plan.plan_id, 0), account.settled)
    if account.balance < last - account.settled + cost:
        raise InsufficientCredits(plan.plan_id, desk.address, account.balance, last - account.settled + cost)
    signed = sign_next_voucher(
        desk.chain,
        check_signer(desk.signer),
        plan.plan_id,
        redeemer=parse_address(gateway.redeemer),
        cost=cost,
        last_ceiling=last,
    )
    desk.ceilings[plan.plan_id] = signed.voucher.ceiling
    return urlsafe_b64encode(signed.to_json().encode()).decode()


def read_service_token(token: str) -> SignedVoucher:
    """Read the voucher that a token carries, as a gateway does before it checks it; no network. Raises InvalidMessage."""
    try:
        text = urlsafe_b64decode(token.encode("ascii")).decode()
    except (binascii.Error, ValueError):
        raise InvalidMessage("service token", "it is no base64url of text") from None
    return SignedVoucher.from_json(text)
