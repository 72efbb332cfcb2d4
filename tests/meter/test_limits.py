"""Limits of a holder at a service: counters in periods, what is given back, and how long a refused holder has to wait."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvm_chain.errors import InvalidAmount, QuotaReached, RequestRefused, TooManyReleases, TooManyRequests
from nvm_chain.meter.limits import (
    HOUR,
    Asker,
    Count,
    Counted,
    Limited,
    Limits,
    Rate,
    Usages,
    count_end,
    count_release,
    count_request,
    find_counted,
    find_usage,
)
from nvm_chain.meter.session_terms import PeriodLimit
from nvm_chain.meter.store.packing import pack_usages, unpack_usages
from tests.support.accounts import HOLDER, NOW, PLAN, SERVICE

ASKER = Asker(PLAN, HOLDER, 14)
OTHER = "did:nv:" + "0" * 63 + "8"
START = NOW - NOW % HOUR
"""The first second of an hour, and of each shorter period."""


def limit(service: str = SERVICE, **limits: Any) -> Limited:
    return Limited(service, Limits(**limits))


def ask(usages: Usages, limited: Limited, credits: int = 1, now: int = START) -> Usages:
    counted = count_request(usages, limited, ASKER, credits, now)
    assert not isinstance(counted, RequestRefused), counted
    return counted


def refuse(usages: Usages, limited: Limited, credits: int = 1, now: int = START) -> RequestRefused:
    refusal = count_request(usages, limited, ASKER, credits, now)
    assert isinstance(refusal, RequestRefused), refusal
    return refusal


def test_count_request__above_the_rate__says_when_the_next_period_begins() -> None:
    limited = limit(rate=Rate(3, 60))
    usages: Usages = ()
    for now in (START, START + 20, START + 59):
        usages = ask(usages, limited, now=now)
    error = refuse(usages, limited, now=START + 59)
    assert isinstance(error, TooManyRequests)
    assert list(error.fields.values()) == [14, PLAN, HOLDER, SERVICE, 3, 60, 1]
    assert refuse(usages, limited, now=START + 20).fields["retry_seconds"] == 40
    usages = ask(usages, limited, now=START + 60)
    assert find_usage(usages, SERVICE).requests == Count((START + 60) // 60 * 60, 1)


def test_count_request__above_the_quota__says_what_is_left() -> None:
    limited = limit(quota=PeriodLimit(10, HOUR))
    usages = ask((), limited, 7)
    error = refuse(usages, limited, 4, START + 3_599)
    assert isinstance(error, QuotaReached)
    assert list(error.fields.values()) == [14, PLAN, HOLDER, SERVICE, 10, 3, 4, 1]
    usages = ask(usages, limited, 3)
    assert refuse(usages, limited, 1).fields["available"] == 0
    ask(usages, limited, 10, START + HOUR)


def test_count_request__after_too_many_releases__waits_for_the_next_hour() -> None:
    limited = limit(releases=2)
    usages: Usages = ()
    for _ in range(2):
        usages = count_release(ask(usages, limited), limited, START + 10)
    error = refuse(usages, limited, now=START + 3_000)
    assert isinstance(error, TooManyReleases)
    assert list(error.fields.values()) == [14, PLAN, HOLDER, SERVICE, 2, 600]
    ask(usages, limited, now=START + HOUR)


def test_count_request__refused_by_one_limit__counts_in_no_other() -> None:
    limited = limit(rate=Rate(5, 60), quota=PeriodLimit(3, 60))
    usages = ask((), limited, 3)
    refuse(usages, limited, 1)
    assert find_usage(usages, SERVICE).requests.used == 1


def test_count_request__at_two_services__counts_each_apart() -> None:
    one, other = limit(rate=Rate(1, 60)), limit(OTHER, rate=Rate(1, 60))
    usages = ask(ask((), one), other)
    for limited in (one, other):
        assert refuse(usages, limited).fields["service"] == limited.service
    assert unpack_usages(pack_usages(usages)) == usages
    assert unpack_usages(pack_usages(())) == ()


def test_count_request__clock_that_goes_back__reopens_no_period() -> None:
    limited = limit(rate=Rate(1, 60))
    usages = ask(ask((), limited, now=START), limited, now=START + 60)
    error = refuse(usages, limited, now=START + 59)
    assert error.fields["retry_seconds"] == 61
    ask(usages, limited, now=START + 120)


@pytest.mark.parametrize(("period", "used"), [(START, 5), (START - 60, 9), (START + 60, 9)])
def test_count_end__of_a_request__gives_back_what_it_did_not_use_in_its_own_period(period: int, used: int) -> None:
    usages = count_end(ask((), limit(quota=PeriodLimit(10, 60)), 9), Counted(SERVICE, period), 4)
    assert find_usage(usages, SERVICE).credits.used == used


def test_find_counted__of_a_request__is_the_period_of_its_quota() -> None:
    limited = limit(quota=PeriodLimit(10, 60))
    assert find_counted(ask((), limited, now=START + 59), limited) == Counted(SERVICE, START)


def test_limits__without_a_quota__count_no_credits() -> None:
    limited = limit(rate=Rate(1, 60))
    usages = ask((), limited)
    assert find_counted(usages, limited) is None
    assert count_release(usages, limited, START) is usages


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Limits(rate=Rate(0, 60)),
        lambda: Limits(rate=Rate(1, 0)),
        lambda: Limits(quota=PeriodLimit(0, 60)),
        lambda: Limits(quota=PeriodLimit(1, 2**32)),
        lambda: Limits(releases=0),
    ],
)
def test_limits__that_cannot_be_counted__are_refused(wrong: Any) -> None:
    with pytest.raises(InvalidAmount):
        wrong()


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 6), st.booleans()), max_size=60))
def test_count_request__of_any_requests__never_allows_more_in_a_period(steps: list[tuple[int, int, bool]]) -> None:
    """Compared with a plain list of what was admitted."""
    limited, now = limit(rate=Rate(4, 20), quota=PeriodLimit(9, 50)), START
    usages: Usages = ()
    served: list[tuple[int, int]] = []
    for pause, credits, is_unused in steps:
        now += pause
        requests = sum(at // 20 == now // 20 for at, _ in served)
        used = sum(cost for at, cost in served if at // 50 == now // 50)
        counted = count_request(usages, limited, ASKER, credits, now)
        assert isinstance(counted, RequestRefused) == (requests >= 4 or used + credits > 9)
        if isinstance(counted, RequestRefused):
            wait = counted.fields["retry_seconds"]
            length = 20 if isinstance(counted, TooManyRequests) else 50
            assert 0 < wait <= length
            assert (now + wait) % length == START % length
            continue
        unused = credits if is_unused else 0
        at = find_counted(counted, limited)
        assert at is not None
        usages = count_end(counted, at, unused)
        served.append((now, credits - unused))
    assert all(one[0] <= other[0] for one, other in pairwise(served))


def test_count_request__after_the_seller_changed_a_period__counts_in_the_new_ones() -> None:
    """A longer period has a smaller number since 1970, so numbers of periods would lock a holder out for ever."""
    short = limit(rate=Rate(2, 60), quota=PeriodLimit(5, 60))
    long = limit(rate=Rate(2, HOUR), quota=PeriodLimit(5, HOUR))
    usages = ask((), short, 5, START + 7_200)
    for later in (3 * HOUR, 4 * HOUR):
        usages = ask(ask(usages, long, 3, START + later), long, 2, START + later)
        assert refuse(usages, long, 1, START + later).fields["retry_seconds"] == HOUR
    ask(usages, short, 5, START + 5 * HOUR)


def test_count_request__after_the_seller_made_a_period_longer__waits_until_that_ends() -> None:
    """The count of the last short period goes on until the long one ends, and so does what was counted in it."""
    short, now = limit(rate=Rate(2, 60), quota=PeriodLimit(5, 60)), START + 1_800
    long = limit(rate=Rate(2, HOUR), quota=PeriodLimit(5, HOUR))
    usages = ask(ask((), short, 3, now), long, 2, now + 30)
    assert refuse(usages, limit(quota=PeriodLimit(5, HOUR)), 1, now + 30).fields["retry_seconds"] == 1_770
    assert refuse(usages, limit(rate=Rate(2, HOUR)), 1, now + 30).fields["retry_seconds"] == 1_770
    at = find_counted(usages, long)
    assert at is not None
    ask(count_end(usages, at, 2), limit(quota=PeriodLimit(5, HOUR)), 2, now + 60)
    ask(usages, long, 5, START + HOUR)
