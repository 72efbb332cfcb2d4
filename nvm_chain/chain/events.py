"""Reading events of Credits in ranges of blocks, as large as a node allows."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from nvm_chain.chain.client import Chain
from nvm_chain.errors import BlockReplaced, ConnectionFailed, RpcFailed
from nvm_chain.types.events import Event, EventFilter

ReadRange: TypeAlias = Callable[[int, int], list[Event]]
"""Reads events from one block to another, both included, as `Chain.read_logs` does."""
STEADY = 8
"""Ranges that have to be answered before a larger one is tried again."""
SEARCHED_RANGES = 250
"""Most ranges that `find_newest_event` reads. Nodes that answer for few blocks at once would be asked for an hour."""
VALUES_AT_ONCE = 200
"""Most values that a filter names at one position; nodes limit the size of a request."""
TOO_MUCH = ("HTTP status 400", "HTTP status 413", "HTTP status 500", "no answer within")
"""How a failed connection begins that may have been asked for too much at once."""


def read_events(chain: Chain, filters: Iterable[EventFilter], first_block: int, last_block: int) -> list[Event]:
    """Read the events of Credits that some filters ask for, each once, in the order they happened.

    One request for each filter, if the node answers for the whole range. If it refuses, the range is halved until it
    answers, and grows again.

    Args:
        chain: Where Credits is.
        filters: Which events. An event that several filters ask for is read once.
        first_block: The first block.
        last_block: The last block, which is part of the range.

    Raises:
        RpcFailed: The node refuses even a single block.
        ConnectionFailed: The node does not answer for a single block.
        BlockReplaced: A block changed while it was read.
    """
    found: dict[tuple[int, int], Event] = {}
    for wanted in filters:
        for events in _read_ranges(partial(chain.read_logs, chain.credits, wanted), first_block, last_block):
            for event in events:
                if found.setdefault(event.place, event).block_hash != event.block_hash:
                    raise BlockReplaced(event.block_number)
    return [found[place] for place in sorted(found)]


def find_newest_event(chain: Chain, read_range: ReadRange) -> Event | None:
    """Return the last event of a chain that a function reads in ranges of blocks, or None if no block has one.

    Two requests, if the node answers for the whole chain. If it refuses, the newest blocks are read first, in ranges as
    large as it answers.

    Raises:
        RpcFailed: The node refuses even a single block, or answers for so few that the oldest are not reached.
        ConnectionFailed: The node does not answer for a single block.
        BlockReplaced: A block changed while it was read.
    """
    head = chain.read_block().number
    ranges = _read_ranges(read_range, 0, head, newest_first=True)
    for number, events in enumerate(ranges):
        if events:
            return max(events, key=lambda event: event.place)
        if number == SEARCHED_RANGES:
            raise RpcFailed("it answers for too few blocks at once to search the whole chain")
    return None


def _read_ranges(
    read_range: ReadRange, first_block: int, last_block: int, *, newest_first: bool = False
) -> Iterator[list[Event]]:
    """Yield the events of one range of blocks after another, each as large as the node answers for."""
    size, steady = last_block - first_block + 1, 0
    while first_block <= last_block:
        size = min(size, last_block - first_block + 1)
        first = last_block - size + 1 if newest_first else first_block
        try:
            events = read_range(first, first + size - 1)
        except (RpcFailed, ConnectionFailed) as error:
            if size == 1 or not _may_be_too_much(error):
                raise
            size, steady = size // 2, 0
            continue
        yield events
        if newest_first:
            last_block = first - 1
        else:
            first_block = first + size
        steady += 1
        if steady % STEADY == 0:
            size *= 2


def _may_be_too_much(error: RpcFailed | ConnectionFailed) -> bool:
    return isinstance(error, RpcFailed) or error.reason.startswith(TOO_MUCH)


def build_filters(
    names: Sequence[str], values: Sequence[int | str], *, position: int = 0, more: Sequence[Sequence[int | str]] = ()
) -> list[EventFilter]:
    """Ask for events with any of many values at one indexed position: one filter for each few hundred values.

    ``more`` are the values at the positions behind it.
    """
    before: tuple[tuple[int | str, ...], ...] = ((),) * position
    behind = tuple(tuple(item) for item in more)
    parts = [tuple(values[start : start + VALUES_AT_ONCE]) for start in range(0, len(values), VALUES_AT_ONCE)]
    return [EventFilter(tuple(names), (*before, part, *behind)) for part in parts]


def add_times(chain: Chain, events: Sequence[Event]) -> list[Event]:
    """Return events with the time of their block.

    One request for each block whose time the node did not send with its events.

    Raises RpcFailed if time does not grow with the blocks, and BlockReplaced if a block changed meanwhile.
    """
    times: dict[int, int] = {event.block_number: event.timestamp for event in events if event.timestamp is not None}
    for event in events:
        if event.block_number not in times:
            block = chain.read_block(event.block_number)
            if block.hash != event.block_hash:
                raise BlockReplaced(block.number)
            times[block.number] = block.timestamp
    in_order = [times[number] for number in sorted(times)]
    if in_order != sorted(in_order):
        raise RpcFailed("its blocks are not in the order of their time")
    return [replace(event, timestamp=times[event.block_number]) for event in events]
