"""What a meter forgets: sessions and sign-ins long after their end, and answers, so that no table grows with them for ever (S8)."""

import asyncio
import time
from collections.abc import Iterator
from typing import Final

import pytest

from nvm_chain.errors import AnswerNotKept, AuthorityOver, AuthorityUnknown
from nvm_chain.meter import opening
from nvm_chain.meter.idempotency import ANSWER_SECONDS
from nvm_chain.meter.store import forgetting
from nvm_chain.meter.store.account_changes import OpenAuthority
from nvm_chain.meter.store.answers import KeepAnswer
from nvm_chain.meter.store.forgetting import KEPT_SECONDS, SESSIONS, forget_answers, forget_authorities
from nvm_chain.meter.store.forgetting_holds import raise_horizon
from nvm_chain.meter.store.group_rows import StoredHold
from nvm_chain.meter.store.hold_ends import ChargeHold
from nvm_chain.meter.store.notices import read_now
from nvm_chain.meter.store.sessions import KeepSession, find_session
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.store.verifying import verify_books
from nvm_chain.meter.store.works import KeyUse
from nvm_chain.meter.store.writer import Writer
from tests.support.meter_books import read_rows
from tests.support.meter_stores import (
    KEY,
    admitted,
    build_session,
    fill,
    open_books,
    open_session,
    present,
    read_account,
    run,
    sign,
    use,
)

LONG_AGO: Final = KEPT_SECONDS + 100
SPARE: Final = 60
"""Longer than a test takes."""


@pytest.fixture
def books(books_url: str) -> Iterator[Store]:
    """Open empty books. What is forgotten is not in them any more, so they are not added up in plain SQL afterwards."""
    store = open_books(books_url)
    yield store
    assert verify_books(store) == []
    store.close()


def age(store: Store, seconds: int) -> None:
    """Let everything in the books have happened some seconds earlier."""
    with store.asking() as pen:
        pen.change("UPDATE authorities SET starts_at = starts_at - ?, ends_at = ends_at - ?", (seconds, seconds))
        pen.change("UPDATE holds SET opened_at = opened_at - ?, ended_at = ended_at - ?", (seconds, seconds))


def count(store: Store, table: str) -> int:
    """Return the number of rows of a table."""
    return int(read_rows(store, f"SELECT count(*) FROM {table}")[0][0])


def keep_session(store: Store, number: int = 5, *, seconds: int = 100) -> bytes:
    """Open a session with a token, and return the token's hash."""
    session = build_session(authority_id=bytes([number]) * 32, end=int(time.time()) + seconds)
    run(store, KeepSession(session, sign(), bytes([number]) * 32))
    return bytes([number]) * 32


# ---------------------------------------------------------------------- sessions and sign-ins


def test_forget_authorities__after_their_time__leaves_accounts_and_charges(books: Store) -> None:
    fill(books, 100)
    token = keep_session(books)
    found = find_session(books, token)
    assert found is not None
    hold = admitted(run(books, use(build_session(), 3)))
    run(books, ChargeHold(hold, 3))
    age(books, 100 + KEPT_SECONDS - SPARE)
    assert forget_authorities(books) == 0
    assert isinstance(run(books, use(build_session(), 3)), AuthorityOver)
    age(books, 2 * SPARE)
    assert forget_authorities(books) == 1
    assert (count(books, "authorities"), count(books, "tokens"), count(books, "holds")) == (0, 0, 1)
    assert find_session(books, token) is None
    assert isinstance(run(books, use(build_session(), 3)), AuthorityUnknown)
    assert (read_account(books).committed, read_account(books).owed) == (3, 3)
    assert verify_books(books) == []


def test_forget_authorities__with_an_open_request__keeps_it_until_that_has_ended(books: Store) -> None:
    fill(books, 100)
    keep_session(books)
    hold = admitted(run(books, use(build_session(), 3)))
    age(books, 100 + LONG_AGO)
    assert forget_authorities(books) == 0
    assert isinstance(run(books, ChargeHold(hold, 3)), StoredHold)
    assert forget_authorities(books) == 1


