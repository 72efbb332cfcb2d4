"""The store of an index: what it refuses, amounts at the edges, reads beside writes, and schema."""

import ast
import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from eth_abi.abi import encode

from nvm_chain.errors import IndexIncomplete, LogsRefused, NvmChainError, ReorgTooDeep, SecondFollower
from nvm_chain.index.database import Batch, Index
from nvm_chain.index.kinds import EventKind, MovementCode, SaleCode, place_of
from nvm_chain.index.logs import Log
from nvm_chain.index.schema import VERSION_TABLE, metadata
from nvm_chain.types.events import Block
from tests.support.canned_logs import START, CannedBlock, LogWriter, address_of, credits_terms, write_busy_blocks
from tests.support.index_tables import batch_of, feed, open_new, parse_blocks, read_tables, without_memory
from tests.support.postgres import Postgres

ROOM = Path(__file__).parent.parent.parent / "nvm_chain" / "index"
ALICE, BOB, BUILDER = address_of("alice"), address_of("bob"), address_of("builder")
PLAN = 2**256 - 1
MOST = 2**54 - 1


@pytest.fixture
def index(index_url: str) -> Iterator[Index]:
    made = open_new(index_url)
    yield made
    made.close()


def sale_block(number: int = 1, plan: int = PLAN, amount: int = 1000, **terms: Any) -> LogWriter:
    """Return a block that registers a plan, and in which Alice orders it."""
    writer = LogWriter(number)
    writer.register(plan, BUILDER, credits_terms(**terms))
    writer.begin()
    writer.move(ALICE, 0, ALICE, plan, amount)
    writer.emit(EventKind.Ordered, (plan, ALICE, ALICE), (1, 2**132))
    return writer


def taking_block(number: int, amount: int) -> LogWriter:
    """Return a block that redeems credits of Alice."""
    writer = LogWriter(number)
    writer.move(BUILDER, ALICE, 0, PLAN, amount)
    writer.emit(EventKind.Redeemed, (PLAN, ALICE, BUILDER), (amount, 7))
    return writer


def bytes_of(number: int, size: int = 20) -> bytes:
    return number.to_bytes(size)


# ---------------------------------------------------------------- what is refused, and leaves nothing half done


def expect_unchanged(index: Index, batch: Batch, error: type[NvmChainError], words: str) -> None:
    """Apply a batch that must fail, and compare all tables before and after."""
    before, state = read_tables(index), index.read_state()
    with pytest.raises(error, match=words):
        index.apply(batch)
    assert read_tables(index) == before
    assert index.read_state() == state


def test_apply__log_twice__refused(index: Index) -> None:
    feed(index, [sale_block().canned])
    batch = batch_of(index, [taking_block(2, 5).canned])
    twice = batch._replace(logs=[batch.logs[0], *batch.logs])
    expect_unchanged(index, twice, LogsRefused, "The logs of block 2 cannot be stored: a log is there twice")


def test_apply__logs_not_in_order__refused(index: Index) -> None:
    batch = batch_of(index, [sale_block().canned])
    expect_unchanged(index, batch._replace(logs=batch.logs[::-1]), LogsRefused, "a log is not in order")


def test_apply__batch_twice__second_follower(index: Index) -> None:
    batch = batch_of(index, [sale_block().canned])
    index.apply(batch)
    expect_unchanged(index, batch, SecondFollower, "its head is 1 .*, not none")


def test_apply__batch_after_another_head__second_follower(index: Index) -> None:
    feed(index, [sale_block().canned])
    batch = batch_of(index, [taking_block(2, 5).canned])
    other = batch._replace(expected=Block(1, "0x" + "77" * 32, START))
    expect_unchanged(index, other, SecondFollower, "its head is 1 .*, not 1 .0x7777")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"block_hash": bytes(32)}, "does not have the hash and the time of its block"),
        ({"time": START - 1}, "does not have the hash and the time of its block"),
        ({"place": place_of(7)}, "The logs of block 7 .* does not have the hash"),
        ({"data": bytes(63)}, "the event Ordered is malformed"),
        ({"data": (2**32).to_bytes(32) + bytes(32)}, "the event Ordered is malformed .its quantity"),
        ({"topics": (bytes(32), b"\1" * 32, bytes(32))}, "the event Ordered is malformed .a topic is not an address"),
        ({"topics": (None, None, None)}, "the event Ordered is malformed"),
    ],
)
def test_apply__log_that_cannot_be__refused(index: Index, change: dict[str, Any], words: str) -> None:
    batch = batch_of(index, [sale_block().canned])
    logs = [*batch.logs[:-1], batch.logs[-1]._replace(**change)]
    expect_unchanged(index, batch._replace(logs=logs), LogsRefused, words)


