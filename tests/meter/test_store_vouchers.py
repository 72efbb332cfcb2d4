"""Vouchers in the store on both databases: each is served once, refused ones are not burnt, and the best ones are kept (S3)."""

import time
from typing import Any

import pytest

from nvm_chain.errors import (
    AuthorityUnknown,
    AuthorityUsedUp,
    CeilingTooLow,
    CreditsUsedUp,
    ExposureReached,
    HoldOver,
    InvalidAmount,
    NvmChainError,
    TooManyVouchers,
    VoucherBeforeRestore,
)
from nvm_chain.meter.admission import Policy
from nvm_chain.meter.books import Account
from nvm_chain.meter.session_terms import PeriodLimit
from nvm_chain.meter.store.account_changes import DropVouchers, OpenAuthority
from nvm_chain.meter.store.admissions import MAX_VOUCHERS
from nvm_chain.meter.store.group_rows import AHEAD_SECONDS, HoldState, StoredHold
from nvm_chain.meter.store.hold_ends import ChargeHold, ReleaseHold
from nvm_chain.meter.store.restoring import note_restore
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.voucher_fronts import MAX_SECONDS
from nvm_chain.signing.vouchers import SignedVoucher
from tests.support.meter_books import check_books, read_rows
from tests.support.meter_stores import (
    FAR,
    KEY,
    admitted,
    build_session,
    fill,
    open_books,
    open_session,
    present,
    read_account,
    read_front,
    read_holds,
    reopen,
    run,
    see_balance,
    see_head,
    sign,
    use,
)

# ---------------------------------------------------------------------- S3: a voucher is served once


def test_run__voucher_twice_in_one_group__is_served_once(store: Store) -> None:
    signed = sign()
    fill(store, 100)
    outcomes = store.run([present(signed, 5)] * 3)
    assert [type(outcome) for outcome in outcomes] == [StoredHold, AuthorityUsedUp, AuthorityUsedUp]
    assert read_holds(store) == (0, 5)


@pytest.mark.parametrize("is_charged", [False, True])
def test_run__voucher_in_two_groups_and_after_a_restart__is_served_once(
    store: Store, books_url: str, is_charged: bool
) -> None:
    signed = sign()
    fill(store, 100)
    hold = admitted(run(store, present(signed, 5)))
    if is_charged:
        run(store, ChargeHold(hold, 5))
    assert isinstance(run(store, present(signed, 5)), AuthorityUsedUp)
    store = reopen(store, books_url)
    assert isinstance(run(store, present(signed, 5)), AuthorityUsedUp)
    store.close()


def test_run__voucher_at_two_stores__is_served_once(postgres_books_url: str) -> None:
    stores = [open_books(postgres_books_url) for _ in range(2)]
    signed = sign()
    fill(stores[0], 100)
    assert isinstance(run(stores[1], present(signed, 5)), StoredHold)
    assert isinstance(run(stores[0], present(signed, 5)), AuthorityUsedUp)
    assert isinstance(run(stores[1], present(signed, 5)), AuthorityUsedUp)
    check_books(stores[0])
    for store in stores:
        store.close()


@pytest.mark.parametrize("in_one_group", [False, True])
def test_run__voucher_that_was_refused__is_not_burnt(store: Store, in_one_group: bool) -> None:
    """TRAP-2: a refused request spends nothing, so the voucher is good as soon as the credits are there."""
    signed, other = sign(), sign()
    fill(store, 4)
    refused = run(store, present(signed, 5))
    assert isinstance(refused, CreditsUsedUp)
    assert (refused.available, refused.next_ceiling) == (4, 5)
    assert read_rows(store, "SELECT * FROM holds") == []
    assert not read_front(store).vouchers
    more = see_balance(9, block_number=2)
    if in_one_group:
        outcomes = store.run([present(signed, 5), more, present(signed, 5), present(signed, 5), present(other, 5)])
        kinds = [CreditsUsedUp, Account, StoredHold, AuthorityUsedUp, CreditsUsedUp]
        assert [type(outcome) for outcome in outcomes] == kinds
    else:
        run(store, more)
        admitted(run(store, present(signed, 5)))


