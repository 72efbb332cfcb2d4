"""events: ranges are split where a node refuses them, each event comes once, and time only grows."""

from dataclasses import replace
from functools import partial
from typing import cast

import pytest

from nvm_chain.chain.client import Chain
from nvm_chain.chain.events import (
    SEARCHED_RANGES,
    VALUES_AT_ONCE,
    add_times,
    build_filters,
    find_newest_event,
    read_events,
)
from nvm_chain.errors import BlockReplaced, ConnectionFailed, NvmChainError, RpcFailed
from nvm_chain.types.events import Block, Event, EventFilter

ALL = EventFilter(("TransferSingle",))


def event(block: int, index: int = 0, second: int | None = None) -> Event:
    return Event("TransferSingle", {}, block, hex(block), "0xaa", index, second)


class Node:
    """A node with an event in each block, which answers for so many blocks at once."""

    credits = None

    def __init__(self, most: int, refusal: NvmChainError) -> None:
        self.most, self.refusal = most, refusal
        self.asked: list[int] = []

    def read_logs(self, contract: object, wanted: EventFilter, first: int, last: int) -> list[Event]:
        self.asked.append(last - first + 1)
        if last - first + 1 > self.most:
            raise self.refusal
        return [event(block) for block in range(first, last + 1)]

    def read_block(self, number: int) -> Block:
        return Block(number, hex(number), 100 * number)


def node(most: int = 10**9, refusal: NvmChainError | None = None) -> tuple[Chain, Node]:
    fake = Node(most, refusal or RpcFailed("range too large"))
    return cast(Chain, fake), fake


@pytest.mark.parametrize("most", [1, 2, 3, 7, 99, 100, 1000])
def test_read_events__of_a_node_with_a_limit__gets_every_event_once(most: int) -> None:
    chain, fake = node(most)
    assert [found.block_number for found in read_events(chain, [ALL], 5, 104)] == list(range(5, 105))
    assert len(fake.asked) <= 2 * 100 // most * 9 // 8 + 10


def test_read_events__of_a_node_without_a_limit__asks_once_for_each_filter() -> None:
    chain, fake = node()
    assert len(read_events(chain, [ALL, ALL], 0, 30_000)) == 30_001
    assert fake.asked == [30_001] * 2


@pytest.mark.parametrize(
    "refusal", [ConnectionFailed("x", "HTTP status 413"), ConnectionFailed("x", "no answer within 20 seconds")]
)
def test_read_events__of_a_connection_that_breaks_over_much__asks_for_less(refusal: NvmChainError) -> None:
    chain, _ = node(10, refusal)
    assert len(read_events(chain, [ALL], 0, 99)) == 100


@pytest.mark.parametrize("problem", ["connection refused or host not found", "HTTP status 401", "HTTP status 429"])
def test_read_events__without_a_connection__does_not_ask_for_less(problem: str) -> None:
    chain, fake = node(0, ConnectionFailed("x", problem))
    with pytest.raises(ConnectionFailed):
        read_events(chain, [ALL], 0, 99)
    assert len(fake.asked) == 1


def test_read_events__of_a_node_that_refuses_everything__gives_up_at_one_block() -> None:
    chain, fake = node(0)
    with pytest.raises(RpcFailed):
        read_events(chain, [ALL], 0, 2**20 - 1)
    assert fake.asked == [2**power for power in range(20, -1, -1)]


def test_read_events__of_a_block_that_changes_between_two_answers__says_so() -> None:
    chain, fake = node()
    answers = iter([[event(3)], [replace(event(3), block_hash="0xother")]])
    fake.read_logs = lambda *_: next(answers)  # type: ignore[method-assign]
    with pytest.raises(BlockReplaced) as caught:
        read_events(chain, [ALL, ALL], 0, 9)
    assert caught.value.block_number == 3


class Search(Node):
    """A node with 1,000 blocks, which answers for so many at once; one event, if any, is in one of them."""

    def __init__(self, most: int, refusal: NvmChainError, place: int | None) -> None:
        super().__init__(most, refusal)
        self.place = place

    def read_logs(self, contract: object, wanted: EventFilter, first: int, last: int) -> list[Event]:
        assert contract == "a token"
        return [found for found in super().read_logs(contract, wanted, first, last) if found.block_number == self.place]

    def read_block(self, number: int | None = None) -> Block:
        return super().read_block(999 if number is None else number)

    def find(self) -> Event | None:
        return find_newest_event(cast(Chain, self), partial(self.read_logs, "a token", ALL))


@pytest.mark.parametrize("place", [0, 1, 500, 998, 999])
@pytest.mark.parametrize("most", [10, 333, 999, 1000])
def test_find_newest_event__of_a_node_with_a_limit__finds_it_in_any_block(most: int, place: int) -> None:
    found = Search(most, RpcFailed("range too large"), place).find()
    assert found is not None
    assert found.block_number == place


def test_find_newest_event__of_a_new_event__asks_for_the_newest_blocks_first() -> None:
    search = Search(10, RpcFailed("range too large"), 995)
    assert search.find() is not None
    assert search.asked == [1000, 500, 250, 125, 62, 31, 15, 7]


@pytest.mark.parametrize("most", [10, 1000])
def test_find_newest_event__that_no_block_has__is_none(most: int) -> None:
    assert Search(most, RpcFailed("range too large"), None).find() is None


@pytest.mark.parametrize("refusal", [RpcFailed("range too large"), ConnectionFailed("x", "HTTP status 400")])
def test_find_newest_event__of_a_node_that_answers_for_few_blocks__gives_up(refusal: NvmChainError) -> None:
    search = Search(1, refusal, None)
    with pytest.raises(RpcFailed, match="too few blocks at once"):
        search.find()
    assert len(search.asked) < SEARCHED_RANGES * 3


def test_find_newest_event__of_a_node_that_refuses_everything__raises_its_error() -> None:
    with pytest.raises(RpcFailed, match="range too large"):
        Search(0, RpcFailed("range too large"), None).find()


def test_build_filters__of_many_values__splits_them() -> None:
    values = list(range(2 * VALUES_AT_ONCE + 1))
    filters = build_filters(("Settled",), values, more=[("0x01",)])
    assert [value for part in filters for value in part.indexed[0]] == values
    assert [len(part.indexed[0]) for part in filters] == [VALUES_AT_ONCE, VALUES_AT_ONCE, 1]
    assert {part.indexed[1] for part in filters} == {("0x01",)}


def test_topics__of_a_filter__are_words_and_nothing_for_any() -> None:
    wanted = EventFilter(("A", "B"), ((), (255, "0x" + "Ab" * 20)))
    words = ["0x" + "0" * 62 + "ff", "0x" + "0" * 24 + "ab" * 20]
    assert wanted.topics({"A": "0x1", "B": "0x2"}) == [["0x1", "0x2"], None, words]


def test_add_times__asks_for_those_blocks_that_were_not_told() -> None:
    chain, _ = node()
    events = [event(1, 0, 100), event(1, 1), event(2), event(3, 0, 300)]
    assert [found.timestamp for found in add_times(chain, events)] == [100, 100, 200, 300]


def test_add_times__of_a_block_that_changed__says_so() -> None:
    with pytest.raises(BlockReplaced):
        add_times(node()[0], [replace(event(1), block_hash="0xother")])


def test_add_times__that_go_back__are_a_lie() -> None:
    with pytest.raises(RpcFailed, match="order of their time"):
        add_times(node()[0], [event(1, 0, 100), event(2, 0, 99)])