def test_apply__block_after_the_head__refused(index: Index) -> None:
    batch = batch_of(index, [sale_block(1).canned, LogWriter(2).canned])
    expect_unchanged(index, batch._replace(head=batch.blocks[0]), LogsRefused, "the block is after the head")


def test_apply__time_that_goes_back__refused(index: Index) -> None:
    feed(index, [sale_block(5).canned])
    late = LogWriter(6, time=START - 100).canned
    expect_unchanged(index, batch_of(index, [late]), LogsRefused, "the time of the block is before")


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: taking_block(2, 1001), "spent 1001 credits and had 1000"),
        (lambda: _settlement(2, count=2), "a settlement misses 1 transfers"),
        (lambda: _settlement(2, credits=6), "or 1 credits of its transfers"),
        (lambda: _unknown_plan(2), "has a movement and no registration"),
        (lambda: _unknown_offer(2), "the event PlanOwnershipOffered is about something that no event registered"),
        (lambda: _access(2), "has another end of access than its event says"),
    ],
)
def test_apply__log_missing_before__incomplete(index: Index, build: Callable[[], LogWriter], words: str) -> None:
    feed(index, [sale_block().canned])
    expect_unchanged(index, batch_of(index, [build().canned]), IndexIncomplete, f"at or before block 2: .*{words}")


def _settlement(number: int, count: int = 1, credits: int = 5) -> LogWriter:
    writer = LogWriter(number)
    writer.move(BUILDER, ALICE, 0, PLAN, 5)
    writer.emit(EventKind.Settled, (PLAN, BUILDER), (count, credits))
    return writer


def _unknown_plan(number: int) -> LogWriter:
    writer = LogWriter(number)
    writer.move(BUILDER, 0, ALICE, PLAN - 1, 5)
    return writer


def _unknown_offer(number: int) -> LogWriter:
    writer = LogWriter(number)
    writer.emit(EventKind.PlanOwnershipOffered, (PLAN - 1, BUILDER, ALICE), b"")
    return writer


def _access(number: int) -> LogWriter:
    writer = LogWriter(number)
    writer.emit(EventKind.AccessChanged, (PLAN, ALICE), (START,))
    writer.move(ALICE, 0, ALICE, PLAN, 5)
    return writer


def test_roll_back__unknown_block__too_deep(index: Index) -> None:
    feed(index, [LogWriter(number).canned for number in range(1, 400)], 50)
    before = read_tables(index)
    for block in (LogWriter(100).block, LogWriter(143).block, LogWriter(398, "other").block, LogWriter(500).block):
        with pytest.raises(ReorgTooDeep, match="can roll back to block 144 and later"):
            index.roll_back(block)
    assert read_tables(index) == before
    index.roll_back(LogWriter(144).block)
    assert index.state.head == LogWriter(144).block


def test_roll_back__first_sync_without_undo__not_behind_its_head(index: Index) -> None:
    blocks = [sale_block(1).canned, *[taking_block(number, 1).canned for number in range(2, 9)]]
    feed(index, blocks[:5], 5, keeps_undo=False)
    feed(index, blocks[5:], 1)
    with pytest.raises(ReorgTooDeep, match="can roll back to block 5 and later"):
        index.roll_back(blocks[3].block)
    index.roll_back(blocks[4].block)
    assert read_tables(index)["accounts"][0][2] == 996


def test_roll_back__other_process_moved_the_head__second_follower(index: Index, index_url: str) -> None:
    blocks = [sale_block(1).canned, *[taking_block(number, 1).canned for number in range(2, 5)]]
    feed(index, blocks[:3])
    other = open_new(index_url)
    feed(other, blocks[3:])
    with pytest.raises(SecondFollower, match="its head is 4"):
        index.roll_back(blocks[0].block)
    other.close()
    assert index.read_state().head == blocks[3].block


# ---------------------------------------------------------------- amounts at the edges


