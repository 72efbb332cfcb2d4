"""What people are shown of the books: the latest settlements of some plans, and what holders were charged. On both databases."""

from collections.abc import Iterator

import pytest

from nvm_chain.enums import SettlementResult
from nvm_chain.meter.store import recent_settlements
from nvm_chain.meter.store.hold_ends import ChargeHold
from nvm_chain.meter.store.holder_charges import HolderCharges, read_charges
from nvm_chain.meter.store.recent_settlements import read_recent
from nvm_chain.meter.store.settlements import SettledItem, Settlement, SettlementState, note_outcomes, note_signed
from nvm_chain.meter.store.store import Store
from tests.support.accounts import HOLDER, PLAN, REDEEMER
from tests.support.meter_stores import admitted, fill, key_of, open_books, present, run, sign

OPEN, MINED, LOST, DONE, GONE = SettlementState
OTHER = PLAN + 1


@pytest.fixture
def store(books_url: str) -> Iterator[Store]:
    """Empty books."""
    store = open_books(books_url)
    yield store
    store.close()


def settle(store: Store, number: int, state: SettlementState, plan: int = PLAN) -> str:
    """Write a transaction and its outcome, signed at a second of its own."""
    result = None if state in (OPEN, LOST, GONE) else SettlementResult.SETTLED
    item = SettledItem(HOLDER, 5, 5 if result is not None else 0, result)
    settlement = Settlement(f"0x{number:064x}", plan, REDEEMER, number, (item,), state=state)
    note_signed(store, settlement)
    note_outcomes(store, [settlement])
    with store.asking() as pen:
        pen.change("UPDATE settlements SET signed_at = ? WHERE hash = ?", (number, number.to_bytes(32)))
    return settlement.hash


def test_read_recent__of_some_plans__has_open_ones_first_and_then_the_newest(store: Store) -> None:
    states = [OPEN, DONE, MINED, DONE, LOST, GONE, DONE]
    hashes = [settle(store, number, state) for number, state in enumerate(states, 1)]
    settle(store, 50, OPEN, OTHER)
    found = read_recent(store, frozenset((PLAN,)), 10)
    assert [each.hash for each in found] == [hashes[at] for at in (4, 2, 0, 6, 5, 3, 1)]
    assert [each.credits for each in found] == [0, 5, 0, 5, 0, 5, 5]
    assert {each.plan_id for each in read_recent(store, frozenset((OTHER,)), 10)} == {OTHER}
    assert read_recent(store, frozenset(), 10) == []


def test_read_recent__of_more_than_it_may__keeps_the_open_and_the_newest(store: Store) -> None:
    hashes = [settle(store, number, OPEN if number == 1 else DONE) for number in range(1, 9)]
    assert [each.hash for each in read_recent(store, frozenset((PLAN,)), 3)] == [hashes[0], hashes[7], hashes[6]]


def test_read_recent__behind_many_of_others__looks_at_the_newest_part_only(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_settlements, "LOOKED_AT", 3)
    settle(store, 1, DONE)
    for number in range(2, 6):
        settle(store, number, DONE, OTHER)
    assert read_recent(store, frozenset((PLAN,)), 10) == []
    last = settle(store, 9, DONE)
    assert [each.hash for each in read_recent(store, frozenset((PLAN,)), 10)] == [last]


def test_read_charges__of_holders__has_what_each_was_charged_and_owes(store: Store) -> None:
    fill(store, 100)
    run(store, ChargeHold(admitted(run(store, present(sign(), 5))), 3))
    stranger = key_of(77).holder
    assert read_charges(store, PLAN, [HOLDER, stranger]) == {HOLDER: HolderCharges(3, 3)}
    assert read_charges(store, OTHER, [HOLDER]) == {}
    assert read_charges(store, PLAN, []) == {}
