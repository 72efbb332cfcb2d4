"""Reading events of Credits in ranges of blocks, as large as a node allows."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from nvm_chain.chain.client import Chain
from nvm_chain.chain.ranges import read_ranges
from nvm_chain.errors import BlockReplaced, RpcFailed
from nvm_chain.types.events import Event, EventFilter

ReadRange: TypeAlias = Callable[[int, int], list[Event]]
"""Reads events from one block to another, both included, as `Chain.read_logs` does."""
SEARCHED_RANGES = 250
"""Most ranges that `find_newest_event` reads. Nodes that answer for few blocks at once would be asked for an hour."""
VALUES_AT_ONCE = 200
"""Most values that a filter names at one position; nodes limit the size of a request."""


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
        for events in read_ranges(partial(chain.read_logs, chain.credits, wanted), first_block, last_block):
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
    ranges = read_ranges(read_range, 0, head, newest_first=True)
    for number, events in enumerate(ranges):
        if events:
            return max(events, key=lambda event: event.place)
        if number == SEARCHED_RANGES:
            raise RpcFailed("it answers for too few blocks at once to search the whole chain")
    return None


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
