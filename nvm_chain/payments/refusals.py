"""Errors for an account without access. The next step depends on the holding, so that nobody buys a plan twice."""

from collections.abc import Sequence
from dataclasses import dataclass

from nvm_chain.enums import PlanKind, RedemptionRule
from nvm_chain.errors import (
    InsufficientCredits,
    NoAccess,
    NvmChainError,
    PaidExternally,
    PlanNotActive,
    RedeemNotAllowed,
    SettlementsNotAccepted,
    TrialAlreadyTaken,
    WrongKind,
)
from nvm_chain.errors.formatting import count, format_time
from nvm_chain.payments.session import Session
from nvm_chain.types.accounts import Account
from nvm_chain.types.agents import AttachedPlan
from nvm_chain.types.ids import format_did
from nvm_chain.types.plans import Terms

_ASK_CHAIN = "do not order it again: a gateway that knows your address can ask the chain with `has_access`"
_OPEN_PERIOD = (
    "open one with `redeem_credits`, and do not order again: a gateway that knows your address can then ask the chain "
    "with `has_access`"
)
_ASK_SELLER = "do not order it again: ask the seller, who redeems on this plan"
_REDEEM = "do not order it again: pay for each request with `redeem_credits`"


@dataclass(frozen=True, slots=True)
class Held:
    """Holding of an account on a plan that an asset accepts.

    ``voucher_cost`` is the credits of a voucher for one request.
    """

    attached: AttachedPlan
    terms: Terms
    account: Account
    is_open: bool
    voucher_cost: int


def explain_no_access(session: Session, asset: str, held: Sequence[Held], *, by_voucher: bool) -> NvmChainError:
    """Return the error for an account without access. Makes two requests for each plan if no holding explains the error.

    The error says what the account holds. If the account holds nothing, the error names the plans to order, or says why no
    plan can be ordered.
    """
    of_holdings = _explain_voucherless if by_voucher else _explain_unusable
    for one in held:
        if (error := of_holdings(session, one)) is not None:
            return error
    refused = [(one, explain_no_order(session, one)) for one in held]
    orderable = [one for one, error in refused if error is None]
    if by_voucher and any(one.terms.accepts_vouchers for one in orderable):
        orderable = [one for one in orderable if one.terms.accepts_vouchers]
    if not orderable and refused and refused[0][1] is not None:
        return refused[0][1]
    return NoAccess(asset, session.address, tuple(format_did(one.attached.plan_id) for one in orderable))


def explain_no_token(session: Session, held: Held) -> SettlementsNotAccepted:
    """Return the error for a plan that does not accept vouchers. The next step depends on what the account holds."""
    error = SettlementsNotAccepted(held.attached.plan_id)
    if (told := _tell_holding(session, held)) is not None:
        return error.explain(*told)
    if held.terms.kind is PlanKind.TIME:
        cause = f"{session.address} does not have it"
        return error.explain(cause, "order it: a gateway that knows your address can ask the chain with `has_access`")
    return error


def explain_no_order(session: Session, held: Held) -> NvmChainError | None:
    """Return the error that stops an account from ordering a plan, or None. Makes two requests."""
    plan = session.read_plan_state(held.attached.plan_id)
    if plan.terms.kind is PlanKind.USAGE:
        return WrongKind(plan.plan_id, plan.terms.kind)
    if plan.terms.paid_externally:
        return PaidExternally(plan.plan_id)
    if not plan.active:
        return PlanNotActive(plan.plan_id)
    if plan.terms.trial and held.account.trial_taken:
        return TrialAlreadyTaken(plan.plan_id, session.address)
    return None


def _explain_voucherless(session: Session, held: Held) -> NvmChainError | None:
    """Return the error for a holding that does not suffice for a voucher. None if the account holds nothing."""
    if not held.terms.accepts_vouchers:
        told = _tell_holding(session, held)
        return None if told is None else SettlementsNotAccepted(held.attached.plan_id).explain(*told)
    return _explain_too_few(session, held, held.voucher_cost)


def _explain_unusable(session: Session, held: Held) -> NvmChainError | None:
    """Return the error for a holding that is too small, or that only the seller can redeem. Else None."""
    if held.terms.starts_on_purchase:
        return None  # its periods open with the purchase, and are over
    if held.account.balance and held.terms.rule is RedemptionRule.OWNER:
        return RedeemNotAllowed(held.attached.plan_id, session.address, session.address).explain(
            "only the plan's owner and their redeemers redeem on it", _ASK_SELLER
        )
    return _explain_too_few(session, held, held.attached.max_credits)


def _explain_too_few(session: Session, held: Held, cost: int) -> InsufficientCredits | None:
    balance = held.account.balance
    if held.terms.kind is not PlanKind.CREDITS or not 0 < balance < cost:
        return None
    return InsufficientCredits(held.attached.plan_id, session.address, balance, cost)


def _tell_holding(session: Session, held: Held) -> tuple[str, str] | None:
    """Return the holding on a plan without vouchers and the next step. None if the account holds nothing."""
    who, balance, is_owners = session.address, held.account.balance, held.terms.rule is RedemptionRule.OWNER
    if held.is_open:
        return f"{who} has access until {format_time(held.account.access_until)}", _ASK_CHAIN
    if not balance or held.terms.kind is PlanKind.USAGE or held.terms.starts_on_purchase:
        return None
    if held.terms.kind is PlanKind.TIME:
        return f"{who} has {count(balance, 'period')} to open", _ASK_SELLER if is_owners else _OPEN_PERIOD
    return f"{who} has {count(balance, 'credit')} of it", _ASK_SELLER if is_owners else _REDEEM