def test_forget_authorities__with_an_opening_that_is_wanted__keeps_it_until_that_is_done(books: Store) -> None:
    run(books, OpenAuthority(build_session()))
    age(books, 10_000 + LONG_AGO)
    with books.asking() as pen:
        pen.change(
            "INSERT INTO openings SELECT plan, holder, 0, authority_id, 0, holder, 0, 0, 0, 0, 0, '' FROM authorities"
        )
    assert forget_authorities(books) == 0
    with books.asking() as pen:
        pen.change("UPDATE openings SET state = 1")
    assert forget_authorities(books) == 1


def test_forget_authorities__of_many__forgets_some_at_a_time(books: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest is for the next parts, between which requests are stored."""
    monkeypatch.setattr(forgetting, "ENDED", forgetting.ENDED.replace("LIMIT 500", "LIMIT 4"))
    for number in range(1, 11):
        keep_session(books, number)
    age(books, 100 + LONG_AGO)
    keep_session(books, 99)
    assert [forget_authorities(books) for _ in range(4)] == [4, 4, 2, 0]
    assert (count(books, "authorities"), count(books, "tokens")) == (1, 1)


def test_verify_books__without_an_authority_that_has_just_ended__names_it(books_url: str) -> None:
    """Only what ended before the horizon may be missing."""
    store = open_books(books_url)
    fill(store, 100)
    open_session(store)
    run(store, ChargeHold(admitted(run(store, use(build_session(), 3))), 3))
    with store.asking() as pen:
        pen.change("DELETE FROM authorities")
    age(store, KEPT_SECONDS + SPARE)
    assert [(each.what, each.by_entries) for each in verify_books(store)] == [("uses", 1)]
    with store.asking() as pen:
        raise_horizon(pen, SESSIONS, read_now(pen) - KEPT_SECONDS)
    assert verify_books(store) == []
    store.close()


# ---------------------------------------------------------------------- answers


def test_forget_answers__that_are_not_given_again__keeps_that_there_was_one(books: Store) -> None:
    fill(books, 100)
    key = KeyUse(b"\7" * 32, b"\1" * 32)
    run(books, ChargeHold(admitted(run(books, present(sign(), 3, key=key))), 3))
    run(books, KeepAnswer(KEY, key, 5, b"hello"))
    with books.asking() as pen:
        pen.change("UPDATE requests SET answered_at = answered_at - ?", (ANSWER_SECONDS - SPARE,))
    assert forget_answers(books) == 0
    with books.asking() as pen:
        pen.change("UPDATE requests SET answered_at = answered_at - ?", (SPARE,))
    assert forget_answers(books) == 1
    assert forget_answers(books) == 0
    assert read_rows(books, "SELECT answer, size FROM requests") == [(None, 5)]
    assert isinstance(run(books, present(sign(), 3, key=key)), AnswerNotKept)


# ---------------------------------------------------------------------- a meter that runs


def test_sweep__of_a_meter__forgets_in_parts_and_goes_on_at_the_next_look(
    books_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "ENDED", forgetting.ENDED.replace("LIMIT 500", "LIMIT 2"))
    monkeypatch.setattr(opening, "MOST_AT_ONCE", 2)
    monkeypatch.setattr(opening, "MOST_PARTS", 3)
    monkeypatch.setattr(opening, "SWEEP_SECONDS", 0)
    monkeypatch.setattr(opening, "TURNS_OF_OLD", 1)
    store = open_books(books_url)
    for number in range(1, 16):
        keep_session(store, number)
    age(store, 100 + LONG_AGO)
    writer = Writer(store)

    async def act() -> None:
        sweeping = asyncio.ensure_future(opening._sweep(writer, None))
        while await asyncio.to_thread(writer.run, lambda books: count(books, "authorities")):
            assert not sweeping.done()
        sweeping.cancel()

    asyncio.run(act())
    writer.close()
