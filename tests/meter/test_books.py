"""books and views: rows change as a whole, older blocks overwrite nothing, and a lot's end writes off what it took along."""

from dataclasses import replace
from typing import Any

import pytest

from nvm_chain.errors import ChargeAboveHold, InvalidAmount, ViewUnusable
from nvm_chain.meter.books import Account, Mark, block_credits, charge, release
from nvm_chain.meter.times import find_now
from nvm_chain.meter.view_changes import replace_view, roll_back
from nvm_chain.meter.views import UNSEEN, Lot, View
from tests.support.accounts import HOLDER, NOW, PLAN, build_account, build_view, serve
from tests.support.reverts import reverts

END = NOW + 60


def see(account: Account, view: View, *, depth: int = 0, now: int = NOW) -> Account:
    return replace_view(account, view, depth=depth, now=now)


# ---------------------------------------------------------------------- views


def test_replace_view__with_a_later_block__replaces_it_as_a_whole() -> None:
    later = build_view(2, 50, settled=40, taken=30, lapsed=10, lots=((END, 5),))
    account = see(build_account(100, committed=30), later)
    assert account.view is later
    assert account.least_backing == 90
    assert account.least_others == 10


@pytest.mark.parametrize("number", [0, 1])
def test_replace_view__with_a_block_of_the_same_height_or_before__changes_nothing(number: int) -> None:
    account = build_account(100)
    assert see(account, build_view(number, 5)) is account


def test_replace_view__with_a_grant__counts_it_when_it_is_deep() -> None:
    account = see(build_account(10), build_view(5, 10), depth=3)
    account = see(account, build_view(6, 30), depth=3)
    for number, available in ((7, 10), (8, 10), (9, 30)):
        account = see(account, build_view(number, 30), depth=3)
        assert account.find_available(NOW) == available


def test_replace_view__with_a_loss__counts_it_at_once_and_until_it_is_deep() -> None:
    account = see(build_account(30), build_view(5, 30), depth=3)
    account = see(account, build_view(6, 10), depth=3)
    account = see(account, build_view(7, 40), depth=3)  # the loss was undone by a grant, which is not deep
    assert account.find_available(NOW) == 10
    assert see(account, build_view(10, 40), depth=3).find_available(NOW) == 40


def test_replace_view__of_an_account_that_is_new__counts_nothing_before_a_view_is_deep() -> None:
    account = see(Account(PLAN, HOLDER), build_view(5, 30), depth=2)
    assert account.find_available(NOW) == 0
    assert see(account, build_view(6, 30), depth=2).find_available(NOW) == 0
    assert see(account, build_view(7, 30), depth=2).find_available(NOW) == 30


def test_replace_view__many_times__keeps_what_a_rollback_needs() -> None:
    account = build_account(30)
    for number in range(2, 300):
        account = see(account, build_view(number, 30), depth=3)
    assert len(account.past) == 65
    assert account.past[0].block_number == 299 - 64


def test_roll_back__to_an_ancestor__puts_its_view_and_its_funds_back() -> None:
    account = see(build_account(10), build_view(2, 30))
    assert account.find_available(NOW) == 30
    back = roll_back(account, build_view(1, 10), depth=0, now=NOW)
    assert (back.view.block_number, back.find_available(NOW)) == (1, 10)
    assert see(back, build_view(2, 20)).find_available(NOW) == 20


def test_roll_back__to_a_sibling__is_allowed_and_to_a_later_block_not() -> None:
    account = see(build_account(10), build_view(2, 30))
    assert roll_back(account, build_view(2, 7), depth=0, now=NOW).find_available(NOW) == 7
    with reverts(ViewUnusable(3, "a rollback goes to an earlier block, or to one of the same height")):
        roll_back(account, build_view(3, 7), depth=0, now=NOW)


@pytest.mark.parametrize("field", ["balance", "settled", "taken", "lapsed", "time", "block_number"])
def test_view__with_a_negative_number__is_refused(field: str) -> None:
    values: dict[str, Any] = {
        "block_number": 1,
        "time": 9,
        "balance": 9,
        "settled": 9,
        "taken": 9,
        "lapsed": 9,
        field: -1,
    }
    with reverts(ViewUnusable(values["block_number"], "a number is negative")):
        View(block_hash=bytes(32), **values)


@pytest.mark.parametrize("lots", [(Lot(NOW, 1),), (Lot(END, 6), Lot(END + 1, 5))])
def test_view__with_lots_outside_its_balance__is_refused(lots: tuple[Lot, ...]) -> None:
    with reverts(ViewUnusable(1, "its lots are not part of its balance")):
        View(1, bytes(32), NOW, 10, 0, 0, lots=lots)


@pytest.mark.parametrize("ended", [(Lot(NOW + 1, 1),), (Lot(NOW, 3),)])
def test_view__with_ended_lots_outside_what_lapsed__is_refused(ended: tuple[Lot, ...]) -> None:
    with reverts(ViewUnusable(1, "the lots that ended are not part of what lapsed")):
        View(1, bytes(32), NOW, 10, 0, 0, lapsed=2, ended=ended)


def test_view__of_an_account_that_was_not_read__is_empty() -> None:
    assert (UNSEEN.balance, UNSEEN.backing, UNSEEN.others) == (0, 0, 0)


# ---------------------------------------------------------------------- charges, holds, disputes


def test_charge__of_a_hold__moves_it_to_what_was_charged() -> None:
    account = charge(build_account(100, held=9, committed=1), 5, 3, NOW)
    assert (account.held, account.committed) == (4, 4)


