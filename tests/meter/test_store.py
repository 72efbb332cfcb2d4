"""The store of the meter on both databases: what is admitted, charged and released, once each, and there after a restart."""

import time
from pathlib import Path
from typing import Any

import pytest

from nvm_chain.errors import (
    AuthorityUsedUp,
    ChargeAboveHold,
    CreditsUsedUp,
    HoldOver,
    InvalidAmount,
    NvmChainError,
    ViewTooOld,
    ViewUnusable,
)
from nvm_chain.meter.session_terms import PeriodLimit
from nvm_chain.meter.store.account_changes import BlockCredits, OpenAuthority, SeeView
from nvm_chain.meter.store.group_rows import HoldState, StoredHold
from nvm_chain.meter.store.hold_ends import ChargeHold, ReleaseHold, SweepHold
from nvm_chain.meter.store.store import Store
from tests.support.accounts import build_view
from tests.support.meter_books import check_books, read_rows
from tests.support.meter_stores import (
    KEY,
    admitted,
    build_session,
    fill,
    find_digest,
    key_of,
    open_books,
    open_session,
    present,
    read_account,
    read_holds,
    reopen,
    run,
    see_balance,
    see_head,
    sign,
    use,
)

# ---------------------------------------------------------------------- what is stored


def test_run__admit_charge_and_release__survive_a_restart(store: Store, books_url: str) -> None:
    fill(store, 100)
    first, second, third = (admitted(run(store, present(sign(), 10))) for _ in range(3))
    charged = run(store, ChargeHold(first, 7))
    assert (charged.state, charged.cost, charged.total) == (HoldState.CHARGED, 7, 7)
    assert run(store, ReleaseHold(second, was_sent=True)).state is HoldState.RELEASED
    assert read_holds(store) == (7, 10)
    store = reopen(store, books_url)
    assert isinstance(run(store, present(sign(), 84)), CreditsUsedUp)
    assert run(store, ChargeHold(third, 10)).total == 17
    assert read_holds(store) == (17, 0)
    check_books(store)
    store.close()


def test_run__all_of_a_life_in_one_group__is_stored(store: Store) -> None:
    signed = sign()
    fill(store, 50)
    outcome = admitted(run(store, present(signed, 5)))
    outcomes = store.run(
        [ChargeHold(outcome, 5), present(signed, 5), ChargeHold(outcome, 5), ReleaseHold(outcome, was_sent=False)]
    )
    assert [type(each) for each in outcomes] == [StoredHold, AuthorityUsedUp, StoredHold, StoredHold]
    assert outcomes[2] == outcomes[3] == outcomes[0]
    assert read_holds(store) == (5, 0)


def test_run__nothing_to_store__has_outcomes_and_leaves_no_row(store: Store) -> None:
    assert isinstance(run(store, present(sign(), 1)), CreditsUsedUp)
    assert store.run([]) == []
    assert read_rows(store, "SELECT * FROM accounts") == []


@pytest.mark.parametrize("changes", [{}, {"uses": 3}, {"limit": 9, "per_request": 4}, {"services": ("did:nv:7",)}])
def test_run__session__is_read_again_as_it_was_opened(store: Store, books_url: str, changes: dict[str, Any]) -> None:
    session = build_session(per_period=PeriodLimit(7, 60), **changes)
    assert run(store, OpenAuthority(session)) == session
    store = reopen(store, books_url)
    assert run(store, OpenAuthority(session)) == session
    store.close()


# ---------------------------------------------------------------------- charges


def test_run__charge_sent_twice__counts_once(store: Store, books_url: str) -> None:
    fill(store, 100)
    hold, other = (admitted(run(store, present(sign(), 10))) for _ in range(2))
    first, second = store.run([ChargeHold(hold, 3), ChargeHold(hold, 3)])
    run(store, ChargeHold(other, 4))
    assert first == second == run(store, ChargeHold(hold, 3))
    store = reopen(store, books_url)
    assert run(store, ChargeHold(hold, 3)) == first
    assert read_holds(store) == (7, 0)
    store.close()


@pytest.mark.parametrize("cost", [0, 2, 4])
def test_run__charge_of_another_cost__does_not_count(store: Store, cost: int) -> None:
    fill(store, 100)
    hold = admitted(run(store, present(sign(), 10)))
    run(store, ChargeHold(hold, 3))
    assert isinstance(run(store, ChargeHold(hold, cost)), HoldOver)
    assert read_holds(store) == (3, 0)


