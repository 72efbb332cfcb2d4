"""Connections that stay open between requests, each used by one thread at a time."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Generic, Protocol, TypeVar

MOST_IDLE: Final = 16
"""Connections that are kept although nobody uses them."""


class Closable(Protocol):
    """What can be closed."""

    def close(self) -> None:
        """Give the connection up."""


Connection = TypeVar("Connection", bound=Closable)


class Pool(Generic[Connection]):
    """Gives out idle connections, and opens one where there is none."""

    def __init__(self, open_one: Callable[[], Connection]) -> None:
        """Take what opens a connection."""
        self._open_one = open_one
        self._idle: deque[Connection] = deque()
        self._process = os.getpid()

    @contextmanager
    def take(self) -> Iterator[Connection]:
        """Give a connection to the block. It is closed if the block fails: an answer may still come to it."""
        if self._process != os.getpid():  # the process that was forked from has the same sockets
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
        """Close what is idle."""
        while self._idle and self._process == os.getpid():
            self._idle.pop().close()
