"""A pool of connections that stay open between requests. Only one thread uses a connection at a time."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Generic, Protocol, TypeVar

MOST_IDLE: Final = 16
"""The largest number of unused connections in a pool."""


class Closable(Protocol):
    """A connection that can be closed."""

    def close(self) -> None:
        """Close the connection."""


Connection = TypeVar("Connection", bound=Closable)


class Pool(Generic[Connection]):
    """Lends unused connections, and opens a new one if there is none."""

    def __init__(self, open_one: Callable[[], Connection]) -> None:
        """Take a function that opens a connection. No connection is opened yet."""
        self._open_one = open_one
        self._idle: deque[Connection] = deque()
        self._process = os.getpid()

    @contextmanager
    def take(self) -> Iterator[Connection]:
        """Lend a connection to the ``with`` block.

        If the block fails, the connection is closed, because the answer to the failed request may still arrive on it.
        """
        if self._process != os.getpid():  # a forked process must not use the sockets of its parent process
            self._idle, self._process = deque(), os.getpid()
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._open_one()
        is_whole = False
        try:
            yield connection
            is_whole = True
        finally:
            if not is_whole:
                connection.close()
        self._idle.append(connection)
        if len(self._idle) > MOST_IDLE:
            self._idle.popleft().close()

    def __del__(self) -> None:
        """Close the unused connections of this process."""
        while self._idle and self._process == os.getpid():
            self._idle.pop().close()
