"""Division of large reads into parts that the node accepts, such as block ranges of events."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Final, TypeVar

from nvm_chain.chain.repeating import MAYBE_TOO_MUCH, splitting
from nvm_chain.errors import ConnectionFailed, RpcFailed

Part = TypeVar("Part")
STEADY: Final = 8
"""The number of answered parts after which the size grows again."""
TOO_MUCH: Final = (
    *(f"HTTP status {status}" for status in MAYBE_TOO_MUCH),
    "no answer within",
    "its answer is larger",
)
"""How the reason of a ConnectionFailed begins if the request may have asked for too much at once."""


class PartSize:
    """The number of items in one request. It is halved after a refusal, and doubled after each eighth answer."""

    def __init__(self, most: int, least: int = 1, limit: int | None = None) -> None:
        """Take the first size, the size that is not halved further, and the largest size if there is a limit."""
        self.now = most
        self.was_refused = False
        self._least, self._limit, self._steady = least, limit, 0

    @contextmanager
    def asking(self, count: int) -> Iterator[None]:
        """Adapt the size to the answer of a request for ``count`` items, which the ``with`` block makes.

        A refusal that may come from the number of items halves the size and sets ``was_refused``. Other errors
        pass through.
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
    """Read a range in parts, and yield the result of each part. A part that the node refuses is halved.

    Args:
        read_range: A function that reads from a first to a last number, both included.
        first: The first number of the range.
        last: The last number of the range, included.
        most: The largest length of a part. The whole range if not given.
        least: A refused part of this length or less is not halved: the refusal is raised.
        newest_first: Whether the parts are read from the end of the range to its beginning.

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
    """Return whether the error may come from a request for too much at once."""
    return isinstance(error, RpcFailed) or error.reason.startswith(TOO_MUCH)
