"""Places: which service a URL is for, and the target that a voucher for a request is bound to."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from nvm_chain.errors import InvalidUrl

_SERVICE: Final = re.compile(r"(?P<base>(?:/[^?#]*?)?)/services/(?P<did>did:nv:[0-9a-f]{64})(?P<target>/.*)?")
_PORTS: Final = {"http": 80, "https": 443}


RESERVED: Final = "/.well-known/nvm"
"""What stands before the gateway's own paths on the own host of a service."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request goes. ``target`` is the path after the prefix of the service and the query, byte for byte as they are sent.

    ``base`` is the URL of the gateway. ``service`` is the DID in the URL. It is None for a service on a host of its own, whose
    target is the whole path.
    """

    origin: str
    base: str
    service: str | None
    target: str

    @property
    def own(self) -> str:
        """The URL in front of the gateway's own paths, such as ``/sessions``."""
        return find_own(self.base, self.service)


def find_own(base: str, service: str | None) -> str:
    """Return the URL in front of the gateway's own paths. ``service`` is None on the own host of a service.

    >>> find_own("https://tea.example.com", None)
    'https://tea.example.com/.well-known/nvm'
    """
    return base if service is not None else base + RESERVED


def find_origin(url: str) -> str:
    """Return the scheme, host and port of a URL, in one spelling. Raises InvalidUrl.

    >>> find_origin("HTTPS://Gateway.example.com:443/services")
    'https://gateway.example.com'
    """
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme.lower(), parts.hostname, parts.port
    except ValueError:
        scheme, host, port = "", None, None
    if scheme not in _PORTS or not host:
        raise InvalidUrl(url, "is not an http or https URL with a host")
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}" + (f":{port}" if port not in (None, _PORTS[scheme]) else "")


def find_place(url: str, target: str) -> Place:
    """Return where a request goes. ``target`` is its path and query as they are sent. Raises InvalidUrl."""
    origin = find_origin(url)
    match = _SERVICE.fullmatch(target)
    if match is None:
        return Place(origin, origin, None, target)
    return Place(origin, origin + match["base"], match["did"], match["target"] or "")
