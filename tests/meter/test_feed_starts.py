"""Starts of accounts, and the agenda: from which block an account is told, and when it is told again."""

import pytest

from nvm_chain.meter.feed.agenda import Agenda
from nvm_chain.meter.feed.replaying import Page
from nvm_chain.meter.feed.starts import Pages, Start, find_start
from nvm_chain.meter.store.group_rows import AccountKey
from nvm_chain.meter.views import PastView
from nvm_chain.types.events import Block
from tests.support.accounts import HOLDER

HEAD = 500
FIRST = Page(430, b"\1" * 32, 1430)
KEPT, OTHER = b"\2" * 32, b"\3" * 32


def page(number: int, block_hash: bytes = KEPT) -> Page:
    return Page(number, block_hash, 1000 + number)


def past(*numbers: int) -> tuple[PastView, ...]:
    """Return views of blocks, as they are in the books."""
    return tuple(PastView(number, KEPT, 1000 + number, 0, 0, 0) for number in numbers)


def start_of(views: tuple[PastView, ...], **standings: tuple[int, ...]) -> tuple[Start, list[int | None]]:
    """Return the start of an account, and the limits with which a first block was asked for."""
    found = {number: page(number) for number in standings.get("kept", ())}
    found |= {number: page(number, OTHER) for number in standings.get("replaced", ())}
    asked: list[int | None] = []

    def find_page(limit: int | None) -> Page:
        asked.append(limit)
        return FIRST

    return find_start(views, Pages(page(HEAD), 245, found), find_page), asked


def test_find_start__of_a_new_account__is_a_deep_block() -> None:
    assert start_of(()) == (Start(FIRST, is_told=True, rolls_back=False), [None])


@pytest.mark.parametrize("standings", [{"kept": (490, 495)}, {"kept": (490,)}, {}])
def test_find_start__of_a_block_that_is_kept_or_forgotten__is_that_block(standings: dict[str, tuple[int, ...]]) -> None:
    assert start_of(past(490, 495), **standings) == (Start(page(495), is_told=False, rolls_back=False), [])


@pytest.mark.parametrize(
    ("standings", "expected"),
    [
        ({"kept": (480, 490), "replaced": (495,)}, 490),
        ({"kept": (480,), "replaced": (490, 495)}, 480),
        ({"kept": (480,), "replaced": (495,)}, 480),  # whether 490 was replaced too is not known
        ({"replaced": (495,)}, 490),
        ({"replaced": (490, 495)}, 480),
    ],
)
def test_find_start__of_a_block_that_was_replaced__goes_back_to_one_that_was_not(
    standings: dict[str, tuple[int, ...]], expected: int
) -> None:
    assert start_of(past(480, 490, 495), **standings) == (Start(page(expected), is_told=True, rolls_back=True), [])


def test_find_start__of_a_block_above_the_head__counts_it_as_replaced() -> None:
    expected = Start(page(HEAD), is_told=True, rolls_back=True)
    assert start_of(past(HEAD, HEAD + 1), kept=(HEAD,)) == (expected, [])


def test_find_start__of_blocks_that_were_all_replaced__is_a_deep_block_before_them() -> None:
    expected = Start(FIRST, is_told=True, rolls_back=True)
    assert start_of(past(490, 495), replaced=(490, 495)) == (expected, [490])


# ---------------------------------------------------------------- the agenda

ONE, TWO = AccountKey(1, HOLDER), AccountKey(2, HOLDER)


def take(agenda: Agenda, number: int, second: int) -> set[AccountKey]:
    return agenda.take(Block(number, "0x", second))


def test_take__at_a_block_or_a_second__returns_what_is_due_once() -> None:
    agenda = Agenda()
    agenda.note_block(ONE, 10)
    agenda.note_end(TWO, 100)
    assert take(agenda, 9, 99) == set()
    assert take(agenda, 10, 99) == {ONE}
    assert take(agenda, 11, 100) == {TWO}
    assert take(agenda, 12, 101) == set()


def test_note_block__of_an_account_that_changed_again__is_due_at_both_blocks() -> None:
    agenda = Agenda()
    for number in (12, 10):
        agenda.note_block(ONE, number)
    assert [take(agenda, number, 0) for number in (10, 11, 12)] == [{ONE}, set(), {ONE}]


def test_take__after_the_head_went_back__returns_what_is_not_deep_any_more() -> None:
    agenda = Agenda()
    agenda.note_block(ONE, 10)
    agenda.note_block(TWO, 5)
    assert [take(agenda, number, 0) for number in (12, 8, 9, 10)] == [{ONE, TWO}, {ONE}, set(), {ONE}]


def test_note_end__again__replaces_the_end_before() -> None:
    agenda = Agenda()
    for key, ends in ((ONE, (100, 200)), (TWO, (100, None))):
        for end in ends:
            agenda.note_end(key, end)
    assert [take(agenda, 1, second) for second in (150, 200)] == [set(), {ONE}]


def test_note_first_end__of_an_account_with_an_earlier_end__keeps_that() -> None:
    agenda = Agenda()
    agenda.note_first_end(ONE, 100)
    agenda.note_first_end(ONE, 200)
    assert [take(agenda, 1, second) for second in (100, 200)] == [{ONE}, set()]