@pytest.mark.parametrize(("cost", "error"), [(11, ChargeAboveHold), (-1, InvalidAmount), (2**64, InvalidAmount)])
def test_run__charge_that_cannot_be__is_refused_and_the_hold_stays(
    store: Store, cost: int, error: type[NvmChainError]
) -> None:
    session = open_session(store)
    fill(store, 100)
    for admission in (present(sign(), 10), use(session, 10)):
        hold = admitted(run(store, admission))
        refused, charged = store.run([ChargeHold(hold, cost), ChargeHold(hold, 10)])
        assert isinstance(refused, error)
        assert charged.cost == 10
    assert read_holds(store) == (20, 0)


@pytest.mark.parametrize("by_session", [False, True])
def test_run__charge_after_the_end_of_the_hold__is_refused(store: Store, by_session: bool) -> None:
    """TRAP-4: the hold stays until it is swept, because others may count only on what was released in the books."""
    session = open_session(store)
    fill(store, 10)
    late = use(session, 10, seconds=-1) if by_session else present(sign(), 10, seconds=-1)
    hold = admitted(run(store, late))
    outcome = run(store, ChargeHold(hold, 10))
    assert isinstance(outcome, HoldOver)
    assert (outcome.cost, outcome.until) == (10, hold.until)
    assert isinstance(run(store, present(sign(), 1)), CreditsUsedUp)
    check_books(store)
    swept, again, charged, served = store.run(
        [SweepHold(hold), SweepHold(hold), ChargeHold(hold, 10), present(sign(), 10)]
    )
    assert (swept.state, again) == (HoldState.RELEASED, None)
    assert isinstance(charged, HoldOver)
    assert isinstance(served, StoredHold)
    assert read_holds(store) == (0, 10)


def test_run__charge_by_another_owner__is_refused(store: Store) -> None:
    fill(store, 10)
    hold = admitted(run(store, present(sign(), 10)))
    other = type(hold)(**{name: getattr(hold, name) for name in hold.__struct_fields__} | {"owner": b"other"})
    assert isinstance(run(store, ChargeHold(other, 1)), HoldOver)
    assert run(store, ReleaseHold(other, was_sent=False)).state is HoldState.OPEN
    assert read_holds(store) == (0, 10)


def test_run__hold_that_was_never_stored__is_not_charged(store: Store) -> None:
    fill(store, 10)
    hold = admitted(run(store, present(sign(), 10)))
    other = type(hold)(**{name: getattr(hold, name) for name in hold.__struct_fields__} | {"hold_id": b"\7" * 32})
    outcomes = store.run([ChargeHold(other, 1), ReleaseHold(other, was_sent=True), SweepHold(other)])
    assert isinstance(outcomes[0], HoldOver)
    assert outcomes[1:] == [other, None]
    assert read_holds(store) == (0, 10)


# ---------------------------------------------------------------------- sweeps


@pytest.mark.parametrize("owner_is_gone", [False, True])
def test_run__sweep_of_a_hold_in_its_time__is_for_the_dead_only(store: Store, owner_is_gone: bool) -> None:
    fill(store, 10)
    signed = sign()
    hold = admitted(run(store, present(signed, 10)))
    swept = run(store, SweepHold(hold, owner_is_gone))
    assert (swept is not None) == owner_is_gone
    assert read_holds(store) == (0, 0 if owner_is_gone else 10)
    assert isinstance(run(store, present(signed, 10)), AuthorityUsedUp)  # nobody knows whether it was served


@pytest.mark.parametrize("end", ["charge", "release", "return"])
def test_run__sweep_of_an_ended_hold__changes_nothing(store: Store, end: str) -> None:
    fill(store, 10)
    hold = admitted(run(store, present(sign(), 10)))
    run(store, ChargeHold(hold, 4) if end == "charge" else ReleaseHold(hold, was_sent=end == "release"))
    before = read_rows(store, "SELECT * FROM holds"), read_account(store)
    assert run(store, SweepHold(hold, owner_is_gone=True)) is None
    assert before == (read_rows(store, "SELECT * FROM holds"), read_account(store))


# ---------------------------------------------------------------------- views and blocks


@pytest.mark.parametrize("by_session", [False, True])
def test_run__chain_not_read_for_long__serves_nothing(store: Store, by_session: bool) -> None:
    session = open_session(store)
    fill(store, 10)
    hold = admitted(run(store, present(sign(), 1)))
    see_head(store, seconds_ago=400)
    refused = run(store, use(session, 1) if by_session else present(sign(), 1))
    assert isinstance(refused, ViewTooOld)
    assert 400 <= refused.age_seconds <= 460
    assert refused.limit_seconds == 300
    assert run(store, ChargeHold(hold, 1)).cost == 1
    admitted(run(store, use(session, 1, max_view_age_seconds=500)))
    see_head(store)
    admitted(run(store, present(sign(), 1)))


