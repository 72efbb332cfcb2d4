"""Reading a lot in parts, each as large as the node answers for: blocks of events, places of a list, many balances."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Final, TypeVar

from nvm_chain.chain.repeating import MAYBE_TOO_MUCH, splitting
from nvm_chain.errors import ConnectionFailed, RpcFailed

Part = TypeVar("Part")
STEADY: Final = 8
"""Parts that have to be answered before a larger one is tried again."""
TOO_MUCH: Final = (
    *(f"HTTP status {status}" for status in MAYBE_TOO_MUCH),
    "no answer within",
    "its answer is larger",
)
"""How a failed connection begins that may have been asked for too much at once."""


class PartSize:
    """How much is asked for at once: halved when the node refuses, doubled after a while of answers."""

    def __init__(self, most: int, least: int = 1, limit: int | None = None) -> None:
        """Take the first size, the fewest for which a refusal may be about their number, and the most ever asked for."""
        self.now = most
        self.was_refused = False
        self._least, self._limit, self._steady = least, limit, 0

    @contextmanager
    def asking(self, count: int) -> Iterator[None]:
        """Ask for so many inside. A refusal that may be about their number halves the size, and sets ``was_refused``.

        Raises RpcFailed and ConnectionFailed as they come if the refusal is about something else.
        """
        self.was_refused = False
        try:
            with splitting() if count > self._least else nullcontext():
                yield
        except (RpcFailed, ConnectionFailed) as error:
            if count <= self._least or not may_be_too_much(error):
                raise
            self.now, self._steady, self.was_refused = count // 2, 0, True
            return
        self._steady += 1
        if self._steady % STEADY == 0:
            self.now = self.now * 2 if self._limit is None else min(self.now * 2, self._limit)


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
    size = PartSize(last - first + 1 if most is None else most, least, most)
    while first <= last:
        count = min(size.now, last - first + 1)
        begin = last - count + 1 if newest_first else first
        with size.asking(count):
            part = read_range(begin, begin + count - 1)
        if size.was_refused:
            continue
        yield part
        first, last = (first, begin - 1) if newest_first else (begin + count, last)


def may_be_too_much(error: RpcFailed | ConnectionFailed) -> bool:
    """Return whether a node that refuses may take less at once."""
    return isinstance(error, RpcFailed) or error.reason.startswith(TOO_MUCH)
