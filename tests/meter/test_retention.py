"""Requests are forgotten long after their end, and the books still add up: what they had cost is carried forward."""

import asyncio
from collections.abc import Iterator

import pytest

from nvm_chain.errors import InputError
from nvm_chain.meter import opening
from nvm_chain.meter.retention import Retention
from nvm_chain.meter.store.account_changes import SeeView
from nvm_chain.meter.store.forgetting import forget_authorities
from nvm_chain.meter.store.forgetting_holds import Forgotten, forget_holds
from nvm_chain.meter.store.group_rows import StoredHold
from nvm_chain.meter.store.hold_ends import ChargeHold, ReleaseHold
from nvm_chain.meter.store.leases import take_lease
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.store.usage import read_forgotten, read_horizon, read_part
from nvm_chain.meter.store.verifying import verify_books
from nvm_chain.meter.store.works import KeyUse
from nvm_chain.meter.store.writer import Writer
from nvm_chain.meter.usage import BEGIN, UsageFilter
from nvm_chain.types.durations import DAY
from tests.support.accounts import build_view
from tests.support.meter_books import read_rows
from tests.support.meter_stores import (
    KEY,
    admitted,
    build_session,
    fill,
    key_of,
    open_books,
    open_session,
    present,
    read_account,
    run,
    sign,
    use,
)

KEPT = 100 * DAY
SPARE = 60
"""Longer than a test takes."""


@pytest.fixture
def books(books_url: str) -> Iterator[Store]:
    """Open empty books. Afterwards they still have to add up, with what was forgotten."""
    store = open_books(books_url)
    yield store
    assert verify_books(store) == []
    store.close()


def pay(store: Store, cost: int, deadline: int = 0, *, number: int = 0) -> StoredHold:
    """Let a holder pay for a request by a voucher of its own."""
    context = number.to_bytes(32)
    hold = admitted(run(store, present(sign(deadline=deadline, context=context), cost)))
    charged = run(store, ChargeHold(hold, cost))
    assert isinstance(charged, StoredHold)
    return charged


def age(store: Store, seconds: int, where: str = "state <> 0") -> None:
    """Let requests have ended some seconds earlier."""
    with store.asking() as pen:
        pen.change(
            f"UPDATE holds SET opened_at = opened_at - ?, ended_at = ended_at - ? WHERE {where}", (seconds, seconds)
        )


def settle(store: Store, taken: int, balance: int = 1_000) -> None:
    """Let the chain say that some credits were taken."""
    run(store, SeeView(KEY, (build_view(9 + taken, balance - taken, settled=taken, taken=taken),), 0))


def forget(store: Store, seconds: int = KEPT, count: int = 100) -> int:
    """Forget all that is old, in parts, and return how many requests were forgotten."""
    place, total = BEGIN, 0
    while True:
        found = forget_holds(store, seconds, place, count)
        total += found.count
        if found.next is None:
            return total
        place = found.next


def test_forget_holds__of_settled_requests__carries_their_cost_forward(books: Store) -> None:
    fill(books, 1_000)
    for number in range(1, 6):
        pay(books, number, number=number)
    age(books, KEPT + SPARE)
    pay(books, 7, number=7)
    settle(books, 22)
    assert forget(books) == 5
    assert read_rows(books, "SELECT cost, holds FROM forgotten") == [(15, 5)]
    assert read_rows(books, "SELECT cost, total FROM holds") == [(7, 22)]
    assert read_account(books).committed == 22
    assert read_forgotten(books) == (15, 5)
    assert verify_books(books) == []
    age(books, KEPT + SPARE)
    assert forget(books) == 1
    assert read_rows(books, "SELECT cost, holds FROM forgotten") == [(22, 6)]
    pay(books, 3, number=8)
    assert verify_books(books) == []


def test_forget_holds__at_the_last_second__keeps_a_request_until_it_is_old_enough(books: Store) -> None:
    fill(books, 1_000)
    pay(books, 5)
    settle(books, 5)
    age(books, KEPT - SPARE)
    assert forget(books) == 0
    age(books, 2 * SPARE)
    assert forget(books) == 1


def test_forget_holds__of_what_was_not_taken_on_the_chain__keeps_it(books: Store) -> None:
    """A charge is the seller's proof of what is owed, until it is taken or lost."""
    fill(books, 1_000)
    for number in range(1, 5):
        pay(books, 10, number=number)
    age(books, KEPT + SPARE)
    assert forget(books) == 0
    settle(books, 25)
    assert forget(books) == 2
    assert verify_books(books) == []
    settle(books, 40)
    assert forget(books) == 2


