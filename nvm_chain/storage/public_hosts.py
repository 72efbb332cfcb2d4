"""Connections that lead to public addresses only, for URLs that a stranger has chosen and a server opens.

The address is looked at when the connection stands, and before anything is sent. So a name that leads elsewhere a moment later is
found too.
"""

from ipaddress import IPv6Address, ip_address
from socket import socket
from typing import Any

import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool


class PrivateHost(urllib3.exceptions.HTTPError):
    """A connection to a private address. Nothing was sent."""


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the public network.

    >>> [is_public(address) for address in ("8.8.8.8", "10.0.0.1", "127.0.0.1", "::ffff:10.0.0.1", "169.254.169.254")]
    [True, False, False, False, False]
    """
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        found = found.ipv4_mapped or found.sixtofour or found
    return found.is_global and not found.is_multicast


class _PublicConnection(HTTPSConnection):
    def _new_conn(self) -> socket:
        connection = super()._new_conn()
        if not is_public(connection.getpeername()[0]):
            connection.close()
            raise PrivateHost
        return connection


class _PublicPool(HTTPSConnectionPool):
    ConnectionCls = _PublicConnection


class PublicAdapter(HTTPAdapter):
    """Connects to public addresses only. A proxy of the environment decides for itself where it connects."""

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        """Make the pool, of connections that are checked."""
        super().init_poolmanager(*arguments, **named)
        self.poolmanager.pool_classes_by_scheme = {"https": _PublicPool}
