"""Usage: who used what, when, and what it cost. Its sum is that of the books, and no part of it takes long."""

import tracemalloc
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from nvm_chain.errors import InvalidAmount, InvalidMessage
from nvm_chain.meter.authorities import Hold
from nvm_chain.meter.store.group_rows import AccountKey, HoldState, StoredHold
from nvm_chain.meter.store.hold_ends import ChargeHold, ReleaseHold
from nvm_chain.meter.store.packing import pack_hold, pack_service, unpack_service
from nvm_chain.meter.store.plan_sums import read_plan_sums
from nvm_chain.meter.store.schema import holds
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.store.usage import list_usage, read_part
from nvm_chain.meter.store.writer import Writer
from nvm_chain.meter.usage import BEGIN, Usage, UsageCursor, UsageFilter, parse_cursor
from tests.support.accounts import HOLDER, PLAN, SERVICE
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

OTHER = "did:nv:" + "0" * 63 + "8"


@pytest.fixture
def writer(books_url: str) -> Iterator[Writer]:
    """Empty books."""
    writer = Writer(open_books(books_url))
    yield writer
    writer.close()


def charge(store: Store, cost: int, number: int) -> StoredHold:
    """Charge for a request by a voucher."""
    context = number.to_bytes(32)
    charged = run(store, ChargeHold(admitted(run(store, present(sign(context=context), cost))), cost))
    assert isinstance(charged, StoredHold)
    return charged


def make_rows(store: Store, count: int, *, service: str = SERVICE, seconds: int = 1) -> None:
    """Add charged requests without the rest of the books, one in some seconds."""
    hold = StoredHold(b"", AccountKey(PLAN, HOLDER), Hold(b"", 5, 0), bytes(32), bytes(16), 0, 0, HoldState.CHARGED, 5)
    rows = []
    for number in range(count):
        name = number.to_bytes(16) + pack_service(service)[-1:]
        times = {"opened_at": number * seconds, "ended_at": number * seconds, "total": 5 * number}
        rows.append(pack_hold(replace(hold, hold_id=name, hold=Hold(name, 5, 0), service=service, **times)))
    with store.asking() as pen:
        pen.replace(holds, rows)


def read(writer: Writer, count: int = 1_000, **wanted: object) -> list[Usage]:
    return list(list_usage(writer, UsageFilter(**wanted), count))  # type: ignore[arg-type]


def test_list_usage__of_vouchers_and_a_session__names_who_used_what(writer: Writer) -> None:
    def work(store: Store) -> tuple[StoredHold, bytes]:
        fill(store, 1_000)
        first = charge(store, 7, 1)
        session = open_session(store)
        run(store, ChargeHold(admitted(run(store, use(build_session(), 3))), 3))
        run(store, ReleaseHold(admitted(run(store, present(sign(context=b"\2" * 32), 5))), True))
        run(store, present(sign(context=b"\3" * 32), 5))  # still open
        return first, session.authority_id

    first, session_id = writer.run(work)
    one, other = read(writer)
    assert (one.cost, one.total, one.session, one.request_id) == (7, 7, b"", first.hold_id)
    assert (other.cost, other.total, other.session) == (3, 10, session_id)
    assert {(each.plan_id, each.holder, each.service) for each in (one, other)} == {(*KEY, SERVICE)}
    assert (one.opened_at, one.ended_at) == (first.opened_at, first.ended_at)
    assert sum(each.cost for each in (one, other)) == writer.run(read_account).committed


def test_list_usage__of_several_accounts__adds_up_to_the_books(writer: Writer) -> None:
    def work(store: Store) -> int:
        keys = [KEY, *(key_of(number) for number in range(2, 5))]
        fill(store, 1_000, keys)
        for place, key in enumerate(keys):
            for number in range(1, 8):
                context = number.to_bytes(32)
                asked = present(sign(key=key, context=context), number + place)
                run(store, ChargeHold(admitted(run(store, asked)), number + place))
        return sum(read_account(store, key).committed for key in keys)

    charged = writer.run(work)
    for count in (1, 2, 3, 100):
        found = read(writer, count)
        assert (sum(each.cost for each in found), len(found)) == (charged, 28)
        assert len({each.request_id for each in found}) == 28
    sums = [read_plan_sums(writer, PLAN, rows) for rows in (1, 2, 3, 4, 100)]
    assert {(each.accounts, each.charged, each.owed, each.held) for each in sums} == {(4, charged, charged, 0)}


