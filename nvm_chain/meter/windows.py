"""Access windows: the rule of admission for time plans. Requests inside an open window cost nothing, so they are counted."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from eth_typing import ChecksumAddress

from nvm_chain.errors import (
    ChargeAboveHold,
    PeriodLimitReached,
    RequestRefused,
    TooManyOpenRequests,
    ViewUnusable,
    WindowClosed,
)
from nvm_chain.errors.fields import Number, PlanId, Quantity, Time
from nvm_chain.meter.session_terms import PeriodLimit
from nvm_chain.meter.views import KEPT_BLOCKS, find_recent

NO_CEILING: Final = 0
"""The next ceiling in refusals of time plans, because no voucher pays for their requests."""


@dataclass(frozen=True, slots=True)
class WindowView:
    """Until when a holder has access, as the chain says at one block. ``access_until`` is the first second without access.

    ``unopened`` are the periods that the holder has and that were not opened, on a plan that starts on first use.
    """

    block_number: Number
    access_until: Time
    unopened: Quantity = 0

    @property
    def is_empty(self) -> bool:
        """Whether the holder never had access, and has no period to open."""
        return not (self.access_until or self.unopened)


@dataclass(frozen=True, slots=True)
class WindowAccount:
    """One holder on one time plan. ``open_requests`` are running, and ``period_used`` were admitted in one period."""

    plan_id: PlanId
    holder: ChecksumAddress
    open_requests: Quantity = 0
    period: int = 0
    period_used: Quantity = 0
    past: tuple[WindowView, ...] = ()
    least_until: Time = 0

    def find_period_used(self, now: int, seconds: int) -> int:
        """Return the requests that were admitted in the period of a second."""
        return self.period_used if max(self.period, now - now % seconds) == self.period else 0


@dataclass(frozen=True, slots=True)
class FirstUse:
    """How access to a plan that starts on first use is opened. `nvm_chain.meter.first_uses.read_first_use` returns it.

    ``periods`` is how many periods one opening takes, the fewest that the plan allows. ``only_holder`` says that the plan's rule
    is HOLDER, so that no key of the seller opens them.
    """

    periods: Quantity = 1
    only_holder: bool = False


@dataclass(frozen=True, slots=True)
class WindowPolicy:
    """What a seller allows a holder: requests at the same time, and requests in each period. Periods begin at multiples in UTC.

    ``first_use`` is given for a plan whose access is opened on first use.
    """

    max_open: Quantity
    per_period: PeriodLimit | None = None
    first_use: FirstUse | None = None


@dataclass(frozen=True, slots=True)
class WindowCase:
    """Everything that decides about one request on a time plan, apart from the authority."""

    account: WindowAccount
    policy: WindowPolicy
    now: Time


def replace_window(account: WindowAccount, view: WindowView, *, depth: int) -> WindowAccount:
    """Return the account with a later view. A view of an earlier block, or of the same height, changes nothing.

    A longer window counts when ``depth`` blocks follow its block. A shorter one counts at once.
    """
    if account.past and view.block_number <= account.past[-1].block_number:
        return account
    return _put(account, (*account.past, view), depth)


def roll_back_window(account: WindowAccount, view: WindowView, *, depth: int) -> WindowAccount:
    """Return the account with the view of an ancestor. Raises ViewUnusable if it is not of an earlier block."""
    if not account.past or view.block_number > account.past[-1].block_number:
        raise ViewUnusable(view.block_number, "a rollback goes to an earlier block, or to one of the same height")
    return _put(account, (*(past for past in account.past if past.block_number < view.block_number), view), depth)


def _put(account: WindowAccount, past: tuple[WindowView, ...], depth: int) -> WindowAccount:
    kept = find_recent(past, max(depth, KEPT_BLOCKS)) or past
    least = min((view.access_until for view in find_recent(kept, depth)), default=0)
    return replace(account, past=kept, least_until=least)


def admit_to_window(case: WindowCase) -> WindowAccount | RequestRefused:
    """Return the account with one more open request, or the reason why it is refused.

    Check the agreement of the authority too, with `find_disagreement`.
    """
    for term in WINDOW_TERMS:
        refusal = term(case)
        if refusal is not None:
            return refusal
    account, limit = case.account, case.policy.per_period
    opened = replace(account, open_requests=account.open_requests + 1)
    if limit is None:
        return opened
    used = account.find_period_used(case.now, limit.seconds) + 1
    return replace(opened, period=max(account.period, case.now - case.now % limit.seconds), period_used=used)


def end_request(account: WindowAccount) -> WindowAccount:
    """Return the account after one of its requests has ended, served or not. Raises ChargeAboveHold if none is open."""
    if not account.open_requests:
        raise ChargeAboveHold(1, 0)
    return replace(account, open_requests=account.open_requests - 1)


def _is_open(case: WindowCase) -> RequestRefused | None:
    until = case.account.least_until
    if until > case.now:
        return None
    return WindowClosed(NO_CEILING, case.account.plan_id, case.account.holder, until, case.now)


def _has_place(case: WindowCase) -> RequestRefused | None:
    if case.account.open_requests < case.policy.max_open:
        return None
    return TooManyOpenRequests(NO_CEILING, case.account.plan_id, case.account.holder, case.policy.max_open)


def _is_within_period(case: WindowCase) -> RequestRefused | None:
    limit = case.policy.per_period
    if limit is None:
        return None
    used = case.account.find_period_used(case.now, limit.seconds)
    if used < limit.credits:
        return None
    counted = max(case.account.period, case.now)
    reset = counted - counted % limit.seconds + limit.seconds
    return PeriodLimitReached(NO_CEILING, "plan", limit.credits, limit.credits - used, 1, reset)


WindowTerm: TypeAlias = Callable[[WindowCase], RequestRefused | None]
WINDOW_TERMS: Final[tuple[WindowTerm, ...]] = (_is_open, _has_place, _is_within_period)
"""The terms of the rule for time plans, in the order in which their refusals are told."""
