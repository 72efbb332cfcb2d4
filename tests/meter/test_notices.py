"""Notices: what causes one, by which cause it is known again, and when it is due."""

from typing import Any

import pytest
from msgspec.structs import replace

from nvm_chain.errors import InvalidAmount
from nvm_chain.meter.books import charge, release
from nvm_chain.meter.notices import (
    NEVER,
    NoticeKind,
    NoticeRule,
    find_access_that_ends,
    find_left,
    find_lots_that_end,
    find_low_balance,
    find_pause,
)
from nvm_chain.meter.view_changes import replace_view
from tests.support.accounts import HOLDER, NOW, PLAN, build_account, build_view

LOW = NoticeRule(low_balance=20)
SOON = NoticeRule(soon_seconds=100)


def test_find_low_balance__of_charges__is_one_for_the_charge_that_crosses() -> None:
    account, found = build_account(50), []
    for cost in (29, 1, 1, 19):
        before = replace(account, held=account.held + cost)
        after = charge(before, cost, cost, NOW)
        found.append(find_low_balance(LOW, before, after, NOW))
        account = after
    assert [notice is not None for notice in found] == [False, True, False, False]
    notice = found[1]
    assert notice is not None
    assert (notice.kind, notice.plan_id, notice.holder, notice.number) == (NoticeKind.LOW_BALANCE, PLAN, HOLDER, 20)
    assert (notice.end, notice.caused_at, notice.due_at) == (0, NOW, NOW)


def test_find_low_balance__holds_and_releases__are_no_cause() -> None:
    account = build_account(50)
    held = replace(account, held=45)
    assert find_left(held, NOW) == 50
    assert find_low_balance(LOW, held, release(held, 45), NOW) is None
    assert find_low_balance(LOW, account, account, NOW) is None


def test_find_low_balance__after_more_credits__is_another_cause() -> None:
    def cross(account: Any) -> bytes:
        before = replace(account, held=40)
        notice = find_low_balance(LOW, before, charge(before, 40, 40, NOW), NOW)
        assert notice is not None
        return notice.notice_id

    first = build_account(50)
    later = replace_view(first, build_view(2, 55), depth=0, now=NOW)
    assert cross(first) == cross(first) != cross(later)


def test_find_low_balance__of_a_rule_without_a_threshold__is_none() -> None:
    before = build_account(50, held=50)
    assert find_low_balance(SOON, before, charge(before, 50, 50, NOW), NOW) is None


def test_find_lots_that_end__of_a_view__is_one_for_each_end_to_come() -> None:
    lots = ((NOW + 50, 3), (NOW + 500, 4), (NOW + 500, 5))
    account = replace_view(build_account(0), build_view(2, 20, lots=lots), depth=0, now=NOW)
    found = find_lots_that_end(SOON, account, NOW + 10)
    assert [(notice.end, notice.number, notice.due_at) for notice in found] == [
        (NOW + 50, 3, NOW + 10),
        (NOW + 500, 9, NOW + 400),
    ]
    assert {notice.kind for notice in found} == {NoticeKind.LOT_ENDS}
    assert len({notice.notice_id for notice in found}) == 2
    assert [notice.end for notice in find_lots_that_end(SOON, account, NOW + 50)] == [NOW + 500]
    assert find_lots_that_end(LOW, account, NOW) == []


@pytest.mark.parametrize(
    ("until", "due_at"),
    [(NOW + 500, NOW + 400), (NOW + 99, NOW), (NOW + 1, NOW), (NOW, None), (0, None), (NEVER, None)],
)
def test_find_access_that_ends__of_a_window__is_due_before_its_end(until: int, due_at: int | None) -> None:
    found = find_access_that_ends(SOON, PLAN, HOLDER, until, NOW)
    assert [(notice.end, notice.due_at) for notice in found] == ([] if due_at is None else [(until, due_at)])
    assert find_access_that_ends(LOW, PLAN, HOLDER, until, NOW) == []


def test_find_pause__of_attempts__doubles_up_to_a_bound() -> None:
    pauses = [find_pause(attempt) for attempt in range(1, 20)]
    assert pauses[:3] == [30, 60, 120]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 6 * 3_600


@pytest.mark.parametrize("wrong", [{"low_balance": -1}, {"low_balance": 2**63}, {"soon_seconds": 0}])
def test_notice_rule__that_cannot_be__is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidAmount):
        NoticeRule(**wrong)