def test_forget_holds__under_a_session_that_is_known__keeps_them(books: Store) -> None:
    fill(books, 1_000)
    open_session(books)
    run(books, ChargeHold(admitted(run(books, use(build_session(), 3))), 3))
    settle(books, 3)
    age(books, KEPT + SPARE)
    assert forget(books) == 0
    with books.asking() as pen:
        pen.change("UPDATE authorities SET starts_at = starts_at - ?, ends_at = ends_at - ?", (KEPT, KEPT))
    assert forget_authorities(books, 30 * DAY) == 1
    assert forget(books) == 1


def test_forget_holds__that_were_released__forgets_them_without_a_cost(books: Store) -> None:
    fill(books, 1_000)
    for was_sent in (True, False):
        context = bytes([was_sent]) * 32
        hold = admitted(run(books, present(sign(context=context), 5)))
        run(books, ReleaseHold(hold, was_sent))
    age(books, KEPT + SPARE)
    assert forget(books) == 2
    assert read_rows(books, "SELECT * FROM forgotten") == []


def test_forget_holds__with_an_idempotency_key__forgets_the_key_too(books: Store) -> None:
    fill(books, 1_000)
    key = KeyUse(b"\7" * 32, b"\1" * 32)
    hold = admitted(run(books, present(sign(), 3, key=key)))
    run(books, ChargeHold(hold, 3))
    settle(books, 3)
    age(books, KEPT + SPARE)
    assert forget(books) == 1
    assert read_rows(books, "SELECT count(*) FROM requests") == [(0,)]


def test_forget_holds__that_are_open__keeps_them_however_old(books: Store) -> None:
    fill(books, 1_000)
    run(books, present(sign(), 3))
    age(books, 10 * KEPT, "state = 0")
    assert forget(books) == 0


@pytest.mark.parametrize("count", [1, 3, 7, 100])
def test_forget_holds__in_parts_of_any_size__forgets_the_same(books: Store, count: int) -> None:
    """What may not be forgotten in between does not hold the rest up."""
    others = [key_of(number) for number in range(2, 5)]
    fill(books, 1_000, [KEY, *others])
    for number in range(1, 11):
        pay(books, number, number=number)
        for key in others:
            context = number.to_bytes(32)
            work = present(sign(key=key, context=context), 1)
            run(books, ChargeHold(admitted(run(books, work)), 1))
    settle(books, 30)  # the first 7 requests, with 28 credits
    age(books, KEPT + SPARE)
    assert forget(books, count=count) == 7
    assert read_rows(books, "SELECT cost, holds FROM forgotten") == [(28, 7)]
    assert verify_books(books) == []


def test_forget_holds__in_the_wrong_order_of_time__leaves_books_that_add_up(books: Store) -> None:
    """A clock that went back lets a later charge be forgotten before an earlier one."""
    fill(books, 1_000)
    for number in range(1, 5):
        pay(books, 10, number=number)
    settle(books, 40)
    for place, seconds in enumerate((0, 300, 100, 200)):
        age(books, KEPT + seconds, f"total = {10 * (place + 1)}")
    for left in (3, 2, 1):
        age(books, SPARE if left == 3 else 100)
        forget(books, KEPT + 200)
        assert verify_books(books) == []
    assert read_rows(books, "SELECT sum(holds) FROM forgotten") != [(0,)]


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE forgotten SET cost = cost + 1",
        "UPDATE forgotten SET cost = cost - 1",
        "DELETE FROM forgotten",
        "UPDATE holds SET total = total + 1",
        "UPDATE holds SET total = total - 1",
        "DELETE FROM holds",
        "UPDATE accounts SET committed = committed + 1",
    ],
)
def test_verify_books__that_are_wrong_after_a_sweep__names_the_account(books_url: str, damage: str) -> None:
    store = open_books(books_url)
    fill(store, 1_000)
    pay(store, 10, number=1)
    pay(store, 20, number=2)
    age(store, KEPT + SPARE)
    pay(store, 30, number=3)
    settle(store, 60)
    assert forget(store) == 2
    assert verify_books(store) == []
    with store.asking() as pen:
        pen.change(damage)
    assert {each.key for each in verify_books(store)} == {KEY}
    store.close()


