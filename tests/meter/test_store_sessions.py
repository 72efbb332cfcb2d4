"""Sessions in the store on both databases: limits, revocation, and tokens."""

import time
from typing import Any

from msgspec.structs import replace

from nvm_chain.errors import (
    AuthorityOver,
    AuthorityRevoked,
    AuthorityUnknown,
    DeadlineOutOfRange,
    LimitReached,
    PeriodLimitReached,
    RequestAboveLimit,
    VoucherBeforeRestore,
)
from nvm_chain.meter.authorities import AuthorityKind
from nvm_chain.meter.session_terms import PeriodLimit
from nvm_chain.meter.store.account_changes import OpenAuthority, RevokeAuthority
from nvm_chain.meter.store.admissions import MAX_VOUCHERS
from nvm_chain.meter.store.group_rows import StoredHold
from nvm_chain.meter.store.hold_ends import ChargeHold, ReleaseHold
from nvm_chain.meter.store.restoring import note_restore
from nvm_chain.meter.store.sessions import KeepSession, TokenOwner, find_session
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.voucher_fronts import MAX_SECONDS
from tests.support.meter_stores import (
    KEY,
    admitted,
    build_session,
    fill,
    key_of,
    open_session,
    present,
    read_front,
    reopen,
    run,
    see_head,
    sign,
    use,
)

DAY = 86_400


def test_run__session_with_limits__is_held_to_each(store: Store) -> None:
    limits: dict[str, Any] = {"limit": 20, "per_request": 8, "per_period": PeriodLimit(14, 1_000_000)}
    session = open_session(store, **limits)
    fill(store, 100)
    first, second = (admitted(run(store, use(session, 7))) for _ in range(2))
    assert isinstance(run(store, use(session, 9)), RequestAboveLimit)
    assert isinstance(run(store, use(session, 1)), PeriodLimitReached)
    run(store, ChargeHold(first, 2))
    run(store, ReleaseHold(second, was_sent=True))
    outcomes = store.run([use(session, 8), use(session, 5), use(session, 4)])
    assert [type(outcome) for outcome in outcomes] == [StoredHold, PeriodLimitReached, StoredHold]
    wide = open_session(store, authority_id=b"\6" * 32, limit=10)
    outcomes = store.run([use(wide, 6), use(wide, 6), use(wide, 4), use(wide, 1)])
    assert [type(each) for each in outcomes] == [StoredHold, LimitReached, StoredHold, LimitReached]


def test_run__revoked_session__admits_nothing_and_ends_what_runs(store: Store, books_url: str) -> None:
    session = open_session(store)
    fill(store, 100)
    hold = admitted(run(store, use(session, 7)))
    before, revoked, after = store.run([use(session, 1), RevokeAuthority(KEY, session.authority_id), use(session, 1)])
    assert isinstance(before, StoredHold)
    assert revoked.revoked
    assert isinstance(after, AuthorityRevoked)
    store = reopen(store, books_url)
    assert isinstance(run(store, use(session, 1)), AuthorityRevoked)
    assert run(store, OpenAuthority(session)).revoked  # opened again, it stays revoked
    assert run(store, ChargeHold(hold, 7)).cost == 7
    store.close()


def test_run__session_that_nobody_opened__is_unknown(store: Store) -> None:
    session = open_session(store)
    fill(store, 100, [KEY, key_of(7)])
    admitted(run(store, present(sign(key=key_of(7)), 1)))
    unknown = build_session(authority_id=b"\6" * 32)
    of_another = build_session(key=key_of(7), authority_id=session.authority_id)
    for other in (unknown, of_another):
        key = KEY if other is unknown else key_of(7)
        outcomes = store.run([use(other, 1), RevokeAuthority(key, other.authority_id)])
        assert [type(outcome) for outcome in outcomes] == [AuthorityUnknown, AuthorityUnknown]
    outcomes = store.run([use(of_another, 1), use(session, 1)])
    assert [type(outcome) for outcome in outcomes] == [AuthorityUnknown, StoredHold]


def test_run__session_opened_again__keeps_what_it_has_spent(store: Store) -> None:
    session = open_session(store, limit=10)
    fill(store, 100)
    run(store, ChargeHold(admitted(run(store, use(session, 8))), 8))
    opened = run(store, OpenAuthority(session, sign()))
    assert (opened.spent, opened.used) == (8, 1)
    assert isinstance(run(store, use(session, 3)), LimitReached)


