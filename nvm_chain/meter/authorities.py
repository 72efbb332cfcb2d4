"""Authorities: what a credential opened. A request voucher, a session, an allowance and a sign-in are one type.

A request voucher is an authority of one use. The others are authorities of many uses, with a session's limits or without.
"""

from enum import StrEnum

from eth_typing import ChecksumAddress
from msgspec import Struct
from msgspec.structs import replace

from nvm_chain.errors import ChargeAboveHold, InvalidConfig
from nvm_chain.errors.fields import Credits, PlanId, Quantity, Time
from nvm_chain.meter.bindings import NO_CONTEXT
from nvm_chain.meter.session_terms import EVERY_SERVICE, PeriodLimit, SessionTerms
from nvm_chain.meter.sign_in_messages import SignInMessage
from nvm_chain.signing.vouchers import Voucher
from nvm_chain.types.amounts import check_uint


class AuthorityKind(StrEnum):
    """What kind of credential opened an authority. The values are words for messages."""

    REQUEST = "request voucher"
    SESSION = "session"
    ALLOWANCE = "allowance"
    SIGN_IN = "sign-in"


class Authority(Struct, frozen=True, gc=False):
    """Who may use the credits of a holder on a plan, and how much.

    ``uses``, ``limit``, ``per_request`` and ``per_period`` are None if there is no such limit. ``end`` is the last valid
    second. ``services`` are DIDs. ``context`` is the context of a request voucher, which binds it to its request. Of the
    rest, ``used`` counts requests, ``spent`` and ``held`` are credits, and ``period_used`` are the credits that were
    charged or are held in the period with the number ``period``. ``unsigned`` says that its contract wallet no longer accepts
    the signature that opened it. ``max_periods`` is how many access periods the seller may open by a sign-in, and ``opened``
    is how many of them openings have taken.
    """

    authority_id: bytes
    kind: AuthorityKind
    plan_id: PlanId
    holder: ChecksumAddress
    user: ChecksumAddress
    start: Time
    end: Time
    uses: int | None = None
    limit: Credits | None = None
    per_request: Credits | None = None
    per_period: PeriodLimit | None = None
    services: tuple[str, ...] = EVERY_SERVICE
    context: bytes = NO_CONTEXT
    revoked: bool = False
    unsigned: bool = False
    used: int = 0
    spent: Credits = 0
    held: Credits = 0
    period: int = 0
    period_used: Credits = 0
    max_periods: Quantity = 0
    opened: Quantity = 0

    def find_period(self, now: int) -> int:
        """Return the number of the period in which a second is. A clock that goes back does not reopen a period."""
        if self.per_period is None:
            return 0
        return max(self.period, (now - self.start) // self.per_period.seconds)

    def find_period_used(self, now: int) -> Credits:
        """Return the credits that were charged or are held in the period of a second."""
        return self.period_used if self.find_period(now) == self.period else 0

    def find_reset(self, now: int) -> Time:
        """Return the first second of the next period."""
        seconds = 0 if self.per_period is None else self.per_period.seconds
        return self.start + (self.find_period(now) + 1) * seconds


class Hold(Struct, frozen=True, gc=False):
    """Credits set aside for one request before the work. It ends by a charge of at most as much, or by a release."""

    authority_id: bytes
    credits: Credits
    period: int


def open_request(voucher: Voucher, digest: bytes, now: int) -> Authority:
    """Return the authority of a request voucher: one use, spent by the voucher's digest."""
    return Authority(
        authority_id=digest,
        kind=AuthorityKind.REQUEST,
        plan_id=voucher.plan_id,
        holder=voucher.holder,
        user=voucher.holder,
        start=now,
        end=voucher.deadline,
        uses=1,
        context=voucher.context,
    )


def open_session(terms: SessionTerms, digest: bytes, now: int) -> Authority:
    """Return the authority of a session or an allowance. Check the voucher first, with `check_session_voucher`."""
    return Authority(
        authority_id=digest,
        kind=AuthorityKind.SESSION if terms.user == terms.holder else AuthorityKind.ALLOWANCE,
        plan_id=terms.plan_id,
        holder=terms.holder,
        user=terms.user,
        start=now,
        end=terms.end,
        limit=terms.limit,
        per_request=terms.per_request,
        per_period=terms.per_period,
        services=terms.services,
    )


def open_sign_in(message: SignInMessage, digest: bytes, plan_id: int, *, now: int, end: int) -> Authority:
    """Return the authority of a sign-in, for the services that its message names. Verify the message first.

    A sign-in has no limit of its own. It is for time plans, and for plans whose rule lets the seller's key redeem.

    Raises:
        InvalidConfig: The message names no service, so nobody signed for one.
    """
    if not message.services:
        raise InvalidConfig("the sign-in message names no service", "sign in with the DID of the service as a resource")
    return Authority(
        authority_id=digest,
        kind=AuthorityKind.SIGN_IN,
        plan_id=plan_id,
        holder=message.address,
        user=message.address,
        start=now,
        end=end,
        services=message.services,
        max_periods=message.max_periods,
    )


def hold_use(authority: Authority, credits: int, now: int) -> tuple[Authority, Hold]:
    """Return the authority after the start of a request, and the request's hold. Check the agreement first."""
    period = authority.find_period(now)
    held = replace(
        authority,
        used=authority.used + 1,
        held=authority.held + credits,
        period=period,
        period_used=authority.find_period_used(now) + credits,
    )
    return held, Hold(authority.authority_id, credits, period)


def charge_parts(authority: Authority, hold: Hold, cost: int, uses: int) -> Authority:
    """Return the authority after some requests were charged that used a part of a tranche. Raises ChargeAboveHold."""
    charged = charge_use(authority, hold, cost)
    return replace(charged, used=authority.used + uses)


def charge_use(authority: Authority, hold: Hold, cost: int) -> Authority:
    """Return the authority after a request was charged. Raises ChargeAboveHold."""
    check_uint(cost, 64, "cost")
    if cost > hold.credits:
        raise ChargeAboveHold(cost, hold.credits)
    freed = _free(authority, hold, hold.credits - cost)
    return replace(freed, spent=authority.spent + cost)


def release_use(authority: Authority, hold: Hold, *, was_sent: bool) -> Authority:
    """Return the authority after the hold of a request was released.

    ``was_sent`` says whether the upstream was called. If it was not, the use is free again, so the same request voucher may be
    presented again. Raises ChargeAboveHold.
    """
    freed = _free(authority, hold, hold.credits)
    return freed if was_sent else replace(freed, used=authority.used - 1)


def _free(authority: Authority, hold: Hold, unused: int) -> Authority:
    """End a hold. What was not used counts again in the hold's own period, if that has not passed."""
    if hold.credits > authority.held:
        raise ChargeAboveHold(hold.credits, authority.held)
    is_same = hold.period == authority.period
    return replace(
        authority,
        held=authority.held - hold.credits,
        period_used=authority.period_used - unused if is_same else authority.period_used,
    )