# ---------------------------------------------------------------------- what is told


def test_read_horizon__after_a_sweep__says_from_when_on_usage_is_whole(books: Store) -> None:
    fill(books, 1_000)
    assert read_horizon(books) == 0
    old = pay(books, 10, number=1).ended_at
    age(books, KEPT + SPARE)
    new = pay(books, 20, number=2).ended_at
    settle(books, 30)
    forget(books)
    assert old - KEPT - SPARE < read_horizon(books) <= new
    page = read_part(books, UsageFilter(start=read_horizon(books)))
    assert [entry.cost for entry in page.entries] == [20]
    assert sum(entry.cost for entry in page.entries) + read_forgotten(books)[0] == read_account(books).committed


# ---------------------------------------------------------------------- settings


def test_retention__of_usual_settings__outlives_the_longest_session() -> None:
    usual = Retention()
    assert usual.charges >= usual.least_charges == 60 * DAY


@pytest.mark.parametrize(
    ("wrong", "is_good"),
    [
        ({"charges": 60 * DAY}, True),
        ({"charges": 60 * DAY - 1}, False),
        ({"charges": 31 * DAY, "sessions": DAY}, True),
        ({"charges": 31 * DAY - 1, "sessions": DAY}, False),
        ({"sessions": DAY - 1}, False),
        ({"notices": DAY - 1}, False),
        ({"notices": DAY}, True),
        ({"charges": 2**32}, False),
    ],
)
def test_retention__below_what_the_rules_need__is_refused(wrong: dict[str, int], is_good: bool) -> None:
    if is_good:
        Retention(**wrong)
    else:
        with pytest.raises(InputError):
            Retention(**wrong)


# ---------------------------------------------------------------------- a meter that runs


def test_forgetter__in_two_processes__works_in_one_at_a_time(postgres_books_url: str) -> None:
    stores = [open_books(postgres_books_url) for _ in range(2)]
    fill(stores[0], 1_000)
    for number in range(1, 4):
        pay(stores[0], 1, number=number)
    settle(stores[0], 3)
    age(stores[0], 400 * DAY + SPARE)
    writers = [Writer(store) for store in stores]
    first, second = (opening.Forgetter(writer, Retention()) for writer in writers)
    assert writers[0].run(lambda store: take_lease(store, opening.RETENTION, first._owner, 600)) is None
    asyncio.run(second.forget(begins=True))
    assert writers[1].run(lambda store: read_rows(store, "SELECT count(*) FROM holds")) == [(3,)]
    asyncio.run(first.forget(begins=True))
    assert writers[1].run(lambda store: read_rows(store, "SELECT count(*) FROM holds")) == [(0,)]
    for writer in writers:
        writer.close()


def test_forgetter__of_many_requests__goes_on_in_later_looks(books_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def few(store: Store, seconds: int, after: object) -> Forgotten:
        found = forget_holds(store, seconds, after, 2)  # type: ignore[arg-type]
        seen.append(found.count)
        return found

    monkeypatch.setattr(opening, "forget_holds", few)
    monkeypatch.setattr(opening, "MOST_PARTS", 2)
    store = open_books(books_url)
    fill(store, 1_000)
    for number in range(1, 10):
        pay(store, 1, number=number)
    settle(store, 9)
    age(store, 400 * DAY + SPARE)
    writer = Writer(store)
    forgetter = opening.Forgetter(writer, Retention())
    for turn in range(4):
        asyncio.run(forgetter.forget(begins=turn == 0))
    assert seen == [2, 2, 2, 2, 1]
    assert writer.run(verify_books) == []
    writer.close()


def test_sweep__after_an_error_that_should_not_be__is_logged_and_goes_on(
    books_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[int] = []

    def fail(store: Store) -> list[StoredHold]:
        calls.append(1)
        raise RuntimeError("a mistake")

    monkeypatch.setattr(opening, "find_overdue", fail)
    monkeypatch.setattr(opening, "SWEEP_SECONDS", 0)
    writer = Writer(open_books(books_url))

    async def act() -> None:
        sweeping = asyncio.ensure_future(opening._sweep(writer, None))
        while len(calls) < 3:
            await asyncio.sleep(0.01)
            assert not sweeping.done()
        sweeping.cancel()

    asyncio.run(act())
    assert "The sweep of the books failed with RuntimeError" in caplog.text
    writer.close()