def test_run__session_after_its_end__is_over(store: Store) -> None:
    now = int(time.time())
    session = open_session(store, start=now - 10, end=now - 1)
    fill(store, 100)
    assert isinstance(run(store, use(session, 1)), AuthorityOver)


def test_run__latest_block_later_than_the_clock__decides_what_is_over(store: Store) -> None:
    session = open_session(store)
    fill(store, 100)
    signed = sign(deadline=session.end - 1)
    run(store, OpenAuthority(session, sign(deadline=session.end + 1)))
    see_head(store, head_time=session.end)
    admitted(run(store, use(session, 1)))
    assert isinstance(run(store, present(signed, 1)), AuthorityOver)
    see_head(store, head_time=session.end + 1)
    assert isinstance(run(store, use(session, 1)), AuthorityOver)


def test_find_session__by_the_hash_of_its_token__is_its_account(store: Store, books_url: str) -> None:
    session = build_session(key=key_of(9))
    tokens = [bytes([number]) * 32 for number in range(3)]
    assert store.run([KeepSession(session, None, token) for token in tokens[:2]]) == [session, session]
    store = reopen(store, books_url)
    owner = TokenOwner(key_of(9), session.authority_id, AuthorityKind.SESSION)
    assert [find_session(store, token) for token in tokens] == [owner, owner, None]
    store.close()


def test_note_restore__of_books_with_sessions__voids_the_old_ones_and_their_vouchers(store: Store) -> None:
    """S12: a restored backup starts closed. What is signed and opened after it is served."""
    now = int(time.time())
    fill(store, 100)
    old = open_session(store, start=now - 100)
    assert isinstance(run(store, use(old, 1)), StoredHold)
    note_restore(store)
    with store.asking() as pen:
        pen.change("UPDATE books SET closed_until = closed_until - 2")  # as if the restore were two seconds ago
    later = open_session(store, authority_id=b"\6" * 32, start=now + 60)
    outcomes = store.run([use(old, 1), use(later, 1), present(sign(deadline=now + 3_600), 1)])
    assert [type(outcome) for outcome in outcomes] == [AuthorityUnknown, StoredHold, VoucherBeforeRestore]
    assert isinstance(run(store, present(sign(deadline=now + 2 * DAY), 1)), StoredHold)


def test_open_authority__by_a_process_whose_clock_is_fast__starts_by_the_clock_of_the_books(store: Store) -> None:
    """S12: else a restored backup would not void it."""
    fill(store, 100)
    session = open_session(store, start=int(time.time()) + 600)
    assert session.start < time.time() + 60
    note_restore(store)
    assert isinstance(run(store, use(session, 1)), AuthorityUnknown)


def test_admit__voucher_with_the_longest_life_of_a_fast_clock__is_refused_while_it_is_fresh(store: Store) -> None:
    """S12: it would be spent again after a restored backup, which keeps the books closed for a day."""
    fill(store, 100)
    far, near = (sign(deadline=int(time.time()) + MAX_SECONDS + seconds) for seconds in (600, -60))
    changes = [replace(present(signed, 1), is_fresh=True) for signed in (far, near)]
    assert [type(outcome) for outcome in store.run(changes)] == [DeadlineOutOfRange, StoredHold]
    note_restore(store)
    assert isinstance(run(store, changes[1]), VoucherBeforeRestore)


def test_revoke__of_what_was_never_opened__keeps_it_closed_and_takes_nothing_else(store: Store) -> None:
    """It works whatever the account has: no credits left, and as many vouchers as are kept."""
    fill(store, 0)
    for number in range(MAX_VOUCHERS):
        deadline = int(time.time()) + 7_200 - number  # each has a higher ceiling and an earlier end, so all are kept
        run(
            store,
            OpenAuthority(build_session(authority_id=bytes([number + 1]) * 32), sign(100 + number, deadline=deadline)),
        )
    front, authority = read_front(store), build_session(authority_id=b"\x77" * 32)
    revoked = run(store, RevokeAuthority(KEY, authority.authority_id, authority))
    assert (revoked.revoked, revoked.authority_id) == (True, authority.authority_id)
    assert isinstance(run(store, KeepSession(authority, sign(1_000), b"\5" * 32)), AuthorityRevoked)
    assert read_front(store) == front
    assert isinstance(run(store, RevokeAuthority(KEY, b"\x78" * 32)), AuthorityUnknown)