def test_run__view__is_read_again_as_it_was_seen(store: Store, books_url: str) -> None:
    now = int(time.time())
    views = [
        build_view(number, 100, time=now, settled=9, taken=7, lapsed=5, lots=((now + 60, 10),), ended=((now, 5),))
        for number in (3, 4)
    ]
    fill(store, 1)
    seen = run(store, SeeView(KEY, tuple(views), depth=0))
    store = reopen(store, books_url)
    assert run(store, SeeView(KEY, (build_view(1, 0, time=now),), depth=0)) == seen  # an older one changes nothing
    store.close()


def test_run__rollback__goes_back_to_what_was_written_off_then(store: Store, books_url: str) -> None:
    fill(store, 10)
    run(store, see_balance(25, block_number=2))
    run(store, see_balance(5, block_number=3))
    assert isinstance(run(store, present(sign(), 6)), CreditsUsedUp)
    store = reopen(store, books_url)
    (view,) = see_balance(25, block_number=2).views
    back, again = store.run([SeeView(KEY, (view,), 0, rolls_back=True), SeeView(KEY, (view,), 0, rolls_back=True)])
    assert back == again
    assert [past.block_number for past in back.past] == [1, 2]
    admitted(run(store, present(sign(), 25)))
    (later,) = see_balance(25, block_number=9).views
    assert isinstance(run(store, SeeView(KEY, (later,), 0, rolls_back=True)), ViewUnusable)
    store.close()


def test_run__requests_between_views__leave_the_past_as_it_was(store: Store, books_url: str) -> None:
    """Requests do not read the past views. What they write may not lose them."""
    fill(store, 10)
    run(store, see_balance(20, block_number=2))
    store = reopen(store, books_url)
    run(store, ChargeHold(admitted(run(store, present(sign(), 2))), 1))
    account = run(store, see_balance(30, block_number=3))
    assert [past.block_number for past in account.past] == [1, 2, 3]
    assert (account.committed, account.held) == (1, 0)
    store.close()


# ---------------------------------------------------------------------- disputes


def test_run__blocked_credits__are_not_served_until_they_are_free(store: Store, books_url: str) -> None:
    fill(store, 10)
    blocked, refused = store.run([BlockCredits(KEY, 6), present(sign(), 5)])
    assert blocked.blocked == 6
    assert isinstance(refused, CreditsUsedUp)
    store = reopen(store, books_url)
    assert isinstance(run(store, BlockCredits(KEY, -7)), InvalidAmount)
    assert run(store, BlockCredits(KEY, -6)).blocked == 0
    admitted(run(store, present(sign(), 10)))
    store.close()


@pytest.mark.parametrize("credits", [2**63, 2**64 - 1])
def test_run__more_credits_blocked_than_a_row_can_have__is_refused(store: Store, credits: int) -> None:
    fill(store, 10)
    outcomes = store.run([BlockCredits(KEY, credits), present(sign(), 10)])
    assert isinstance(outcomes[0], InvalidAmount)
    assert isinstance(outcomes[1], StoredHold)


# ---------------------------------------------------------------------- many


def test_run__group_of_many_accounts__is_that_of_each_alone(store: Store, books_url: str) -> None:
    keys = [key_of(number) for number in range(1, 700)]
    fill(store, 10, keys)
    vouchers = [sign(key=key) for key in keys]
    holds = [admitted(outcome) for outcome in store.run([present(signed, 6) for signed in vouchers])]
    assert {hold.hold_id for hold in holds} == {find_digest(signed) for signed in vouchers}
    store = reopen(store, books_url)
    outcomes = store.run([*(ChargeHold(hold, 5) for hold in holds), *(present(sign(key=key), 6) for key in keys)])
    assert {type(outcome) for outcome in outcomes[: len(keys)]} == {StoredHold}
    assert {type(outcome) for outcome in outcomes[len(keys) :]} == {CreditsUsedUp}
    check_books(store)
    assert read_rows(store, "SELECT count(*), sum(committed), sum(held) FROM accounts") == [(699, 5 * 699, 0)]
    store.close()


def test_run__more_accounts_than_are_remembered__are_read_again(
    made_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nvm_chain.meter.store.groups.MOST_KEPT", 3)
    store = open_books(str(made_copy))
    keys = [key_of(number) for number in range(1, 12)]
    fill(store, 10, keys)
    holds: list[StoredHold] = []
    for start in range(9):
        some = keys[start : start + 3]
        outcomes = store.run([*(present(sign(key=key), 2) for key in some), *(ChargeHold(hold, 1) for hold in holds)])
        assert {type(outcome) for outcome in outcomes} == {StoredHold}
        holds = [outcome for outcome in outcomes[: len(some)] if start % 2]
    check_books(store)
    store.close()
