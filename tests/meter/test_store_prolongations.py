"""Holds that are prolonged, on both databases: they are not swept, their credits stay held, and what ends stays ended (S2, S3, S10)."""

import dataclasses
import time
from typing import Any

import pytest
from msgspec.structs import replace

from nvm_chain.errors import CreditsUsedUp, HoldOver, TooManyOpenRequests
from nvm_chain.meter.authorities import Hold
from nvm_chain.meter.prolonging import SETTLING_SECONDS
from nvm_chain.meter.store.account_changes import OpenAuthority, RevokeAuthority
from nvm_chain.meter.store.group_rows import HoldState, StoredHold
from nvm_chain.meter.store.hold_ends import ChargeHold, ReleaseHold, SweepHold
from nvm_chain.meter.store.prolongations import Prolonged, ProlongHold
from nvm_chain.meter.store.statements import CLOCK
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.store.sweeping import find_abandoned, find_overdue, sweep
from nvm_chain.meter.store.tranche_changes import AdmitTranche, ChargeParts, Part, StoredTranche
from nvm_chain.meter.store.window_changes import AdmitToWindow, SeeWindow
from nvm_chain.meter.windows import WindowPolicy, WindowView
from nvm_chain.signing.vouchers import SignedVoucher
from tests.meter.test_store_races import Race
from tests.meter.test_store_races import race as race  # a fixture
from tests.support.accounts import SERVICE
from tests.support.anvil import wait_until
from tests.support.meter_books import check_books, read_rows
from tests.support.meter_stores import (
    KEY,
    OWNER,
    admitted,
    build_session,
    build_work,
    fill,
    find_digest,
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

SECONDS = 60
LONG = 600
FAR = 10**6


def prolong(hold: StoredHold, seconds: int = LONG, *, most: int = FAR, by_vouchers: bool = True) -> ProlongHold:
    """Return the change that lets a hold end some seconds from now."""
    return ProlongHold(hold, seconds, most, by_vouchers)


def name(signed: SignedVoucher, credits: int = 10) -> StoredHold:
    """Return the hold that a voucher is about to open, as far as it is known before."""
    digest = find_digest(signed)
    return StoredHold(digest, KEY, Hold(digest, credits, 0), b"", OWNER, 0, 0)


def read_clock(store: Store) -> int:
    """Return the database's clock."""
    return int(read_rows(store, f"SELECT {CLOCK[store.engine.dialect.name]}")[0][0])


def read_until(store: Store) -> int:
    """Return the end of the only open hold."""
    ((until,),) = read_rows(store, "SELECT until FROM holds WHERE state = 0")
    return int(until)


def wait_for(store: Store, second: int) -> None:
    """Wait until a second has passed."""
    assert wait_until(lambda: read_clock(store) > second, SECONDS)


def open_briefly(store: Store, *more: Any, signed: SignedVoucher | None = None) -> tuple[StoredHold, list[Any]]:
    """Open a hold that ends with this second, and do more with it in the same second."""
    signed = signed or sign()
    first, *others = store.run([present(signed, 10, seconds=0), *more])
    return admitted(first), others


# ---------------------------------------------------------------------- while it is open


def test_run__hold_that_is_prolonged__is_not_swept_at_its_old_end_and_is_charged(store: Store, books_url: str) -> None:
    fill(store, 10)
    signed = sign()
    hold, (prolonged,) = open_briefly(store, prolong(name(signed)), signed=signed)
    assert isinstance(prolonged, Prolonged)
    assert (prolonged.seconds, prolonged.hold.until) == (LONG, hold.until + LONG)
    wait_for(store, hold.until)
    assert find_overdue(store) == []
    assert run(store, SweepHold(hold)) is None
    assert isinstance(run(store, present(sign(), 1)), CreditsUsedUp)  # its credits are held
    assert read_holds(store) == (0, 10)
    assert run(store, ChargeHold(hold, 7)).total == 7
    assert read_holds(store) == (7, 0)
    store = reopen(store, books_url)
    assert run(store, ChargeHold(hold, 7)).total == 7
    store.close()


def test_run__hold_that_is_prolonged__is_read_again_with_its_new_end_and_ends_with_its_process(
    store: Store, books_url: str
) -> None:
    """A process that was killed prolongs nothing: its holds are released at once in a file, and at their end in a server."""
    fill(store, 10)
    hold = admitted(run(store, present(sign(), 10, seconds=LONG)))
    until = run(store, prolong(hold, 2 * LONG)).hold.until
    assert until >= hold.until + LONG
    store = reopen(store, books_url)
    assert read_until(store) == until
    found = find_abandoned(store)
    assert [(one.hold_id, one.until) for one in found] == [(hold.hold_id, until)]
    assert sweep(store, found) == []  # its end has not come
    assert [one.state for one in sweep(store, found, owner_is_gone=True)] == [HoldState.RELEASED]
    assert read_holds(store) == (0, 0)
    check_books(store)
    store.close()


def test_run__hold_prolonged_once_and_left__ends_at_its_new_end(store: Store) -> None:
    fill(store, 10)
    signed = sign()
    hold, (prolonged,) = open_briefly(store, prolong(name(signed), 1), signed=signed)
    assert prolonged.hold.until == hold.until + 1
    wait_for(store, hold.until + 1)
    assert [one.hold_id for one in sweep(store, find_overdue(store))] == [hold.hold_id]
    assert isinstance(run(store, prolong(hold)), HoldOver)
    assert isinstance(run(store, ChargeHold(hold, 1)), HoldOver)
    assert read_holds(store) == (0, 0)


def test_run__hold_prolonged_by_less__keeps_its_end(store: Store) -> None:
    fill(store, 10)
    hold = admitted(run(store, present(sign(), 10, seconds=LONG)))
    assert run(store, prolong(hold, 1)).hold.until == hold.until == read_until(store)


@pytest.mark.parametrize("ahead", [0, 50])
@pytest.mark.parametrize("seconds", [50, LONG - 1])
def test_run__hold_that_is_as_old_as_it_may_be__ends_then(store: Store, seconds: int, ahead: int) -> None:
    """A block that is ahead of the clock makes no hold older."""
    see_head(store, head_time=int(time.time()) + ahead if ahead else 0)
    fill(store, 10)
    signed = sign()
    hold, (prolonged,) = open_briefly(store, prolong(name(signed), most=seconds), signed=signed)
    assert prolonged.hold.until == hold.until + seconds
    assert run(store, prolong(hold, most=FAR)).hold.until >= hold.until + LONG


def test_run__prolonged_and_charged_in_one_group__is_charged(store: Store) -> None:
    fill(store, 10)
    signed = sign()
    named = name(signed)
    hold, others = open_briefly(store, prolong(named), ChargeHold(named, 4), prolong(named), signed=signed)
    assert [type(each) for each in others] == [Prolonged, StoredHold, HoldOver]
    assert read_holds(store) == (4, 0)
    assert run(store, ReleaseHold(hold, was_sent=True)).state is HoldState.CHARGED


# ---------------------------------------------------------------------- after its end


def test_run__hold_whose_end_has_passed__is_not_prolonged_although_nobody_swept_it(store: Store) -> None:
    fill(store, 10)
    hold, _ = open_briefly(store)
    wait_for(store, hold.until)
    assert isinstance(run(store, prolong(hold)), HoldOver)
    assert read_until(store) == hold.until
    assert run(store, SweepHold(hold)).state is HoldState.RELEASED
    other = admitted(run(store, present(sign(), 10)))  # others have the credits now
    assert isinstance(run(store, prolong(hold)), HoldOver)
    assert read_holds(store) == (0, 10)
    assert run(store, ChargeHold(other, 10)).total == 10


@pytest.mark.parametrize("was_sent", [True, False])
def test_run__hold_that_was_released__is_not_prolonged(store: Store, was_sent: bool) -> None:
    fill(store, 10)
    signed = sign()
    hold = admitted(run(store, present(signed, 10)))
    run(store, ReleaseHold(hold, was_sent=was_sent))
    assert isinstance(run(store, prolong(hold)), HoldOver)
    if not was_sent:
        later = admitted(run(store, present(signed, 10)))
        assert isinstance(run(store, prolong(hold, 2 * LONG)), HoldOver)  # the same voucher, and another hold
        assert read_until(store) == later.until


def test_run__hold_of_another_process__is_not_prolonged(store: Store) -> None:
    fill(store, 10)
    hold = admitted(run(store, present(sign(), 10)))
    assert isinstance(run(store, prolong(replace(hold, owner=b"somebody else...."), 2 * LONG)), HoldOver)
    assert isinstance(run(store, prolong(replace(hold, hold_id=b"\3" * 32), 2 * LONG)), HoldOver)
    assert read_until(store) == hold.until


# ---------------------------------------------------------------------- what ends before


def test_run__voucher_that_ends__ends_the_hold_so_early_that_it_can_be_settled(store: Store) -> None:
    fill(store, 100)
    signed = sign(deadline=int(time.time()) + 2 * SETTLING_SECONDS)
    hold, (prolonged,) = open_briefly(store, prolong(name(signed), FAR), signed=signed)
    last = signed.voucher.deadline - SETTLING_SECONDS
    assert (prolonged.hold.until, prolonged.seconds) == (last, last - hold.until)
    run(store, OpenAuthority(build_session(), sign(100_001, deadline=signed.voucher.deadline + 100)))
    assert run(store, prolong(hold, FAR)).hold.until == last + 100  # another voucher covers it for longer
    assert read_until(store) == last + 100


def test_run__plan_without_vouchers__looks_at_none(store: Store) -> None:
    fill(store, 100)
    signed = sign()
    hold, (prolonged,) = open_briefly(store, prolong(name(signed), FAR, by_vouchers=False), signed=signed)
    assert prolonged.hold.until == hold.until + FAR


def test_run__credits_that_end__end_the_hold_before(store: Store) -> None:
    end = int(time.time()) + 2 * SETTLING_SECONDS
    run(store, see_balance(10, lots=((end, 5),)))
    signed = sign()
    _, (prolonged,) = open_briefly(store, prolong(name(signed), FAR), signed=signed)
    assert prolonged.hold.until == end - 1 - SETTLING_SECONDS


def test_run__block_that_is_ahead_of_the_clock__ends_the_hold_as_much_earlier(store: Store) -> None:
    ahead = 200
    see_head(store, head_time=int(time.time()) + ahead)
    fill(store, 100)
    signed = sign()
    _, (prolonged,) = open_briefly(store, prolong(name(signed), FAR), signed=signed)
    early = signed.voucher.deadline - SETTLING_SECONDS - prolonged.hold.until
    assert ahead - SECONDS < early <= ahead


def test_run__credits_that_are_gone__do_not_prolong_the_hold_and_its_charge_is_as_before(store: Store) -> None:
    fill(store, 10)
    hold = admitted(run(store, present(sign(), 10)))
    run(store, see_balance(9, block_number=2))
    assert run(store, prolong(hold, 2 * LONG)).hold.until == hold.until
    assert run(store, ChargeHold(hold, 10)).total == 10


def test_run__session_that_ends_or_is_revoked__ends_the_hold(store: Store) -> None:
    fill(store, 100)
    session = open_session(store)
    hold = admitted(run(store, use(session, 10)))
    assert run(store, prolong(hold, 2 * LONG)).hold.until >= hold.until + LONG
    short = open_session(store, authority_id=b"\6" * 32, end=int(time.time()) + LONG + SECONDS)
    brief = admitted(run(store, use(short, 7)))
    assert run(store, prolong(brief, 2 * LONG)).hold.until == short.end
    run(store, RevokeAuthority(KEY, session.authority_id))
    before = run(store, prolong(hold, 0)).hold.until
    assert run(store, prolong(hold, 9 * LONG)).hold.until == before
    assert run(store, ChargeHold(hold, 10)).total == 10


def test_run__request_on_a_time_plan__is_prolonged_while_there_is_access(store: Store) -> None:
    session = open_session(store)
    access = WindowView(1, int(time.time()) + 2 * LONG)
    run(store, SeeWindow(KEY, (access,), 0))
    admit = AdmitToWindow(KEY, session.authority_id, b"\7" * 16, SERVICE, WindowPolicy(1), OWNER, LONG)
    hold = admitted(run(store, admit))
    assert run(store, prolong(hold, LONG + SECONDS, by_vouchers=False)).hold.until >= hold.until + SECONDS
    prolonged = run(store, prolong(hold, FAR, by_vouchers=False))
    assert prolonged.hold.until == access.access_until - 1
    assert isinstance(run(store, replace_hold_id(admit)), TooManyOpenRequests)  # it takes its place all the time
    run(store, ChargeHold(hold, 0))
    admitted(run(store, replace_hold_id(admit)))


def replace_hold_id(admit: AdmitToWindow) -> AdmitToWindow:
    """Return the same admission of another request."""
    return dataclasses.replace(admit, hold_id=b"\10" * 16)


# ---------------------------------------------------------------------- tranches


def test_run__tranche_whose_charges_were_stored_meanwhile__is_prolonged(store: Store, books_url: str) -> None:
    fill(store, 100)
    session = open_session(store)
    work = build_work(2, seconds=0)
    opening = AdmitTranche(KEY, session.authority_id, b"\7" * 16, work, 10)
    named = StoredHold(b"\7" * 16, KEY, Hold(session.authority_id, 20, 0), b"", OWNER, 0, 0)
    tranche, prolonged = store.run([opening, prolong(named)])
    assert isinstance(tranche, StoredTranche)
    whole = tranche.hold
    part = Part(replace(whole, hold_id=b"\1" * 16, hold=replace(whole.hold, credits=2)), 1)
    wait_for(store, whole.until)
    assert len(run(store, ChargeParts(whole, 0, (part,)))) == 1
    later = run(store, prolong(whole, 2 * LONG)).hold.until  # the process has not heard of its charge yet
    assert later >= prolonged.hold.until + LONG
    assert read_until(store) == later
    store = reopen(store, books_url)
    other = Part(replace(part.hold, hold_id=b"\2" * 16), 2)
    assert len(run(store, ChargeParts(whole, 1, (other,), whole.hold.credits - 4))) == 1
    assert read_account(store).held == 0
    assert isinstance(run(store, prolong(whole)), HoldOver)
    check_books(store)
    store.close()


# ---------------------------------------------------------------------- several processes


@pytest.mark.parametrize("sweeps_first", [False, True])
def test_run__prolonged_and_swept_at_once__exclude_each_other(race: Race, sweeps_first: bool) -> None:
    """Whoever has the row first decides, and the other one sees that (TRAP-4)."""
    fill(race.store, 10)
    signed = sign()
    hold = admitted(run(race.store, present(signed, 10)))
    race.lock()
    for number in (1, 0) if sweeps_first else (0, 1):
        race.start(number, SweepHold(hold, owner_is_gone=sweeps_first) if number else prolong(hold))
    (prolonged,), (swept,) = race.finish()
    assert isinstance(prolonged, HoldOver if sweeps_first else Prolonged)
    assert (swept is None) != sweeps_first
    charged = run(race.store, ChargeHold(hold, 10))
    assert isinstance(charged, HoldOver if sweeps_first else StoredHold)
    assert read_holds(race.store) == (0 if sweeps_first else 10, 0)


def test_run__prolonged_after_the_wait_for_the_row__is_refused_if_its_end_passed_meanwhile(race: Race) -> None:
    fill(race.store, 10)
    hold = admitted(run(race.store, present(sign(), 10, seconds=1)))
    race.lock()
    race.start(0, prolong(hold))
    assert wait_until(lambda: race.read_clock() >= hold.until + 1, SECONDS)
    ((refused,), _) = race.finish()
    assert isinstance(refused, HoldOver)
    assert run(race.store, SweepHold(hold)).state is HoldState.RELEASED
