"""Access: the plan of an asset that an account uses for a request, and the cost of the request."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from nvm_chain.enums import Activation, PlanKind, RedemptionRule
from nvm_chain.errors import NeedsGateway
from nvm_chain.operations.credits import read_account
from nvm_chain.payments.refusals import Held, explain_no_access
from nvm_chain.payments.session import Gateway, Session
from nvm_chain.types.accounts import Account
from nvm_chain.types.agents import AttachedPlan


class PaidFrom(IntEnum):
    """Source of a request's payment. The cheapest source for the holder comes first."""

    OPEN = 0
    """An open access window. The request is free."""
    CREDITS = 1
    """Credits."""
    PERIOD = 2
    """A period, which the request opens."""
    SIGNED_AWAY = 3
    """Credits that earlier vouchers promise. They are usable when those vouchers are settled or expired."""


@dataclass(frozen=True, slots=True)
class Access:
    """Plan that an account can use for a request, and the credits or periods that the request costs."""

    plan_id: int
    paid_from: PaidFrom
    cost: int


def need_gateway(session: Session, what: str) -> Gateway:
    """Return the gateway. Raises NeedsGateway if none is configured."""
    if session.gateway is None:
        raise NeedsGateway(what)
    return session.gateway


def find_access(session: Session, asset: str, plans: Iterable[AttachedPlan], *, by_voucher: bool) -> Access:
    """Return the best plan for a request: an open window, then the fewest credits, then an unopened period.

    Makes two to three requests for each plan. Makes two more for each plan if no plan is usable.

    Args:
        session: The session of the account.
        asset: The DID of the service or file asset.
        plans: The plans that the asset accepts.
        by_voucher: Whether the gateway requires a voucher.

    Raises:
        SettlementsNotAccepted: The account has access, but its plan does not accept vouchers.
        InsufficientCredits: The account has too few credits for a request.
        RedeemNotAllowed: Only the seller may redeem the credits of the account.
        NoAccess: The account has none of the plans.
        NvmChainError: The account has none of the plans, and cannot order any of them. The error gives the reason.
    """
    held = [look_at(session, attached) for attached in plans]
    weigh = _weigh_by_voucher if by_voucher else _weigh
    found = [access for one in held if (access := weigh(session, one))]
    if not found:
        raise explain_no_access(session, asset, held, by_voucher=by_voucher)
    return min(found, key=lambda access: (access.paid_from, access.cost))


def look_at(session: Session, attached: AttachedPlan) -> Held:
    """Read what the account holds on a plan. Makes two to three requests."""
    terms = session.read_terms(attached.plan_id)
    account = read_account(session.chain, attached.plan_id, session.address)
    is_open = terms.kind is PlanKind.TIME and session.is_open(account)
    return Held(attached, terms, account, is_open, voucher_cost(attached))


def _weigh_by_voucher(session: Session, held: Held) -> Access | None:
    """Return the access that a voucher of the plan gives to the account, or None."""
    plan_id, cost = held.attached.plan_id, held.voucher_cost
    if not held.terms.accepts_vouchers or held.account.balance < cost:
        return None
    needed = next_ceiling_base(session, plan_id, held.account, cost) + cost - held.account.settled
    return Access(plan_id, PaidFrom.CREDITS if needed <= held.account.balance else PaidFrom.SIGNED_AWAY, cost)


def _weigh(_session: Session, held: Held) -> Access | None:
    """Return the access that the account has to the plan without a voucher, or None."""
    plan_id, terms, account = held.attached.plan_id, held.terms, held.account
    own = terms.rule is not RedemptionRule.OWNER
    if terms.kind is PlanKind.TIME:
        if held.is_open:
            return Access(plan_id, PaidFrom.OPEN, 0)
        opens = own and terms.activation is Activation.ON_FIRST_USE and account.balance > 0
        return Access(plan_id, PaidFrom.PERIOD, 1) if opens else None
    cost = held.attached.max_credits
    if terms.kind is PlanKind.CREDITS and account.balance >= max(cost, 1) and (own or cost == 0):
        return Access(plan_id, PaidFrom.CREDITS, cost)
    return None


def voucher_cost(attached: AttachedPlan) -> int:
    """Return the credits of a voucher for one request: the highest cost of a request, and at least 1."""
    return max(attached.max_credits, 1)


def next_ceiling_base(session: Session, plan_id: int, account: Account, cost: int) -> int:
    """Return the total of earlier requests, to which the next voucher adds its cost. At most one request.

    Until its deadline, the total is the last ceiling. Later, a ceiling in a file still counts if the credits suffice,
    because the seller may have served the request. Else the settled total counts.
    """
    last = session.ceilings.read(plan_id)
    if last is None or last.total <= account.settled:
        return account.settled
    if session.chain.read_time() <= last.deadline:
        return last.total
    is_enough = last.total + cost - account.settled <= account.balance
    return last.total if session.ceilings.outlives_process and is_enough else account.settled
