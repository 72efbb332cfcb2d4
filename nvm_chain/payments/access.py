"""Access: which of an asset's plans an account can use for a request, what that costs, and the token for a gateway."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from nvm_chain.agent_types import AttachedPlan
from nvm_chain.contract_errors import InsufficientCredits
from nvm_chain.credits import read_account
from nvm_chain.errors import InvalidMessage, NeedsGateway, NoAccess
from nvm_chain.ids import format_did
from nvm_chain.paying import check_signer
from nvm_chain.payments.desk import Desk, Gateway
from nvm_chain.payments.results import ServiceTokenResultDto
from nvm_chain.plans import read_terms
from nvm_chain.settling import sign_next_voucher
from nvm_chain.types import Account, Activation, PlanKind, RedemptionRule
from nvm_chain.vouchers import SignedVoucher, Voucher


class Way(IntEnum):
    """How a request is paid for, the cheapest for the holder first."""

    OPEN = 0
    """In an access window that is open: nothing."""
    CREDITS = 1
    """By credits."""
    PERIOD = 2
    """By a period that opens a window."""
    SIGNED_AWAY = 3
    """By credits that vouchers were signed for already: not before those are settled, or over."""


@dataclass(frozen=True, slots=True)
class Access:
    """A plan that an account can use for a request, and the credits or periods that it costs."""

    plan_id: int
    way: Way
    cost: int


def need_gateway(desk: Desk, what: str) -> Gateway:
    """Return the gateway. Raises NeedsGateway if none is configured."""
    if desk.gateway is None:
        raise NeedsGateway(what)
    return desk.gateway


def find_access(desk: Desk, asset: str, plans: Iterable[AttachedPlan], *, by_voucher: bool) -> Access:
    """Find the plan that a request is best paid from: an open window, then the fewest credits, then an unopened period.

    Two to three requests for each plan. ``by_voucher`` looks for one that takes vouchers. Raises NoAccess.
    """
    asked = list(plans)
    found = [access for attached in asked if (access := _weigh(desk, attached, by_voucher))]
    if not found:
        raise NoAccess(asset, desk.address, tuple(format_did(plan.plan_id) for plan in asked))
    return min(found, key=lambda access: (access.way, access.cost))


def _weigh(desk: Desk, attached: AttachedPlan, by_voucher: bool) -> Access | None:
    """Return how the account could use a plan, or None."""
    terms = read_terms(desk.chain, attached.plan_id)
    account = read_account(desk.chain, attached.plan_id, desk.address)
    if by_voucher:
        cost = voucher_cost(attached)
        if not terms.accepts_vouchers or account.balance < cost:
            return None
        is_left = _signed(desk, attached.plan_id, account) + cost <= account.balance
        return Access(attached.plan_id, Way.CREDITS if is_left else Way.SIGNED_AWAY, cost)
    own = terms.rule is not RedemptionRule.OWNER
    if terms.kind is PlanKind.TIME:
        if desk.is_open(account):
            return Access(attached.plan_id, Way.OPEN, 0)
        opens = own and terms.activation is Activation.ON_FIRST_USE and account.balance > 0
        return Access(attached.plan_id, Way.PERIOD, 1) if opens else None
    cost = attached.max_credits
    if terms.kind is PlanKind.CREDITS and account.balance >= max(cost, 1) and (own or cost == 0):
        return Access(attached.plan_id, Way.CREDITS, cost)
    return None


def voucher_cost(attached: AttachedPlan) -> int:
    """Return what a voucher for one request is for: its highest cost, and no less than 1, as one for nothing says nothing."""
    return max(attached.max_credits, 1)


def _signed(desk: Desk, plan_id: int, account: Account) -> int:
    """Return the credits that were signed for here and can still be settled. One request, none if nothing was signed."""
    last = desk.signed.get(plan_id)
    if last is None or last.ceiling <= account.settled or desk.chain.read_time() > last.deadline:
        return 0  # the last deadline is the latest, too
    return last.ceiling - account.settled


def build_service_token(desk: Desk, agent_id: int, access: Access) -> ServiceTokenResultDto:
    """Sign a voucher for one request at its highest cost, and return it as a token with the gateway's URL. Sends nothing.

    The next token of the same plan and the same Payments object is for one more request. It counts for an hour. Raises
    NeedsGateway, InsufficientCredits.
    """
    gateway = need_gateway(desk, "A token for a service")
    return ServiceTokenResultDto(
        accessToken=format_service_token(sign_request(desk, gateway, access)[0]),
        neverminedProxyUri=f"{gateway.url}/services/{format_did(agent_id)}",
    )


def sign_request(desk: Desk, gateway: Gateway, access: Access) -> tuple[SignedVoucher, Voucher | None]:
    """Sign a voucher for one more request, and return what was signed before, too, for `take_back`.

    Sends nothing. Raises InsufficientCredits.
    """
    with desk.lock:  # two threads never sign the same ceiling
        account = read_account(desk.chain, access.plan_id, desk.address)
        open_credits = _signed(desk, access.plan_id, account)
        needed = open_credits + access.cost
        if account.balance < needed:
            raise InsufficientCredits(access.plan_id, desk.address, account.balance, needed)
        signed = sign_next_voucher(
            desk.chain,
            check_signer(desk.signer),
            access.plan_id,
            redeemer=gateway.redeemer,
            cost=access.cost,
            last_ceiling=account.settled + open_credits,
        )
        before = desk.signed.get(access.plan_id)
        desk.signed[access.plan_id] = signed.voucher
    return signed, before


def take_back(desk: Desk, signed: SignedVoucher, before: Voucher | None) -> None:
    """Let the next voucher be for the same request again, unless another was signed since."""
    plan_id = signed.voucher.plan_id
    with desk.lock:
        if desk.signed.get(plan_id) != signed.voucher:
            return
        if before is None:
            del desk.signed[plan_id]
        else:
            desk.signed[plan_id] = before


def format_service_token(signed: SignedVoucher) -> str:
    """Write a voucher as a token: its JSON in base64url."""
    return urlsafe_b64encode(signed.to_json().encode()).decode()


def read_service_token(token: str) -> SignedVoucher:
    """Read the voucher that a token carries, as a gateway does before it checks it; no network. Raises InvalidMessage."""
    try:
        text = urlsafe_b64decode(token.encode("ascii")).decode()
    except (binascii.Error, ValueError, AttributeError):
        raise InvalidMessage("service token", "it is not base64url of text") from None
    return SignedVoucher.from_json(text)