def test_amounts__highest_of_all__are_exact(index: Index) -> None:
    feed(index, [sale_block(amount=MOST).canned])
    tables = read_tables(index)
    assert [row[5] for row in tables["movements"]] == [MOST]
    assert tables["accounts"][0][:3] == (bytes_of(PLAN, 32), bytes_of(ALICE), MOST)
    expected = place_of(1, 3), SaleCode.ORDER, bytes_of(PLAN, 32), bytes_of(ALICE), bytes_of(ALICE), 1, 2**132, None
    assert tables["sales"] == [expected]


def test_amounts__periods_beyond_64_bits__are_exact_and_in_order(index: Index) -> None:
    terms = (1, 0, *credits_terms()[2:6], 1, 2**32 - 1, 0, 0, 0, False, False)
    writer, until, periods = LogWriter(1), LogWriter(1).block.timestamp, 2**64 - 1
    writer.register(PLAN, BUILDER, terms)
    for _ in range(3):
        until += periods * (2**32 - 1)
        writer.emit(EventKind.AccessChanged, (PLAN, ALICE), (until,))
        writer.move(BUILDER, 0, ALICE, PLAN, periods)
    for number in range(1, 4):
        writer.emit(EventKind.AccessChanged, (PLAN, BOB), (writer.block.timestamp + number * (2**32 - 1),))
        writer.move(BUILDER, 0, BOB, PLAN, 1)
    feed(index, [writer.canned])
    tables = read_tables(index)
    held = {row[1]: row[2:5] for row in tables["accounts"]}
    assert held == {
        bytes_of(ALICE): (3 * periods, 0, until),
        bytes_of(BOB): (3, 0, writer.block.timestamp + 3 * (2**32 - 1)),
    }
    with index.snapshot() as connection:
        order = connection.exec_driver_sql("SELECT holder FROM accounts ORDER BY access_until DESC").scalars().all()
        sums = connection.exec_driver_sql("SELECT holder, exact_sum(amount) FROM movements GROUP BY holder").all()
    assert list(map(bytes, order)) == [bytes_of(ALICE), bytes_of(BOB)]
    assert {bytes(holder): int(total) for holder, total in sums} == {bytes_of(ALICE): 3 * periods, bytes_of(BOB): 3}


def test_amounts__more_than_any_account_can_have__refused(index: Index) -> None:
    writer = LogWriter(1)
    writer.move(BUILDER, 0, ALICE, PLAN, 2**64)
    expect_unchanged(index, batch_of(index, [writer.canned]), LogsRefused, "it moves more credits than an account")


@pytest.mark.parametrize("cost", [0, 1, 9_999, 10_000, 10**18, 2**63, 10**40, 2**256 - 1])
def test_money__any_uint256__is_exact(index: Index, cost: int) -> None:
    writer = LogWriter(1)
    writer.emit(EventKind.UsagePaid, (PLAN, ALICE, 5), (2**32 - 1, cost))
    writer.emit(EventKind.FeeForgone, (PLAN, BUILDER), (cost,))
    feed(index, [writer.canned])
    tables = read_tables(index)
    assert [(row[1], row[5], row[6], row[7]) for row in tables["sales"]] == [
        (SaleCode.USAGE, 2**32 - 1, cost, bytes_of(5, 32))
    ]
    assert [row[3] for row in tables["forgone"]] == [cost]
    with index.snapshot() as connection:
        assert int(connection.exec_driver_sql("SELECT exact_sum(cost) FROM sales").scalar_one()) == cost


@pytest.mark.parametrize("bad", ["-1", "0.5", "2::numeric ^ 256", "'NaN'", "'Infinity'"])
def test_money__that_is_not_a_uint256__refused_by_postgresql(postgres: Postgres, bad: str) -> None:
    url = postgres.new_database()
    index = open_new(url)
    with pytest.raises(NvmChainError, match="is_exact"), index.writing() as connection:
        index.take_pen(connection).change(f"INSERT INTO forgone VALUES (1, '', '', {bad})")
    assert read_tables(index)["forgone"] == []
    index.close()
    postgres.drop_database(url)


def test_texts__bytes_that_are_no_text__are_marked(index: Index) -> None:
    writer = LogWriter(1)
    writer.register(PLAN, BUILDER, credits_terms())
    data = encode(["bytes"], [b"ipfs://\xff\x00\xc3\xa9\x80"])
    writer.emit(EventKind.URI, (PLAN,), data)
    feed(index, [writer.canned])
    tables = read_tables(index)
    assert tables["plans"][0][5] == "ipfs://\ufffd\ufffdé\ufffd"
    assert tables["events"][-1][-1] == data


