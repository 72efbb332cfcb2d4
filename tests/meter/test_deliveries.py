"""Deliveries: each webhook gets each notice, has pauses and an end of its own, and processes share the work."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from nvm_chain.meter.deliveries import Delivery, Target
from nvm_chain.meter.notices import MOST_ATTEMPTS, Notice, NoticeKind, NoticeRule
from nvm_chain.meter.store.deliveries import (
    count_deliveries,
    hand_over,
    list_dead,
    note_failed,
    note_sent,
    send_again,
    take_deliveries,
)
from nvm_chain.meter.store.notice_causes import add_notices
from nvm_chain.meter.store.notices import KEPT_SECONDS, list_given_up, read_now, sweep_notices, take_notices
from nvm_chain.meter.store.sessions import KeepSession
from nvm_chain.meter.store.settlement_notices import add_failed, note_stuck, note_unsent
from nvm_chain.meter.store.settlements import SettledItem, Settlement, SettlementState
from nvm_chain.meter.store.store import Store
from tests.support.accounts import HOLDER, PLAN, REDEEMER
from tests.support.meter_books import read_rows
from tests.support.meter_stores import KEY, build_session, open_books, run, sign

LOW = frozenset((NoticeKind.LOW_BALANCE,))
OPS = Target("ops", LOW)
BILLING = Target("billing", frozenset(NoticeKind))
OTHER_PLAN = Target("others", frozenset(NoticeKind), frozenset((PLAN + 1,)))
HASH = "0x" + "ab" * 32


@pytest.fixture
def books(books_url: str) -> Iterator[Store]:
    """Empty books, in which each test writes notices itself."""
    store = open_books(books_url)
    yield store
    store.close()


def write(store: Store, count: int, *, kind: NoticeKind = NoticeKind.LOW_BALANCE, end: int = 0) -> list[bytes]:
    """Write some notices that are due, and return their ids."""
    names = [bytes([number]) * 32 for number in range(1, count + 1)]
    with store.asking() as pen:
        now = read_now(pen)
        end = end and now + end
        add_notices(pen, [Notice(name, kind, PLAN, HOLDER, 7, end, now, now) for name in names])
    return names


def pass_time(store: Store, seconds: int) -> None:
    """Let some seconds pass for the deliveries and the notices."""
    with store.asking() as pen:
        pen.change("UPDATE deliveries SET due_at = due_at - ?, done_at = done_at - ?", (seconds, seconds))
        pen.change(
            "UPDATE notices SET due_at = due_at - ?, done_at = done_at - ?, "
            "ends_at = CASE WHEN ends_at = 0 THEN 0 ELSE ends_at - ? END",
            (seconds, seconds, seconds),
        )


def names(deliveries: list[Delivery]) -> list[bytes]:
    return sorted(delivery.notice.notice_id for delivery in deliveries)


def test_hand_over__of_notices__gives_each_to_all_webhooks_that_hear_of_it(books: Store) -> None:
    ids = write(books, 3)
    assert hand_over(books, [OPS, BILLING, OTHER_PLAN], 2) == 2
    assert hand_over(books, [OPS, BILLING, OTHER_PLAN], 2) == 1
    assert hand_over(books, [OPS, BILLING, OTHER_PLAN], 2) == 0
    for name in ("ops", "billing"):
        taken = take_deliveries(books, name, 10, 60)
        assert names(taken) == ids
        assert {(each.attempt, each.notice.number, each.webhook) for each in taken} == {(1, 7, name)}
    assert take_deliveries(books, "others", 10, 60) == []
    assert take_notices(books, 10, 60) == []  # they have left the outbox


def test_hand_over__of_a_kind_that_nobody_hears__drops_it(books: Store) -> None:
    write(books, 1, kind=NoticeKind.SESSION_OPENED, end=100)
    assert hand_over(books, [OPS], 10) == 1
    assert take_deliveries(books, "ops", 10, 60) == []
    assert count_deliveries(books) == []


def test_take_deliveries__of_which_nobody_says_anything__are_due_again_later(books: Store) -> None:
    write(books, 1)
    hand_over(books, [OPS], 10)
    assert len(take_deliveries(books, "ops", 10, 60)) == 1
    assert take_deliveries(books, "ops", 10, 60) == []
    pass_time(books, 61)
    (again,) = take_deliveries(books, "ops", 10, 60)
    assert again.attempt == 2


def test_note_sent__of_a_delivery__ends_it_for_this_webhook_only(books: Store) -> None:
    write(books, 1)
    hand_over(books, [OPS, BILLING], 10)
    (first,) = take_deliveries(books, "ops", 10, 60)
    note_sent(books, first)
    pass_time(books, 10_000)
    assert take_deliveries(books, "ops", 10, 60) == []
    assert len(take_deliveries(books, "billing", 10, 60)) == 1


def test_note_failed__again_and_again__pauses_longer_and_ends(books: Store) -> None:
    write(books, 1)
    hand_over(books, [OPS], 10)
    pauses: list[int | None] = []
    for _ in range(MOST_ATTEMPTS):
        (delivery,) = take_deliveries(books, "ops", 10, 60)
        due_at = note_failed(books, delivery, "it answered with status 500")
        with books.asking() as pen:
            pauses.append(None if due_at is None else due_at - read_now(pen))
        pass_time(books, 7 * 3_600)
    assert pauses[:3] == [30, 60, 120]
    assert pauses[-1] is None
    assert pauses[:-1] == sorted(pause for pause in pauses if pause is not None)
    assert take_deliveries(books, "ops", 10, 60) == []
    (dead,) = list_dead(books, 10)
    assert (dead.webhook, dead.attempt, dead.trouble) == ("ops", MOST_ATTEMPTS, "it answered with status 500")
    (counts,) = count_deliveries(books)
    assert (counts.webhook, counts.waiting, counts.given_up) == ("ops", 0, 1)


def test_note_failed__of_an_attempt_that_another_process_has_taken_over__changes_nothing(books: Store) -> None:
    write(books, 1)
    hand_over(books, [OPS], 10)
    (old,) = take_deliveries(books, "ops", 10, 60)
    pass_time(books, 61)
    take_deliveries(books, "ops", 10, 60)
    assert note_failed(books, old, "late") is None
    assert read_rows(books, "SELECT attempt, trouble FROM deliveries") == [(2, "")]


def test_take_deliveries__after_all_attempts_of_killed_processes__gives_up(books: Store) -> None:
    write(books, 1)
    hand_over(books, [OPS], 10)
    for _ in range(MOST_ATTEMPTS):
        assert len(take_deliveries(books, "ops", 10, 60)) == 1
        pass_time(books, 61)
    assert take_deliveries(books, "ops", 10, 60) == []
    assert len(list_dead(books, 10)) == 1


def test_take_deliveries__of_an_end_that_is_over__gives_up(books: Store) -> None:
    write(books, 1, kind=NoticeKind.LOT_ENDS, end=100)
    hand_over(books, [BILLING], 10)
    pass_time(books, 101)
    assert take_deliveries(books, "billing", 10, 60) == []
    (dead,) = list_dead(books, 10, "billing")
    assert dead.trouble == "what it tells of has ended"


def test_send_again__of_dead_letters__begins_with_the_first_attempt(books: Store) -> None:
    ids = write(books, 3)
    hand_over(books, [OPS, BILLING], 10)
    for name in ("ops", "billing"):
        for delivery in take_deliveries(books, name, 10, 60):
            note_failed(books, delivery, "gone", is_final=True)
    assert send_again(books, "ops", ids[0]) == 1
    (first,) = take_deliveries(books, "ops", 10, 60)
    assert (first.attempt, first.notice.notice_id) == (1, ids[0])
    assert send_again(books, "ops") == 2
    assert len(take_deliveries(books, "ops", 10, 60)) == 2
    assert send_again(books) == 3
    assert send_again(books) == 0


def test_take_deliveries__by_several_at_the_same_time__are_given_to_one_each(
    postgres_books_url: str,
) -> None:
    store = open_books(postgres_books_url)
    ids = write(store, 60)
    store.close()
    others = [open_books(postgres_books_url) for _ in range(4)]

    def work(own: Store) -> list[bytes]:
        found: list[bytes] = []
        for _ in range(60):
            hand_over(own, [OPS], 5)
            for delivery in take_deliveries(own, "ops", 3, 600):
                found.append(delivery.notice.notice_id)
                note_sent(own, delivery)
        return found

    with ThreadPoolExecutor(4) as pool:
        taken = [one for some in pool.map(work, others) for one in some]
    assert sorted(taken) == ids
    for own in others:
        own.close()


def test_sweep_notices__long_after__forgets_deliveries_with_their_notices(books: Store) -> None:
    write(books, 2)
    hand_over(books, [OPS], 1)
    (delivery,) = take_deliveries(books, "ops", 10, 60)
    note_sent(books, delivery)
    pass_time(books, KEPT_SECONDS + 60)
    sweep_notices(books)
    assert read_rows(books, "SELECT count(*) FROM deliveries") == [(0,)]
    assert read_rows(books, "SELECT count(*) FROM notices") == [(1,)]  # the other one still waits


def test_sweep_notices__of_a_webhook_that_is_no_longer_in_the_file__forgets_what_waits_for_it(books: Store) -> None:
    write(books, 1)
    hand_over(books, [OPS], 1)
    pass_time(books, KEPT_SECONDS + 60)
    sweep_notices(books)
    assert count_deliveries(books) == []


# ---------------------------------------------------------------------- causes


def settlement(*taken: int, state: SettlementState = SettlementState.MINED) -> Settlement:
    items = tuple(SettledItem(HOLDER, 10, each) for each in taken)
    return Settlement(HASH, PLAN, REDEEMER, 4, items, state=state)


def read_notices(store: Store) -> list[Any]:
    return [(each.kind, each.holder, each.number, each.about) for each in take_notices(store, 10, 60)]


@pytest.mark.parametrize(
    ("found", "count"),
    [
        (settlement(3, 0, 0), 2),
        (settlement(0, state=SettlementState.DONE), 1),
        (settlement(3, 3), None),
        (settlement(0, state=SettlementState.OPEN), None),
        (settlement(0, state=SettlementState.GONE), None),
    ],
)
def test_add_failed__of_an_outcome__is_told_once_if_it_took_nothing_from_somebody(
    books: Store, found: Settlement, count: int | None
) -> None:
    books.write_notices({PLAN: NoticeRule(settlements=True)})
    for _ in range(2):
        with books.asking() as pen:
            add_failed(books, pen, [found])
    expected = [] if count is None else [(NoticeKind.SETTLEMENT_FAILED, REDEEMER, count, HASH)]
    assert read_notices(books) == expected


def test_note_stuck__of_a_transaction_that_is_replaced_twice__is_told_once(books: Store) -> None:
    books.write_notices({PLAN: NoticeRule(settlements=True)})
    note_stuck(books, settlement(0))
    note_stuck(books, settlement(0))
    assert read_notices(books) == [(NoticeKind.SETTLEMENT_STUCK, REDEEMER, 1, HASH)]


def test_note_unsent__of_the_same_error__is_told_once_a_day(books: Store) -> None:
    books.write_notices({PLAN: NoticeRule(settlements=True)})
    for error in ("NotSent", "NotSent", "AccountBusy"):
        note_unsent(books, PLAN, REDEEMER, 2, error)
    assert sorted(about for *_, about in read_notices(books)) == ["AccountBusy", "NotSent"]


def test_settlements__of_a_plan_without_a_rule__are_not_told(books: Store) -> None:
    books.write_notices({PLAN + 1: NoticeRule(settlements=True), PLAN: NoticeRule(low_balance=1)})
    note_stuck(books, settlement(0))
    note_unsent(books, PLAN, REDEEMER, 2, "NotSent")
    with books.asking() as pen:
        add_failed(books, pen, [settlement(0)])
    assert read_notices(books) == []
    assert list_given_up(books, 10) == []


def test_keep_session__of_a_plan_with_a_rule__tells_of_the_session_and_not_of_its_next_token(books: Store) -> None:
    books.write_notices({PLAN: NoticeRule(sessions=True)})
    session = build_session()
    for number in (1, 2):
        run(books, KeepSession(session, sign(), bytes([number]) * 32))
    (found,) = take_notices(books, 10, 60)
    assert (found.kind, found.about, found.end) == (
        NoticeKind.SESSION_OPENED,
        session.authority_id.hex(),
        session.end,
    )
    assert (found.plan_id, found.holder) == KEY