def test_run__two_requests_for_the_last_credits_in_one_group__are_one(store: Store) -> None:
    """TRAP-8: two requests of 6 with 10 left. Neither both nor none are admitted, and not always the same one's rest."""
    fill(store, 10)
    outcomes = store.run([present(sign(), 6), present(sign(), 6), present(sign(), 4)])
    assert [type(outcome) for outcome in outcomes] == [StoredHold, CreditsUsedUp, StoredHold]
    assert outcomes[1].fields["available"] == 4
    assert read_holds(store) == (0, 10)


def test_run__request_released_before_the_upstream__may_be_presented_again(store: Store, books_url: str) -> None:
    signed = sign()
    fill(store, 100)
    for _ in range(3):
        hold = admitted(run(store, present(signed, 5)))
        assert isinstance(run(store, present(signed, 5)), AuthorityUsedUp)
        assert run(store, ReleaseHold(hold, was_sent=False)).state is HoldState.RETURNED
        store = reopen(store, books_url)
    hold = admitted(run(store, present(signed, 5)))
    assert run(store, ReleaseHold(hold, was_sent=True)).state is HoldState.RELEASED
    assert isinstance(run(store, present(signed, 5)), AuthorityUsedUp)
    assert read_holds(store) == (0, 0)
    store.close()


@pytest.mark.parametrize("late", ["release", "charge", "release that was sent"])
@pytest.mark.parametrize("in_one_group", [False, True])
def test_run__end_of_an_earlier_hold_that_comes_again__leaves_the_later_one(
    store: Store, late: str, in_one_group: bool
) -> None:
    """S3: a release whose commit was not acknowledged is sent again, while its voucher was presented again meanwhile."""
    signed = sign()
    fill(store, 100)
    first = admitted(run(store, present(signed, 5)))
    run(store, ReleaseHold(first, was_sent=False))
    again = ChargeHold(first, 5) if late == "charge" else ReleaseHold(first, was_sent="sent" in late)
    if in_one_group:
        second, outcome = store.run([present(signed, 5), again])
    else:
        second, outcome = run(store, present(signed, 5)), run(store, again)
    assert isinstance(outcome, HoldOver if late == "charge" else StoredHold)
    assert read_holds(store) == (0, 5)
    assert isinstance(run(store, present(signed, 5)), AuthorityUsedUp)
    assert run(store, ChargeHold(admitted(second), 5)).total == 5


# ---------------------------------------------------------------------- vouchers


def falling(number: int) -> SignedVoucher:
    """Return one of the vouchers whose deadlines fall while their ceilings rise."""
    return sign(1_000 + number, deadline=int(time.time()) + 40_000 - 100 * number)


@pytest.mark.parametrize("by_session", [False, True])
def test_run__more_vouchers_than_are_kept__are_refused(store: Store, by_session: bool) -> None:
    fill(store, 1_000)
    kept = [falling(number) for number in range(MAX_VOUCHERS)]
    for signed in kept:
        admitted(run(store, present(signed, 1)))
    more = falling(MAX_VOUCHERS)
    change: Any = OpenAuthority(build_session(), more) if by_session else present(more, 1)
    refused = run(store, change)
    assert isinstance(refused, TooManyVouchers)
    assert refused.limit == MAX_VOUCHERS
    assert refused.next_ceiling == MAX_VOUCHERS + (0 if by_session else 1)
    assert read_front(store).vouchers == tuple(kept)
    assert isinstance(run(store, use(build_session(), 1)), AuthorityUnknown)
    last = kept[0].voucher.deadline
    run(store, DropVouchers(KEY, last))
    assert read_front(store).vouchers == (kept[0],)
    assert not isinstance(run(store, change), NvmChainError)


def test_run__vouchers_that_are_over__are_dropped_with_their_ceiling(store: Store, books_url: str) -> None:
    fill(store, 1_000)
    now = int(time.time())
    high, low = sign(100, deadline=now + 1_000), sign(50, deadline=now + 2_000)
    for signed in (high, low):
        admitted(run(store, present(signed, 1)))
    session = open_session(store, 1)
    store = reopen(store, books_url)
    assert read_front(store).vouchers[-2:] == (low, high)
    assert read_account(store).ceiling == 100
    front = run(store, DropVouchers(KEY, now + 1_001))
    assert low in front.vouchers
    assert high not in front.vouchers
    assert (read_account(store).ceiling, read_front(store)) == (50, front)
    assert isinstance(run(store, use(session, 49)), CeilingTooLow)
    admitted(run(store, use(session, 48)))
    store.close()


