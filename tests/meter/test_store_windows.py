"""Access windows in the store: requests on time plans are counted while they run, in both databases."""

import secrets
import time

import pytest

from nvm_chain.errors import (
    AuthorityRevoked,
    AuthorityUnknown,
    PeriodLimitReached,
    TooManyOpenRequests,
    ViewTooOld,
    ViewUnusable,
    WindowClosed,
)
from nvm_chain.meter.authorities import Authority
from nvm_chain.meter.session_terms import PeriodLimit
from nvm_chain.meter.store.account_changes import OpenAuthority, RevokeAuthority
from nvm_chain.meter.store.group_rows import AccountKey, HoldState, StoredHold
from nvm_chain.meter.store.hold_ends import ChargeHold, ReleaseHold, SweepHold
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.store.window_changes import AdmitToWindow, SeeWindow
from nvm_chain.meter.windows import WindowPolicy, WindowView
from tests.support.accounts import SERVICE
from tests.support.meter_books import read_rows
from tests.support.meter_stores import KEY, OWNER, admitted, build_session, key_of, open_books, run, see_head

POLICY = WindowPolicy(max_open=2)


def see(until: int, block_number: int = 1, key: AccountKey = KEY, *, rolls_back: bool = False) -> SeeWindow:
    return SeeWindow(key, (WindowView(block_number, until),), 0, rolls_back)


def enter(session: Authority, policy: WindowPolicy = POLICY, key: AccountKey = KEY) -> AdmitToWindow:
    return AdmitToWindow(key, session.authority_id, secrets.token_bytes(16), SERVICE, policy, OWNER, 600)


def prepare(store: Store, seconds: int = 1_000) -> Authority:
    """Open a window for some seconds, and a session for it."""
    session = build_session()
    store.run([OpenAuthority(session), see(int(time.time()) + seconds)])
    return session


def count_open(store: Store) -> int:
    rows = read_rows(store, "SELECT open_requests FROM windows")
    return int(rows[0][0]) if rows else 0


def test_run__requests_in_a_window__are_counted_while_they_run(store: Store, books_url: str) -> None:
    session = prepare(store)
    first, second, third = store.run([enter(session) for _ in range(3)])
    assert isinstance(third, TooManyOpenRequests)
    store.close()
    store = open_books(books_url)
    assert count_open(store) == 2
    assert run(store, ChargeHold(admitted(first), 0)).state is HoldState.CHARGED
    run(store, ChargeHold(admitted(first), 0))
    assert count_open(store) == 1
    more, refused = store.run([enter(session), enter(session)])
    assert isinstance(refused, TooManyOpenRequests)
    run(store, ReleaseHold(admitted(second), was_sent=False))
    assert run(store, SweepHold(admitted(more), owner_is_gone=True)).state is HoldState.RELEASED
    assert run(store, SweepHold(more, owner_is_gone=True)) is None
    assert count_open(store) == 0
    store.close()


def test_run__window_that_is_closed__serves_nothing(store: Store) -> None:
    session = build_session()
    run(store, OpenAuthority(session))
    assert isinstance(run(store, enter(session)), WindowClosed)
    run(store, see(int(time.time()) - 1))
    assert isinstance(run(store, enter(session)), WindowClosed)
    until = int(time.time()) + 1_000
    run(store, see(until, 2))
    see_head(store, head_time=until - 1)
    admitted(run(store, enter(session)))
    see_head(store, head_time=until)
    assert isinstance(run(store, enter(session)), WindowClosed)


def test_run__rollback_of_a_window__closes_what_was_not_there(store: Store, books_url: str) -> None:
    session = prepare(store, -1)
    run(store, see(int(time.time()) + 1_000, 5))
    admitted(run(store, enter(session)))
    store.close()
    store = open_books(books_url)
    run(store, see(int(time.time()) - 1, 4, rolls_back=True))
    assert isinstance(run(store, enter(session)), WindowClosed)
    assert isinstance(run(store, see(1, 9, rolls_back=True)), ViewUnusable)
    store.close()


def test_run__requests_of_a_period__are_limited(store: Store) -> None:
    session = prepare(store, 10**9)
    policy = WindowPolicy(10, PeriodLimit(3, 10**8))
    outcomes = store.run([enter(session, policy) for _ in range(4)])
    assert [type(outcome) for outcome in outcomes] == [StoredHold] * 3 + [PeriodLimitReached]
    run(store, ChargeHold(outcomes[0], 0))
    assert isinstance(run(store, enter(session, policy)), PeriodLimitReached)


def test_run__authority_of_a_window__has_to_be_the_holders(store: Store) -> None:
    session = prepare(store)
    other = key_of(7)
    run(store, see(int(time.time()) + 1_000, key=other))
    outcomes = store.run([enter(session, key=other), enter(session)])
    assert [type(outcome) for outcome in outcomes] == [AuthorityUnknown, StoredHold]
    run(store, RevokeAuthority(KEY, session.authority_id))
    assert isinstance(run(store, enter(session)), AuthorityRevoked)


def test_run__chain_not_read_for_long__opens_no_window(store: Store) -> None:
    """A window may have been taken away meanwhile, and nobody would know."""
    session = prepare(store)
    see_head(store, seconds_ago=1_000)
    assert isinstance(run(store, enter(session)), ViewTooOld)


@pytest.mark.parametrize("cost", [1, 7])
def test_run__charge_in_a_window__costs_nothing(store: Store, cost: int) -> None:
    session = prepare(store)
    hold = admitted(run(store, enter(session)))
    assert not isinstance(run(store, ChargeHold(hold, cost)), StoredHold)
    assert count_open(store) == 1
    assert run(store, ChargeHold(hold, 0)).total == 0
