"""windows: a request on a time plan needs an open window, a free place, and room in the period (S1, S9)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvm_chain.errors import ChargeAboveHold, PeriodLimitReached, TooManyOpenRequests, ViewUnusable, WindowClosed
from nvm_chain.meter import windows
from nvm_chain.meter.session_terms import PeriodLimit
from nvm_chain.meter.windows import (
    WindowAccount,
    WindowCase,
    WindowPolicy,
    WindowView,
    admit_to_window,
    end_request,
    replace_window,
    roll_back_window,
)
from tests.support.accounts import HOLDER, NOW, PLAN
from tests.support.reverts import reverts

OPEN = replace_window(WindowAccount(PLAN, HOLDER), WindowView(1, NOW + 60), depth=0)
DAY = NOW - NOW % 86_400
TWO = WindowPolicy(2)
DAILY = WindowPolicy(5, PeriodLimit(2, 86_400))


def ask(account: WindowAccount, now: int = NOW, policy: WindowPolicy = TWO) -> Any:
    return admit_to_window(WindowCase(account, policy, now))


@pytest.mark.parametrize(("second", "is_open"), [(59, True), (60, False), (61, False)])
def test_admit_to_window__around_its_end__is_open_until_that_second(second: int, is_open: bool) -> None:
    outcome = ask(OPEN, NOW + second)
    if is_open:
        assert outcome.open_requests == 1
    else:
        assert type(outcome) is WindowClosed
        assert outcome.args == (0, PLAN, HOLDER, NOW + 60, NOW + second)


def test_admit_to_window__of_an_account_that_was_not_read__is_refused() -> None:
    assert type(ask(WindowAccount(PLAN, HOLDER))) is WindowClosed


def test_admit_to_window__with_all_places_taken__waits_for_one_to_end() -> None:
    full = ask(ask(OPEN))
    refusal = ask(full)
    assert type(refusal) is TooManyOpenRequests
    assert refusal.args == (0, PLAN, HOLDER, 2)
    assert ask(end_request(full)).open_requests == 2
    with reverts(ChargeAboveHold(1, 0)):
        end_request(OPEN)


def test_admit_to_window__above_the_limit_of_a_period__says_when_the_next_begins() -> None:
    account = replace_window(OPEN, WindowView(2, DAY + 10**6), depth=0)
    for _ in range(2):
        account = end_request(ask(account, DAY + 86_399, DAILY))
    refusal = ask(account, DAY + 86_399, DAILY)
    assert type(refusal) is PeriodLimitReached
    assert refusal.args == (0, "plan", 2, 0, 1, DAY + 86_400)
    next_day = ask(account, DAY + 86_400, DAILY)
    assert (next_day.period_used, next_day.open_requests) == (1, 1)
    back = ask(ask(next_day, DAY + 86_400, DAILY), DAY, DAILY)  # a clock that goes back reopens nothing
    assert type(back) is PeriodLimitReached
    assert back.reset == DAY + 2 * 86_400


def test_replace_window__with_a_longer_window__counts_it_when_it_is_deep() -> None:
    account = replace_window(OPEN, WindowView(5, NOW + 900), depth=2)
    for number, until in ((6, NOW + 60), (7, NOW + 900)):
        account = replace_window(account, WindowView(number, NOW + 900), depth=2)
        assert account.least_until == until


def test_replace_window__with_an_older_block__changes_nothing() -> None:
    assert replace_window(OPEN, WindowView(1, NOW + 900), depth=0) is OPEN


def test_roll_back_window__to_an_ancestor__puts_its_window_back() -> None:
    account = replace_window(OPEN, WindowView(5, NOW + 900), depth=0)
    assert roll_back_window(account, WindowView(3, NOW + 60), depth=0).least_until == NOW + 60
    for former, number in ((account, 6), (WindowAccount(PLAN, HOLDER), 1)):
        with pytest.raises(ViewUnusable):
            roll_back_window(former, WindowView(number, NOW), depth=0)


views = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 9)), min_size=1, max_size=12)


@given(views, st.integers(0, 4))
def test_least_until__of_any_views__is_the_least_that_a_reorganization_could_leave(
    steps: list[tuple[int, int]], depth: int
) -> None:
    account, known, number = WindowAccount(PLAN, HOLDER), {}, 0
    for distance, until in steps:
        number += distance
        known[number] = until
        account = replace_window(account, WindowView(number, until), depth=depth)
        # what the chain said at each block from `depth` blocks ago on, as far as it is known
        asked = range(number - depth, number + 1)
        said = [known[max(seen for seen in known if seen <= block)] if min(known) <= block else 0 for block in asked]
        assert account.least_until == min(said)


@pytest.mark.parametrize("term", windows.WINDOW_TERMS, ids=lambda term: term.__name__)
def test_window_terms__with_one_left_out__admit_what_they_should_not(
    term: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = ask(ask(OPEN))
    cases = [
        (OPEN, NOW + 60, WindowPolicy(2)),
        (full, NOW, WindowPolicy(2)),
        (OPEN, NOW, WindowPolicy(2, PeriodLimit(0, 60))),
    ]
    assert not any(isinstance(ask(*case), WindowAccount) for case in cases)
    monkeypatch.setattr(windows, "WINDOW_TERMS", tuple(kept for kept in windows.WINDOW_TERMS if kept is not term))
    assert sum(isinstance(ask(*case), WindowAccount) for case in cases) == 1


def test_admit__after_the_seller_made_a_period_longer__says_when_that_ends() -> None:
    start = NOW - NOW % 86_400
    account = WindowAccount(PLAN, HOLDER, past=(WindowView(1, start + 10**6),), least_until=start + 10**6)
    for used in range(3):
        policy = WindowPolicy(9, PeriodLimit(3, 3_600 if used == 0 else 86_400))
        admitted = admit_to_window(WindowCase(account, policy, start + 5_000 + used))
        assert isinstance(admitted, WindowAccount)
        account = admitted
    refused = admit_to_window(WindowCase(account, WindowPolicy(9, PeriodLimit(3, 86_400)), start + 6_000))
    assert isinstance(refused, PeriodLimitReached)
    assert refused.fields["reset"] == start + 86_400
