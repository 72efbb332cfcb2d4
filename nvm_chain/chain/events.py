"""Reads of events in block ranges as large as the node allows."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from nvm_chain.chain.client import Chain
from nvm_chain.chain.ranges import read_ranges
from nvm_chain.errors import BlockReplaced, RpcFailed
from nvm_chain.types.events import Event, EventFilter

ReadRange: TypeAlias = Callable[[int, int], list[Event]]
"""A function that reads the events from the first to the last block, both included, as `Chain.read_logs` does."""
SEARCHED_RANGES = 250
"""The largest number of ranges that `find_newest_event` reads. With small ranges a search could take an hour."""
VALUES_AT_ONCE = 200
"""The largest number of values at one position of a filter, because nodes limit the size of a request."""


def read_events(chain: Chain, filters: Iterable[EventFilter], first_block: int, last_block: int) -> list[Event]:
    """Return the events of Credits that match any of the filters, each once, in the order of the chain.

    One request for each filter if the node accepts the whole range. If the node refuses, the range is halved until the
    node answers. Later ranges grow again.

    Args:
        chain: The connection to the chain of Credits.
        filters: The filters. An event that matches several filters is returned once.
        first_block: The first block.
        last_block: The last block, included.

    Raises:
        RpcFailed: The node refuses even a single block.
        ConnectionFailed: The node does not answer for a single block.
        BlockReplaced: A block was replaced during the reads.
    """
    found: dict[tuple[int, int], Event] = {}
    for wanted in filters:
        for events in read_ranges(partial(chain.read_logs, chain.credits, wanted), first_block, last_block):
            for event in events:
                if found.setdefault(event.place, event).block_hash != event.block_hash:
                    raise BlockReplaced(event.block_number)
    return [found[place] for place in sorted(found)]


def find_newest_event(chain: Chain, read_range: ReadRange) -> Event | None:
    """Return the newest event that ``read_range`` finds on the chain, or None if it finds none.

    Two requests if the node accepts the whole chain as one range. If the node refuses, the newest blocks are read
    first, in ranges as large as the node accepts.

    Raises:
        RpcFailed: The node refuses even a single block, or its ranges are too small to reach the oldest block.
        ConnectionFailed: The node does not answer for a single block.
        BlockReplaced: A block was replaced during the reads.
    """
    head = chain.read_block().number
    ranges = read_ranges(read_range, 0, head, newest_first=True)
    for number, events in enumerate(ranges):
        if events:
            return max(events, key=lambda event: event.place)
        if number == SEARCHED_RANGES:
            raise RpcFailed("it returns the events of too few blocks at once to search the whole chain")
    return None


def build_filters(
    names: Sequence[str], values: Sequence[int | str], *, position: int = 0, more: Sequence[Sequence[int | str]] = ()
) -> list[EventFilter]:
    """Build filters for events whose indexed argument at ``position`` has any of many values.

    Each filter has up to 200 of the values. ``more`` are the allowed values at the later positions.
    """
    before: tuple[tuple[int | str, ...], ...] = ((),) * position
    behind = tuple(tuple(item) for item in more)
    parts = [tuple(values[start : start + VALUES_AT_ONCE]) for start in range(0, len(values), VALUES_AT_ONCE)]
    return [EventFilter(tuple(names), (*before, part, *behind)) for part in parts]


def add_times(chain: Chain, events: Sequence[Event]) -> list[Event]:
    """Return the events with the timestamps of their blocks.

    One request for each block whose timestamp the node did not send with the events. Raises RpcFailed if a block is
    older than an earlier block, and BlockReplaced if a block was replaced meanwhile.
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
