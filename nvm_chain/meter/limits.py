"""Limits of a holder at a service: requests in some seconds, credits in each period, and releases in each hour.

The counters belong to an account, which is a holder on a plan. Periods begin at multiples of their length, in UTC.
"""

from dataclasses import dataclass
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from nvm_chain.errors import QuotaReached, RequestRefused, TooManyReleases, TooManyRequests
from nvm_chain.errors.fields import Credits, Quantity, Seconds, Time
from nvm_chain.meter.session_terms import PeriodLimit
from nvm_chain.types.amounts import check_uint

HOUR: Final = 3_600


@dataclass(frozen=True, slots=True)
class Rate:
    """How many requests a holder may send in each period of some seconds."""

    requests: Quantity
    seconds: Seconds


@dataclass(frozen=True, slots=True)
class Limits:
    """What a seller allows a holder on a plan at one service. None for no such limit.

    ``releases`` is how many requests in an hour may be sent to the upstream and not be served, so not be paid.
    """

    rate: Rate | None = None
    quota: PeriodLimit | None = None
    releases: Quantity | None = None

    def __post_init__(self) -> None:
        """Check the numbers. Raises InvalidAmount."""
        if self.rate is not None:
            check_uint(self.rate.requests, 32, "requests in a period", minimum=1)
            check_uint(self.rate.seconds, 32, "period", minimum=1)
        if self.quota is not None:
            check_uint(self.quota.credits, 63, "credits in a period", minimum=1)
            check_uint(self.quota.seconds, 32, "period", minimum=1)
        if self.releases is not None:
            check_uint(self.releases, 32, "releases in an hour", minimum=1)


@dataclass(frozen=True, slots=True)
class Limited:
    """A service whose requests are counted, and its limits."""

    service: str
    limits: Limits


class Count(Struct, frozen=True, array_like=True):
    """How much was used in the period with a number."""

    period: int = 0
    used: int = 0

    def move(self, period: int) -> "Count":
        """Return the count in a later period. A clock that goes back does not reopen a period."""
        return Count(period) if period > self.period else self

    def add(self, period: int, number: int) -> "Count":
        """Return the count with some more."""
        moved = self.move(period)
        return Count(moved.period, moved.used + number)


class Usage(Struct, frozen=True, array_like=True):
    """What an account has used of a service's limits: requests, credits, and releases."""

    service: str
    requests: Count = Count()
    credits: Count = Count()
    releases: Count = Count()


Usages = tuple[Usage, ...]


class Counted(Struct, frozen=True, array_like=True, gc=False):
    """Where the credits of a request were counted: at a service, in the period of its quota that begins at a second."""

    service: str
    period: int


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and what a refusal says besides its limit: the account, and the next ceiling to sign."""

    plan_id: int
    holder: str
    next_ceiling: Credits


def find_start(now: Time, seconds: Seconds) -> Time:
    """Return the first second of the period of a second. A seller may change the length, and periods stay comparable."""
    return now - now % seconds


def find_end(now: Time, seconds: Seconds) -> Time:
    """Return the first second after the period of a second."""
    return find_start(now, seconds) + seconds


def find_usage(usages: Usages, service: str) -> Usage:
    """Return what was used of a service's limits."""
    return next((usage for usage in usages if usage.service == service), Usage(service))


def put_usage(usages: Usages, usage: Usage) -> Usages:
    """Return the usages with that of one service replaced."""
    return (*(other for other in usages if other.service != usage.service), usage)


def count_request(usages: Usages, limited: Limited, asker: Asker, credits: int, now: Time) -> Usages | RequestRefused:
    """Return the usages with one more request of at most some credits, or the reason why it is refused."""
    usage, limits = find_usage(usages, limited.service), limited.limits
    if limits.releases is not None:
        refusal = _find_releases(usage, limits.releases, asker, now)
        if refusal is not None:
            return refusal
    if limits.rate is not None:
        requests = usage.requests.add(find_start(now, limits.rate.seconds), 1)
        if requests.used > limits.rate.requests:
            retry = find_end(requests.period, limits.rate.seconds) - now
            return TooManyRequests(*_name(asker, usage), limits.rate.requests, limits.rate.seconds, retry)
        usage = replace(usage, requests=requests)
    if limits.quota is not None:
        taken = usage.credits.add(find_start(now, limits.quota.seconds), credits)
        if taken.used > limits.quota.credits:
            left = limits.quota.credits - (taken.used - credits)
            retry = find_end(taken.period, limits.quota.seconds) - now
            return QuotaReached(*_name(asker, usage), limits.quota.credits, max(0, left), credits, retry)
        usage = replace(usage, credits=taken)
    return put_usage(usages, usage)


def _find_releases(usage: Usage, limit: int, asker: Asker, now: Time) -> RequestRefused | None:
    releases = usage.releases.move(find_start(now, HOUR))
    if releases.used < limit:
        return None
    return TooManyReleases(*_name(asker, usage), limit, find_end(releases.period, HOUR) - now)


def _name(asker: Asker, usage: Usage) -> tuple[int, int, str, str]:
    return asker.next_ceiling, asker.plan_id, asker.holder, usage.service


def find_counted(usages: Usages, limited: Limited) -> Counted | None:
    """Return where the credits of a request were counted that was the last one to be counted. None if there is no quota."""
    if limited.limits.quota is None:
        return None
    return Counted(limited.service, find_usage(usages, limited.service).credits.period)


def count_end(usages: Usages, counted: Counted, unused: int) -> Usages:
    """Return the usages after a request has ended: the credits that it did not use count again, if their period is not over."""
    usage = find_usage(usages, counted.service)
    if not unused or usage.credits.period != counted.period:
        return usages
    credits = Count(usage.credits.period, max(0, usage.credits.used - unused))
    return put_usage(usages, replace(usage, credits=credits))


def count_release(usages: Usages, limited: Limited, now: Time) -> Usages:
    """Return the usages with one more request that was sent to the upstream, and was not served."""
    if limited.limits.releases is None:
        return usages
    usage = find_usage(usages, limited.service)
    return put_usage(usages, replace(usage, releases=usage.releases.add(find_start(now, HOUR), 1)))
