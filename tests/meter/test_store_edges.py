"""Books at the edges of 64 bits: what an account can come to in its whole life is stored, and nothing more is served for it."""

import time
from typing import Final

import pytest

from nvm_chain.errors import BooksBehind, CeilingTooLow, CreditsUsedUp
from nvm_chain.meter.admission import Policy
from nvm_chain.meter.books import Account
from nvm_chain.meter.notices import NoticeRule
from nvm_chain.meter.store.account_changes import SeeView
from nvm_chain.meter.store.existing import read_books_state
from nvm_chain.meter.store.hold_ends import ChargeHold
from nvm_chain.meter.store.owing import read_owing
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.store.verifying import verify_books
from nvm_chain.meter.store.writer import Writer
from tests.support.accounts import PLAN, build_view
from tests.support.meter_books import read_rows
from tests.support.meter_stores import (
    FAR,
    KEY,
    admitted,
    key_of,
    present,
    read_account,
    reopen,
    run,
    see_balance,
    sign,
)

MOST: Final = 2**63 - 1
EDGES: Final = (MOST, MOST + 1, FAR, FAR + 1, 2**70)
ANY: Final = Policy(2**70)
FREE: Final = Policy(2**70, by_vouchers=False)


@pytest.mark.parametrize("balance", EDGES)
def test_run__more_credits_than_books_can_count__serves_as_many_as_they_can(
    store: Store, books_url: str, balance: int
) -> None:
    assert isinstance(run(store, see_balance(balance)), Account)
    for _ in range(2):
        assert read_account(store).find_available(0) == MOST
        store = reopen(store, books_url)
    hold = admitted(run(store, present(sign(FAR), MOST - 1, policy=ANY)))
    assert run(store, ChargeHold(hold, MOST - 1)).total == MOST - 1
    hold = admitted(run(store, present(sign(FAR), 1, policy=ANY)))
    refused = run(store, present(sign(FAR), 1, policy=ANY))
    assert isinstance(refused, CreditsUsedUp)
    assert run(store, ChargeHold(hold, 1)).total == MOST
    store = reopen(store, books_url)
    assert isinstance(run(store, present(sign(FAR), 1, policy=FREE)), CreditsUsedUp)
    assert read_account(store).owed == MOST
    assert verify_books(store) == []
    store.close()


@pytest.mark.parametrize("settled", [MOST, MOST + 1, FAR - 10])
def test_run__settled_near_the_last_ceiling__is_served_up_to_it(store: Store, books_url: str, settled: int) -> None:
    """Others settled it all, so it does not count against what the seller's key charged."""
    run(store, see_balance(1_000, settled=settled))
    ceiling = settled + 10
    store = reopen(store, books_url)
    assert read_account(store).view.settled == settled
    refused = run(store, present(sign(ceiling), 11, policy=ANY))
    assert isinstance(refused, CeilingTooLow)
    assert (refused.ceiling, refused.next_ceiling) == (ceiling, settled + 11)
    hold = admitted(run(store, present(sign(ceiling), 10, policy=ANY)))
    assert run(store, ChargeHold(hold, 10)).total == 10
    store = reopen(store, books_url)
    refused = run(store, present(sign(ceiling), 1, policy=ANY))
    assert isinstance(refused, CeilingTooLow)
    assert refused.next_ceiling == settled + 11
    assert 10 <= read_account(store).find_total_to_reach(int(time.time())) <= settled + 10
    store.close()


@pytest.mark.parametrize("taken", EDGES)
@pytest.mark.parametrize("settled", [0, FAR])
def test_run__taken_beyond_all_that_was_charged__is_refused(
    store: Store, books_url: str, taken: int, settled: int
) -> None:
    run(store, see_balance(5, taken=taken, settled=settled))
    store = reopen(store, books_url)
    assert isinstance(run(store, present(sign(FAR), 1, policy=FREE)), BooksBehind)
    assert read_account(store).owed == 0
    store.close()


@pytest.mark.parametrize("lapsed", EDGES)
def test_run__lapsed_beyond_what_books_can_count__is_stored_and_serves_no_more_than_there_is(
    store: Store, books_url: str, lapsed: int
) -> None:
    run(store, see_balance(5, lapsed=lapsed))
    store = reopen(store, books_url)
    assert isinstance(run(store, present(sign(FAR), 6, policy=FREE)), CreditsUsedUp)
    store.close()


def test_run__notice_of_a_lot_beyond_what_books_can_count__is_stored(store: Store) -> None:
    store.write_notices({PLAN: NoticeRule(soon_seconds=10)})
    now = int(time.time())
    lots = ((now + 1_000, 2**62),) * 3
    run(store, SeeView(KEY, (build_view(1, 3 * 2**62, time=now, lots=lots),), depth=0))
    assert read_rows(store, "SELECT number FROM notices") == [(MOST,)]


def test_read_owing__beside_accounts_at_the_edge__reads_the_others(store: Store, books_url: str) -> None:
    """One account must not keep all the others from being settled, or be missing in the sums."""
    for number in (1, 2):
        run(store, see_balance(5, key=key_of(number), taken=FAR))
        with store.asking() as pen:
            pen.change("UPDATE accounts SET written_off = ? WHERE holder = ?", (MOST, bytearray(19) + bytes([number])))
    run(store, see_balance(10))
    run(store, ChargeHold(admitted(run(store, present(sign(), 3))), 3))
    store.close()
    store = reopen(store, books_url)
    state = read_books_state(store)
    assert (state.accounts, state.charged, state.taken, state.written_off) == (3, 3, 2 * MOST, 2 * MOST)
    writer = Writer(store)
    owing = [glance.owed for part in read_owing(writer, lambda _: False) for glance, _ in part]
    writer.close()
    assert owing == [3]