# ---------------------------------------------------------------- reads beside writes


def test_snapshot__write_meanwhile__sees_the_index_as_it_was(index: Index, index_url: str) -> None:
    feed(index, [sale_block().canned])
    with index.snapshot() as connection:
        count = connection.exec_driver_sql("SELECT count(*) FROM movements").scalar_one()
        other = open_new(index_url)
        feed(other, [taking_block(2, 5).canned])
        assert connection.exec_driver_sql("SELECT count(*) FROM movements").scalar_one() == count == 1
        assert connection.exec_driver_sql("SELECT head_number FROM state").scalar_one() == 1
    other.close()
    assert index.read_state().head == LogWriter(2).block


def test_pen__changes_with_results__reads_all_and_keeps_the_transaction(index: Index, index_url: str) -> None:
    feed(index, [sale_block().canned, LogWriter(2).canned])
    with index.writing() as connection:
        pen = index.take_pen(connection)
        found = pen.ask("UPDATE blocks SET time = time + 1 RETURNING number")
        assert sorted(row[0] for row in found) == [1, 2]
        pen.change("UPDATE state SET proven_to = 1")
    other = open_new(index_url)
    assert other.state.proven_to == 1
    assert [row[2] for row in read_tables(other)["blocks"]] == [START + 3, START + 5]
    other.close()


def test_room__statements_that_write__run_by_pens_only() -> None:
    writes = re.compile(r"\s*(INSERT|UPDATE|DELETE|REPLACE|COPY|TRUNCATE)\b|.*\bRETURNING\b", re.DOTALL)
    for path in sorted(ROOM.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                runs = node.func.attr in {"exec_driver_sql", "execute", "executemany", "text"}
                texts = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)]
                said = [text for text in texts if isinstance(text, str) and writes.match(text)]
                assert not (runs and said), f"{path.name}: {said}"


# ---------------------------------------------------------------- schema


def test_schema__after_migrations__is_that_of_the_package(index: Index) -> None:
    with index.snapshot() as connection:
        options = {"version_table": VERSION_TABLE, "compare_type": False}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
        for name, table in metadata.tables.items():
            cursor = connection.exec_driver_sql(f"SELECT * FROM {name} WHERE 1 = 0")
            assert list(cursor.keys()) == [column.name for column in table.columns]


def test_schema__queries_of_one_account__use_its_key(tmp_path: Path) -> None:
    index = open_new(str(tmp_path / "index.db"))
    index.close()
    plan = " ".join(
        str(row)
        for row in sqlite3.connect(tmp_path / "index.db").execute(
            "EXPLAIN QUERY PLAN SELECT * FROM movements WHERE holder = x'00' ORDER BY plan, place"
        )
    )
    assert "SEARCH movements USING PRIMARY KEY (holder=?)" in plan
    assert "TEMP B-TREE" not in plan


def test_apply__busy_blocks_in_large_batches__are_the_same_in_small_ones(index: Index, tmp_path: Path) -> None:
    blocks = list(write_busy_blocks(3_000))
    feed(index, blocks, 1_000)
    fresh = feed(open_new(str(tmp_path / "other.db")), blocks, 50)
    assert without_memory(read_tables(index)) == without_memory(read_tables(fresh))
    codes = {row[4] for row in read_tables(index)["movements"]}
    assert codes == {MovementCode.ORDER, MovementCode.REDEMPTION, MovementCode.SETTLEMENT}


def test_apply__empty_blocks__move_the_head_only(index: Index) -> None:
    feed(index, [LogWriter(5).canned])
    before = read_tables(index)
    index.apply(Batch(LogWriter(5).block, LogWriter(9).block, [], []))
    after = read_tables(index)
    assert index.state.head == LogWriter(9).block
    assert {name for name in after if after[name] != before[name]} == {"state", "blocks"}


def test_log__fields__are_in_order() -> None:
    canned: CannedBlock = sale_block().canned
    (log,) = parse_blocks([canned])[-1:]
    topics = bytes_of(PLAN, 32), bytes_of(ALICE, 32), bytes_of(ALICE, 32)
    data = (1).to_bytes(32) + (2**132).to_bytes(32)
    transaction, block_hash = (bytes.fromhex(canned.logs[-1][name][2:]) for name in ("transactionHash", "blockHash"))
    time = canned.block.timestamp
    assert log == Log(place_of(1, 3), EventKind.Ordered, topics, data, transaction, block_hash, time)
