"""HTTP whose every read ends in time: of the status, of the headers and of the body, however slowly they drip."""

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
"""Connections that are kept open for other requests, one for each thread that asks at once."""


@contextmanager
def timed(clock: Clock) -> Iterator[None]:
    """Have answers to requests that are made inside end with a clock."""
    token = _CLOCK.set(clock)
    try:
        yield
    finally:
        _CLOCK.reset(token)


class _TimedReader(io.RawIOBase):
    """Reads from a socket, each time for as long as the clock gives."""

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
    """A response that is read within the time of the request's clock."""

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
    """The adapter of requests, with responses that end in time."""

    def __init__(self) -> None:
        super().__init__(pool_maxsize=CONNECTIONS)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Have the pools of urllib3 make our connections."""
        super().init_poolmanager(*arguments, **options)
        _set_pools(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Have the pools behind a proxy make our connections, too. Those behind SOCKS have connections of their own."""
        manager = super().proxy_manager_for(proxy, **options)
        if not proxy.lower().startswith("socks"):
            _set_pools(manager)
        return manager


def _set_pools(manager: Any) -> None:
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