def test_run__ceiling_of_a_voucher_that_dies__falls_to_the_next(store: Store) -> None:
    """Nobody has to tell the store: each admission looks at the vouchers that are live then."""
    fill(store, 1_000)
    now = int(time.time())
    session = open_session(store, 50)
    admitted(run(store, present(sign(100, deadline=now + 1_000), 1)))
    see_head(store, head_time=now + 1_001)
    refused = run(store, use(session, 50))
    assert isinstance(refused, CeilingTooLow)
    assert (refused.ceiling, refused.next_ceiling) == (50, 51)


def test_run__largest_ceiling_and_deadline__are_as_good_as_any(store: Store, books_url: str) -> None:
    fill(store, 2**54 - 1)
    signed = sign(FAR, deadline=FAR)
    hold = admitted(run(store, present(signed, 2**54 - 2, policy=Policy(FAR))))
    store = reopen(store, books_url)
    assert read_front(store).vouchers == (signed,)
    assert read_account(store).find_live_ceiling(int(time.time())) >= 2**63 - 1
    assert run(store, ChargeHold(hold, 2**54 - 2)).total == 2**54 - 2
    assert isinstance(run(store, present(sign(), 1, policy=Policy(5))), ExposureReached)
    admitted(run(store, present(sign(FAR), 1, policy=Policy(FAR))))
    store.close()


def test_run__session_with_the_largest_limits__is_stored(store: Store, books_url: str) -> None:
    limits: dict[str, Any] = {"limit": FAR, "per_request": FAR, "per_period": PeriodLimit(FAR, 2**32 - 1), "uses": FAR}
    session = open_session(store, FAR, end=FAR, **limits)
    fill(store, 2**54 - 1)
    store = reopen(store, books_url)
    admitted(run(store, use(session, 2**54 - 1, policy=Policy(FAR))))
    store.close()


@pytest.mark.parametrize("credits", [0, -1, 2**64])
def test_run__request_for_no_credits_or_too_many__is_refused(store: Store, credits: int) -> None:
    fill(store, 10)
    outcomes = store.run([present(sign(), credits), present(sign(), 10)])
    assert isinstance(outcomes[0], InvalidAmount)
    assert isinstance(outcomes[1], StoredHold)


@pytest.mark.parametrize(("second", "is_refused"), [(-1, True), (0, True), (1, False)])
def test_run__voucher_from_before_a_restored_backup__is_refused(store: Store, second: int, is_refused: bool) -> None:
    """S12: what was spent after the backup is not in the books, so only vouchers that end later are served."""
    fill(store, 10)
    closed_until = int(time.time()) + 3_000
    with store.asking() as pen:
        pen.change("UPDATE books SET closed_until = ?", (closed_until,))
    outcome = run(store, present(sign(deadline=closed_until + second), 1))
    assert isinstance(outcome, VoucherBeforeRestore) == is_refused
    assert isinstance(outcome, StoredHold) != is_refused
    if isinstance(outcome, VoucherBeforeRestore):
        assert (outcome.deadline, outcome.closed_until) == (closed_until + second, closed_until)


def test_run__new_voucher_within_a_minute_of_a_restore__is_refused_and_later_served(store: Store) -> None:
    """No voucher lives for longer than the time for which the books stay closed, less the minute that clocks may differ."""
    fill(store, 10)
    note_restore(store)
    outcome = run(store, present(sign(deadline=int(time.time()) + MAX_SECONDS), 1))
    assert isinstance(outcome, VoucherBeforeRestore)
    with store.asking() as pen:
        pen.change("UPDATE books SET closed_until = closed_until - ?", (AHEAD_SECONDS + 1,))  # so much later
    admitted(run(store, present(sign(deadline=int(time.time()) + MAX_SECONDS), 1)))
