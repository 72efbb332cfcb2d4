"""Reading events of Credits in ranges of blocks, as large as a node allows."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from nvm_chain.chain.client import Chain
from nvm_chain.errors import BlockReplaced, ConnectionFailed, RpcFailed
from nvm_chain.types.events import Event, EventFilter

STEADY = 8
"""Ranges that have to be answered before a larger one is tried again."""
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
        for event in _read_ranges(chain, wanted, first_block, last_block):
            if found.setdefault(event.place, event).block_hash != event.block_hash:
                raise BlockReplaced(event.block_number)
    return [found[place] for place in sorted(found)]


def _read_ranges(chain: Chain, wanted: EventFilter, first_block: int, last_block: int) -> Iterator[Event]:
    size, steady = last_block - first_block + 1, 0
    while first_block <= last_block:
        last = min(first_block + size - 1, last_block)
        try:
            events = chain.read_logs(chain.credits, wanted, first_block, last)
        except (RpcFailed, ConnectionFailed) as error:
            if last == first_block or not _may_be_too_much(error):
                raise
            size, steady = (last - first_block + 1) // 2, 0
            continue
        yield from events
        first_block, steady = last + 1, steady + 1
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