def test_charge__of_more_than_is_held__is_refused() -> None:
    account = build_account(100, held=4)
    with reverts(ChargeAboveHold(6, 5)):
        charge(account, 5, 6, NOW)
    with reverts(ChargeAboveHold(5, 4)):
        charge(account, 5, 5, NOW)
    with reverts(ChargeAboveHold(5, 4)):
        release(account, 5)
    with pytest.raises(InvalidAmount):
        release(account, -1)
    with pytest.raises(InvalidAmount):
        charge(account, 4, -1, NOW)


def test_block_credits__of_a_dispute__is_freed_when_it_is_won() -> None:
    account = block_credits(build_account(100), 30)
    assert account.find_available(NOW) == 70
    assert block_credits(account, -30).find_available(NOW) == 100
    with pytest.raises(InvalidAmount):
        block_credits(account, -31)


# ---------------------------------------------------------------------- lots that lapse


def expiring(lapsing: int = 10, lasting: int = 90) -> Account:
    """Return an account with one lot that ends and other credits that last."""
    view = build_view(1, lapsing + lasting, time=NOW, lots=((END, lapsing),))
    account = Account(PLAN, HOLDER, ceiling=10_000, ceiling_end=NOW + 10_000)
    return replace_view(account, view, depth=0, now=NOW)


@pytest.mark.parametrize(("charged", "lost"), [(0, 0), (4, 4), (10, 10), (15, 10)])
def test_replace_view__after_a_lot_lapsed__writes_off_what_was_owed_and_at_most_the_lot(
    charged: int, lost: int
) -> None:
    account = serve(expiring(), charged) if charged else expiring()
    after = build_view(2, 90, time=END, lapsed=10, ended=((END, 10),))
    account = see(account, after, now=END)
    assert (account.written_off, account.owed) == (lost, charged - lost)
    assert account.find_available(END) == 90 - charged + lost


def test_replace_view__with_charges_after_the_end_of_a_lot__does_not_write_them_off() -> None:
    """Otherwise a holder who asks for much just after the end would be served it twice (S2)."""
    account = serve(expiring(), 4)
    account = serve(account, 5, now=END)  # from the credits that last
    assert account.marks == (Mark(END, 4),)
    account = see(account, build_view(2, 90, time=END, lapsed=10, ended=((END, 10),)), now=END)
    assert (account.written_off, account.owed, account.find_available(END)) == (4, 5, 85)


def test_replace_view__with_what_was_settled_before_the_end__loses_the_rest_only() -> None:
    account = serve(expiring(), 8)
    after = build_view(2, 90, time=END, settled=5, taken=5, lapsed=5, ended=((END, 5),))
    account = see(account, after, now=END)
    assert (account.written_off, account.owed) == (3, 0)


def test_replace_view__where_a_settlement_took_it_after_all__takes_the_loss_back() -> None:
    account = see(serve(expiring(), 8), build_view(2, 90, time=END, lapsed=10, ended=((END, 10),)), now=END)
    assert account.written_off == 8
    late = build_view(3, 82, time=END + 1, settled=8, taken=8, lapsed=10)
    account = see(account, late, now=END + 1)
    assert (account.written_off, account.owed) == (0, 0)


def test_replace_view__again_after_a_rollback__writes_off_once() -> None:
    ended = build_view(2, 90, time=END, lapsed=10, ended=((END, 10),))
    account = see(serve(expiring(), 8), ended, now=END)
    account = serve(account, 7, now=END + 1)  # from the credits that last
    back = roll_back(account, build_view(1, 100, time=NOW, lots=((END, 10),)), depth=0, now=END + 2)
    assert (back.written_off, back.owed) == (0, 15)
    assert back.find_available(END + 2) == 75  # the lot has ended by time, and the loss is not known yet
    again = see(back, replace(ended, block_hash=b"\2" * 32, time=END + 2), now=END + 2)
    assert (again.written_off, again.owed, again.find_available(END + 2)) == (8, 7, 83)


def test_replace_view__with_a_lot_that_ended_before_its_first_view__writes_nothing_off() -> None:
    account = serve(build_account(90), 5)
    late = build_view(2, 100, time=END - 1, lots=((END, 10),))
    account = see(account, late, now=END + 5)  # the view came late
    account = see(account, build_view(3, 90, time=END + 5, lapsed=10, ended=((END, 10),)), now=END + 5)
    assert (account.written_off, account.owed) == (0, 5)


# ---------------------------------------------------------------------- totals


def test_find_total_to_reach__of_what_is_owed__counts_from_the_settled_credits() -> None:
    view = build_view(2, 80, settled=20, taken=12)
    account = see(build_account(100, committed=15), view)
    assert account.owed == 3
    assert account.find_total_to_reach(NOW) == 23


def test_find_total_to_reach__after_the_end_of_a_lot__leaves_out_what_was_lost_with_it() -> None:
    account = serve(expiring(), 8)
    assert account.find_total_to_reach(END - 1) == 8
    assert account.find_total_to_reach(END) == 0  # the other credits of the holder were not used
    assert serve(account, 3, now=END).find_total_to_reach(END) == 3


def test_find_total_to_reach__with_a_settlement_by_others__counts_it_when_it_is_final() -> None:
    """A reorganization could drop the others' settlement, and the same total would take more than was charged (S11)."""
    account = see(build_account(100, committed=10), build_view(5, 100), depth=2)
    account = see(account, build_view(6, 93, settled=7), depth=2)
    assert account.find_total_to_reach(NOW) == 10
    assert see(account, build_view(8, 93, settled=7), depth=2).find_total_to_reach(NOW) == 17


# ---------------------------------------------------------------------- time


@pytest.mark.parametrize(("block", "clock"), [(9, 8), (8, 9), (9, 9)])
def test_find_now__of_block_and_clock__is_the_later(block: int, clock: int) -> None:
    assert find_now(block, clock) == 9