@pytest.mark.parametrize(
    ("start", "end", "seconds"),
    [(0, 10, list(range(10))), (3, 6, [3, 4, 5]), (3, 3, []), (9, 10, [9]), (10, 99, []), (0, 1, [0])],
)
def test_list_usage__of_a_period__has_its_first_second_and_not_its_end(
    writer: Writer, start: int, end: int, seconds: list[int]
) -> None:
    writer.run(lambda store: make_rows(store, 10))
    assert [each.ended_at for each in read(writer, 3, start=start, end=end)] == seconds


def test_list_usage__of_one_service__finds_few_among_many(writer: Writer) -> None:
    writer.run(lambda store: make_rows(store, 500))
    writer.run(lambda store: make_rows(store, 3, service=OTHER, seconds=100))
    assert [each.service for each in read(writer, 50, services=(OTHER,))] == [OTHER] * 3
    assert len(read(writer, 50, services=(SERVICE,))) == 500
    assert len(read(writer, 50, services=(OTHER, SERVICE))) == 503
    assert read(writer, 50, services=()) == []


def test_read_part__of_a_service_without_usage__looks_at_no_more_than_it_is_told(writer: Writer) -> None:
    writer.run(lambda store: make_rows(store, 25))
    wanted, place, parts = UsageFilter(services=(OTHER,)), BEGIN, 0
    while True:
        page = writer.run(lambda store, place=place: read_part(store, wanted, place, 10))  # type: ignore[misc]
        parts += 1
        assert page.entries == ()
        if page.next is None:
            break
        place = page.next
    assert parts == 3


def test_read_part__is_read_by_the_index(books_url: str) -> None:
    """Otherwise each part would look at all rows."""
    store = open_books(books_url)
    if store.is_sqlite:
        with store.asking() as pen:
            from_usage = "SELECT hold_id FROM holds WHERE state <> 0 AND (ended_at, total, hold_id) > (?, ?, ?) "
            plan = pen.ask(
                f"EXPLAIN QUERY PLAN {from_usage} AND ended_at < ? ORDER BY ended_at, total, hold_id LIMIT ?",
                (*BEGIN, 10, 10),
            )
        text = " ".join(str(row[3]) for row in plan)
        assert "USING" in text
        assert "ended_holds" in text
        assert "TEMP B-TREE" not in text
    store.close()


def test_list_usage__of_many_requests__has_one_part_in_memory(writer: Writer) -> None:
    writer.run(lambda store: make_rows(store, 1_000))
    sum(1 for _ in list_usage(writer, UsageFilter()))  # what is remembered is there now

    def measure() -> tuple[int, int]:
        tracemalloc.start()
        count = sum(1 for _ in list_usage(writer, UsageFilter()))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return count, peak

    few, small = measure()
    writer.run(lambda store: make_rows(store, 30_000))
    many, large = measure()
    assert (few, many) == (1_000, 30_000)
    assert large < 3 * small


# ---------------------------------------------------------------------- cursors and services


def test_parse_cursor__of_the_largest_numbers__is_a_place_behind_all(writer: Writer) -> None:
    writer.run(lambda store: make_rows(store, 3))
    cursor = parse_cursor(f"{2**63 - 1}-{2**63 - 1}-{'ff' * 32}")
    assert writer.run(lambda store: read_part(store, UsageFilter(), cursor)).entries == ()


@pytest.mark.parametrize("wrong", [{"start": 2**63}, {"end": 2**63}, {"start": -1}, {"end": 2**64 - 1}])
def test_usage_filter__of_a_second_that_no_book_has__is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(InvalidAmount, match=r"of the period .* must be from 0 to 9223372036854775807"):
        UsageFilter(**wrong)  # type: ignore[arg-type]


def test_parse_cursor__of_its_text__is_the_same_place() -> None:
    cursor = UsageCursor(1_800_000_000, 7, b"\0\xff")
    assert parse_cursor(str(cursor)) == cursor


@pytest.mark.parametrize(
    "wrong",
    [
        *("", "1-2", "1-2-zz", "1-2-", "-1-2-00", "1-2-00-3", "²-2-00", "1-2-" + "00" * 33, "1" * 20 + "-2-00"),
        *(f"{2**63}-2-00", f"1-{2**63}-00"),
    ],
)
def test_parse_cursor__of_another_text__is_refused(wrong: str) -> None:
    with pytest.raises(InvalidMessage):
        parse_cursor(wrong)


@pytest.mark.parametrize("service", [SERVICE, "", "a service of a test"])
def test_pack_service__of_a_service__is_read_again(service: str) -> None:
    assert unpack_service(pack_service(service)) == service
    assert len(pack_service(SERVICE)) == 32
