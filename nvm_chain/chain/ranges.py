"""Reading a long range in parts, each as large as the node answers for: blocks of events, places of a list."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Final, TypeVar

from nvm_chain.chain.repeating import splitting
from nvm_chain.errors import ConnectionFailed, RpcFailed

Part = TypeVar("Part")
STEADY: Final = 8
"""Parts that have to be answered before a larger one is tried again."""
TOO_MUCH: Final = (*(f"HTTP status {status}" for status in (400, 408, 413, 500, 502, 504, 524)), "no answer within")
"""How a failed connection begins that may have been asked for too much at once."""


def read_ranges(
    read_range: Callable[[int, int], Part],
    first: int,
    last: int,
    *,
    most: int | None = None,
    least: int = 1,
    newest_first: bool = False,
) -> Iterator[Part]:
    """Yield what a function reads of one part of a range after another. A part that the node refuses is halved.

    Args:
        read_range: Reads from one place to another, both included.
        first: The first place.
        last: The last place, which is part of the range.
        most: Most places of a part. The whole range if not given.
        least: Fewest places for which a refusal may be about their number.
        newest_first: Whether the last part is read first.

    Raises:
        RpcFailed: The node refuses the smallest part too.
        ConnectionFailed: The node does not answer for the smallest part.
    """
    size, steady = last - first + 1 if most is None else most, 0
    while first <= last:
        size = min(size, last - first + 1)
        begin = last - size + 1 if newest_first else first
        try:
            with splitting() if size > least else nullcontext():
                part = read_range(begin, begin + size - 1)
        except (RpcFailed, ConnectionFailed) as error:
            if size <= least or not _may_be_too_much(error):
                raise
            size, steady = size // 2, 0
            continue
        yield part
        first, last = (first, begin - 1) if newest_first else (begin + size, last)
        steady += 1
        if steady % STEADY == 0:
            size *= 2
            size = size if most is None else min(size, most)


def _may_be_too_much(error: RpcFailed | ConnectionFailed) -> bool:
    return isinstance(error, RpcFailed) or error.reason.startswith(TOO_MUCH)
