"""Whether an authority agrees with a request: uses left, limit, per request, per period, end, services and binding."""

from collections.abc import Callable
from typing import Final, TypeAlias

from msgspec import Struct

from nvm_chain.errors import (
    AuthorityOver,
    AuthorityRevoked,
    AuthorityUsedUp,
    BoundToOtherRequest,
    LimitReached,
    PeriodLimitReached,
    RequestAboveLimit,
    RequestRefused,
    ServiceNotCovered,
    WalletChangedItsMind,
)
from nvm_chain.errors.fields import Credits, Time
from nvm_chain.meter.authorities import Authority
from nvm_chain.meter.bindings import NO_CONTEXT
from nvm_chain.meter.session_terms import EVERY_SERVICE


class Ask(Struct, frozen=True, gc=False):
    """What a request asks for: at most ``credits`` of the account, at a service.

    ``context`` is the context of the binding that was computed from the request, or 32 zeros if it came without a binding.
    """

    credits: Credits
    service: str
    context: bytes = NO_CONTEXT


class Question(Struct, frozen=True, gc=False):
    """Whether an authority allows a request now. ``next_ceiling`` is for the refusal."""

    authority: Authority
    ask: Ask
    now: Time
    next_ceiling: Credits

    @property
    def kind(self) -> str:
        """The word for the authority in messages."""
        return self.authority.kind.value


def find_disagreement(question: Question) -> RequestRefused | None:
    """Return why an authority does not allow a request, or None if it does. Every refusal says the next ceiling."""
    for check in CHECKS:
        refusal = check(question)
        if refusal is not None:
            return refusal
    return None


def find_end(question: Question) -> RequestRefused | None:
    """Return why an authority allows nothing any more, whatever is asked. None if it may allow something."""
    return _is_revoked(question) or _is_unsigned(question) or _is_over(question)


def _is_revoked(question: Question) -> RequestRefused | None:
    return AuthorityRevoked(question.next_ceiling, question.kind) if question.authority.revoked else None


def _is_unsigned(question: Question) -> RequestRefused | None:
    authority = question.authority
    return WalletChangedItsMind(question.next_ceiling, question.kind, authority.holder) if authority.unsigned else None


def _is_over(question: Question) -> RequestRefused | None:
    if question.now <= question.authority.end:
        return None
    return AuthorityOver(question.next_ceiling, question.kind, question.authority.end, question.now)


def _is_used_up(question: Question) -> RequestRefused | None:
    uses = question.authority.uses
    if uses is None or question.authority.used < uses:
        return None
    return AuthorityUsedUp(question.next_ceiling, question.kind, uses)


def _is_for_other_service(question: Question) -> RequestRefused | None:
    services, service = question.authority.services, question.ask.service
    if services == EVERY_SERVICE or service in services:
        return None
    return ServiceNotCovered(question.next_ceiling, question.kind, service, services)


def _is_for_other_request(question: Question) -> RequestRefused | None:
    signed, computed = question.authority.context, question.ask.context
    return None if signed in (NO_CONTEXT, computed) else BoundToOtherRequest(question.next_ceiling, signed, computed)


def _is_above_request_limit(question: Question) -> RequestRefused | None:
    limit, credits = question.authority.per_request, question.ask.credits
    if limit is None or credits <= limit:
        return None
    return RequestAboveLimit(question.next_ceiling, question.kind, limit, credits)


def _is_above_period_limit(question: Question) -> RequestRefused | None:
    authority, credits = question.authority, question.ask.credits
    if authority.per_period is None:
        return None
    limit, used = authority.per_period.credits, authority.find_period_used(question.now)
    if used + credits <= limit:
        return None
    reset = authority.find_reset(question.now)
    return PeriodLimitReached(question.next_ceiling, question.kind, limit, limit - used, credits, reset)


def _is_above_limit(question: Question) -> RequestRefused | None:
    authority, credits = question.authority, question.ask.credits
    if authority.limit is None or authority.spent + authority.held + credits <= authority.limit:
        return None
    available = authority.limit - authority.spent - authority.held
    return LimitReached(question.next_ceiling, question.kind, authority.limit, available, credits)


Check: TypeAlias = Callable[[Question], RequestRefused | None]
CHECKS: Final[tuple[Check, ...]] = (
    _is_revoked,
    _is_unsigned,
    _is_over,
    _is_used_up,
    _is_for_other_service,
    _is_for_other_request,
    _is_above_request_limit,
    _is_above_period_limit,
    _is_above_limit,
)
"""The checks of an authority, in the order in which their refusals are told."""
