"""An HTTP adapter that limits the total time of an answer, even if the server sends it byte by byte."""

import http.client
import io
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from nvm_chain.chain.transport.limits import BLOCK_BYTES, Clock

_CLOCK: Final[ContextVar[Clock | None]] = ContextVar("nvm_chain_clock", default=None)
CONNECTIONS: Final = 64
"""The largest number of open connections in a pool. Each thread needs one at a time."""


@contextmanager
def timed(clock: Clock) -> Iterator[None]:
    """Inside the ``with`` block, stop the read of an answer when the time of the clock is over."""
    token = _CLOCK.set(clock)
    try:
        yield
    finally:
        _CLOCK.reset(token)


class _TimedReader(io.RawIOBase):
    """Reads from a socket. The clock sets the timeout of each read."""

    def __init__(self, raw: Any, sock: Any, clock: Clock) -> None:
        self._raw, self._sock, self._clock = raw, sock, clock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._clock.next_timeout())
        count: int | None = self._raw.readinto(buffer)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimedResponse(http.client.HTTPResponse):
    """A response whose status, headers and body are read within the time of the clock."""

    def __init__(self, sock: Any, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        clock = _CLOCK.get()
        if clock is not None:
            self.fp: Any = io.BufferedReader(_TimedReader(self.fp.detach(), sock, clock), BLOCK_BYTES)


class _Connection(HTTPConnection):
    response_class = _TimedResponse


class _SecureConnection(HTTPSConnection):
    response_class = _TimedResponse


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class TimedAdapter(HTTPAdapter):
    """The adapter of requests, with responses that respect the clock."""

    def __init__(self) -> None:
        super().__init__(pool_maxsize=CONNECTIONS)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Make urllib3's pools use our connection classes."""
        super().init_poolmanager(*arguments, **options)
        _set_pools(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Make the pools behind a proxy use our connection classes too. A SOCKS proxy keeps its own classes."""
        manager = super().proxy_manager_for(proxy, **options)
        if not proxy.lower().startswith("socks"):
            _set_pools(manager)
        return manager


def _set_pools(manager: Any) -> None:
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
