"""Ranges of blocks: their size follows the logs, and a chunk that is too large is divided between two blocks."""

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from nvm_chain.errors import BlockReplaced
from nvm_chain.index import ranges
from nvm_chain.index.following import Follower
from nvm_chain.index.kinds import EventKind, place_of
from nvm_chain.index.logs import Log
from nvm_chain.index.progress import Phase, Progress
from nvm_chain.index.ranges import Chunk, RangeReader, read_ahead, split_chunk
from nvm_chain.index.source import Source, list_blocks, put_in_order
from nvm_chain.types.events import Block
from tests.support.index_worlds import IndexWorld, run_index_world


def log(number: int, index: int = 0, **changes: object) -> Log:
    made = Log(place_of(number, index), EventKind.URI, (None, None, None), b"", bytes(32), bytes([number]) * 32, number)
    return made._replace(**changes)  # type: ignore[arg-type]


def block(number: int) -> Block:
    return Block(number, f"0x{bytes([number]).hex() * 32}", number)


@pytest.fixture(scope="module")
def chain() -> Iterator[IndexWorld]:
    """An anvil with 600 blocks, of which some have events."""
    with run_index_world() as made:
        for _ in range(4):
            made.act(6)
            made.mine(140)
        yield made


@pytest.mark.parametrize(
    ("most", "ends"), [(1, [1, 2, 9]), (2, [1, 2, 9]), (3, [2, 9]), (4, [2, 9]), (5, [9]), (99, [9])]
)
def test_split_chunk__more_logs_than_allowed__is_divided_between_blocks(most: int, ends: list[int]) -> None:
    logs = [log(1), log(1, 1), log(2), log(5), log(5, 1)]
    parts = list(split_chunk(Chunk(block(0), block(9), logs, [block(1), block(2), block(5)]), most))
    assert [part.head.number for part in parts] == ends
    assert [each for part in parts for each in part.logs] == logs
    assert [part.before for part in parts] == [block(0), *(part.head for part in parts[:-1])]
    assert [each for part in parts for each in part.blocks] == [block(1), block(2), block(5)]


def test_split_chunk__one_block_with_more__stays_whole() -> None:
    chunk = Chunk(None, block(3), [log(3), log(3, 1), log(3, 2)], [block(3)])
    assert list(split_chunk(chunk, 1)) == [chunk]


def test_read_ahead__items__are_fetched_one_ahead_in_another_thread() -> None:
    fetched: list[tuple[int, int]] = []

    def fetch() -> Iterator[int]:
        for number in (1, 2, 3):
            fetched.append((number, threading.get_ident()))
            yield number

    assert list(read_ahead(fetch())) == [1, 2, 3]
    assert {thread for _, thread in fetched} != {threading.get_ident()}


def test_read_ahead__error__comes_at_its_place() -> None:
    def fetch() -> Iterator[int]:
        yield 1
        raise BlockReplaced(2)

    items = read_ahead(fetch())
    assert next(items) == 1
    with pytest.raises(BlockReplaced):
        next(items)


def test_range_reader__few_logs__asks_for_twice_as_many_blocks(
    chain: IndexWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(ranges, "FIRST_RANGE", 10)
    index = chain.open(tmp_path / "index.db")
    reader = RangeReader(Source(chain.connect(), Follower(chain.connect(), index)._source._contracts))
    index.close()
    assert [chunk.head.number for chunk in reader.read(0, 200)] == [9, 29, 69, 149, 200]


def test_range_reader__many_logs__asks_for_fewer_blocks(
    chain: IndexWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(ranges, "MOST_LOGS", 1)
    monkeypatch.setattr(ranges, "FIRST_RANGE", 300)
    told: list[Progress] = []
    index = chain.open(tmp_path / "index.db")
    Follower(chain.connect(), index, on_progress=told.append).sync()
    index.close()
    synced = [progress for progress in told if progress.phase is Phase.SYNC]
    assert len(synced) > 2
    assert [progress.head.number for progress in synced if progress.head] == sorted(
        {progress.head.number for progress in synced if progress.head}
    )
    assert synced[0].target == chain.head
    assert all(progress.seconds_left is None or progress.seconds_left >= 0 for progress in told)
    assert told[-1].head
    assert told[-1].head.number == chain.head


def test_sync__stopped_in_the_middle__goes_on_later(
    chain: IndexWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(ranges, "FIRST_RANGE", 50)
    stop = threading.Event()
    with closing(chain.open(tmp_path / "index.db")) as index:
        head = Follower(chain.connect(), index, on_progress=lambda _: stop.set()).sync(stop=stop)
        assert head is not None
        assert head.number == 49
        Follower(chain.connect(), index).sync()
        chain.check(index, tmp_path)


def test_put_in_order__other_order_and_twice__is_in_order_once() -> None:
    logs = [log(2), log(1, 1), log(1), log(2)]
    assert put_in_order(logs, 0, 9) == [log(1), log(1, 1), log(2)]
    assert put_in_order(logs, 2, 2) == [log(2)]
    assert put_in_order([], 0, 9) == []


def test_put_in_order__two_logs_at_one_place__is_told() -> None:
    with pytest.raises(BlockReplaced) as caught:
        put_in_order([log(7), log(7, data=b"other")], 0, 9)
    assert caught.value.block_number == 7


@pytest.mark.parametrize("change", [{"block_hash": bytes(32)}, {"time": 8}], ids=str)
def test_list_blocks__logs_of_two_branches__is_told(change: dict[str, object]) -> None:
    assert list_blocks([log(6), log(7), log(7, 1)]) == {6: (bytes([6]) * 32, 6), 7: (bytes([7]) * 32, 7)}
    with pytest.raises(BlockReplaced) as caught:
        list_blocks([log(6), log(7), log(7, 1, **change)])
    assert caught.value.block_number == 7
