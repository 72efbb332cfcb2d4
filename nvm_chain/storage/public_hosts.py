"""Connections that lead to public addresses only, for URLs that a stranger has chosen and a server opens.

The address is looked at when the connection stands, and before anything is sent. So a name that leads elsewhere a moment later is
found too.
"""

from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from socket import SHUT_RDWR, socket
from threading import Timer
from typing import Any, Final

import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool

_TRANSLATED: Final = IPv6Network("64:ff9b::/96")
"""Addresses that a translator leads to the IPv4 address at their end (RFC 6052)."""
_LOCAL: Final = (IPv6Network("64:ff9b:1::/48"), IPv6Network("::/96"))
"""Addresses of translators of one network (RFC 8215), and an old form of IPv4 addresses (RFC 4291)."""
WAITS: Final = 3
"""A connection lasts for as many times the limit of one wait, from its beginning to the last byte of the answer."""


class PrivateHost(urllib3.exceptions.HTTPError):
    """A connection to a private address. Nothing was sent."""


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the public network.

    >>> [is_public(address) for address in ("8.8.8.8", "10.0.0.1", "127.0.0.1", "::ffff:10.0.0.1", "169.254.169.254")]
    [True, False, False, False, False]
    """
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        if found.is_site_local or any(found in network for network in _LOCAL):
            return False
        translated = IPv4Address(int(found) & 0xFFFFFFFF) if found in _TRANSLATED else None
        found = translated or found.ipv4_mapped or found.sixtofour or found
    return found.is_global and not found.is_multicast


class _PublicConnection(HTTPSConnection):
    """A connection that also ends some time after it began, because a limit of each wait does not end a head that trickles."""

    _ending: Timer | None = None

    def _new_conn(self) -> socket:
        connection = super()._new_conn()
        if not is_public(connection.getpeername()[0]):
            connection.close()
            raise PrivateHost
        if self.timeout is not None:
            self._ending = Timer(WAITS * self.timeout, self._end)
            self._ending.daemon = True
            self._ending.start()
        return connection

    def _end(self) -> None:
        with suppress(OSError):  # it is closed already
            socket.shutdown(self.sock, SHUT_RDWR)

    def close(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
        super().close()


class _PublicPool(HTTPSConnectionPool):
    ConnectionCls = _PublicConnection


class PublicAdapter(HTTPAdapter):
    """Connects to public addresses only. A proxy of the environment decides for itself where it connects."""

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        """Make the pool, of connections that are checked."""
        super().init_poolmanager(*arguments, **named)
        self.poolmanager.pool_classes_by_scheme = {"https": _PublicPool}
