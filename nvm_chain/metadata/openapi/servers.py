"""Servers of an OpenAPI document: the URL of a service, with variables filled in and relative URLs resolved."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final
from urllib.parse import urljoin, urlsplit

from nvm_chain.errors import InvalidConfig, InvalidOpenApi
from nvm_chain.metadata.endpoints import DEFAULT_PORTS
from nvm_chain.metadata.openapi.operations import Operation, ServerEntry

SERVER_ADVICE: Final = "Give the public URL of the service: `server=url`"
"""The next step where a document does not say the URL of its service."""
PRIVATE_ENDINGS: Final = ("localhost", "local", "localdomain", "internal", "intranet", "lan", "corp", "home", "private")
"""The last labels of host names that mean something only inside a network."""
_VARIABLE: Final = re.compile(r"\{([^{}]{1,200})\}")
_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


@dataclass(frozen=True, slots=True)
class Location:
    """Where a service is, as far as its document does not say so.

    ``document_url`` is the URL of the document, empty for a file. ``server`` is the URL that the seller gives, or empty.
    It replaces the absolute servers of the whole document, and relative servers are resolved against it. ``variables``
    has values for variables of server URLs, in place of their defaults.
    """

    document_url: str = ""
    server: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)


def locate_server(operation: Operation, location: Location) -> str:
    """Return the absolute URL of an operation's server, without a slash at its end. No network.

    Raises:
        InvalidOpenApi: The URL is not an http or https URL, is relative to nothing, or names a private host that the
            seller did not give.
        InvalidConfig: A given value of a variable is not among the document's choices.
    """
    entry = operation.server
    place = entry.place if entry else "servers"
    filled = _fill(entry, location.variables) if entry else "/"
    if location.server and _is_replaced(entry, filled):
        return check_server(location.server, place, is_given=True)
    if _ABSOLUTE.match(filled):
        return check_server(filled, place, is_given=False)
    base = location.server or location.document_url
    if not base:
        reason = f"the server {filled[:200]} is relative, and a file has no URL" if entry else "it names no server"
        raise InvalidOpenApi(place, reason, SERVER_ADVICE)
    try:
        url = urljoin(base, filled)
    except ValueError:
        raise InvalidOpenApi(place, "the server is not a URL", SERVER_ADVICE) from None
    return check_server(url, place, is_given=bool(location.server))


def _is_replaced(entry: ServerEntry | None, filled: str) -> bool:
    """Return whether the seller's URL stands for a server as it is."""
    return entry is None or (entry.is_shared and (filled in ("", "/") or _ABSOLUTE.match(filled) is not None))


def _fill(entry: ServerEntry, values: Mapping[str, str]) -> str:
    """Return the URL of a server, with a value for each of its variables."""

    def choose(found: re.Match[str]) -> str:
        name = found[1]
        default, choices = entry.variables.get(name, (None, ()))
        value = values.get(name, default)
        if value is None:
            advice = "Give it a value with `server_variables`"
            raise InvalidOpenApi(entry.place, f"the variable {name} has no default", advice)
        if name in values and choices and value not in choices:
            raise InvalidConfig(
                f"the server variable {name} cannot be {value[:60]!r}", f"give one of {', '.join(choices)[:400]}"
            )
        return value

    return _VARIABLE.sub(choose, entry.url)


def check_server(url: str, place: str, *, is_given: bool) -> str:
    """Return the URL of a server, without its default port and a slash at its end. No network.

    A private host is refused, unless the seller gave the URL.

    Raises InvalidOpenApi.
    """
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise InvalidOpenApi(place, "the server is not a URL", SERVER_ADVICE) from None
    if not is_url or not url.isprintable():
        raise InvalidOpenApi(place, "the server is not an http or https URL with a host", SERVER_ADVICE)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise InvalidOpenApi(place, "the URL of the server has a user name, a query or a fragment", SERVER_ADVICE)
    if not is_given and is_private(str(parts.hostname)):
        reason = f"the server {parts.hostname} is inside a private network, and an agent's endpoints are public"
        raise InvalidOpenApi(place, reason, SERVER_ADVICE)
    host = re.sub(f":{DEFAULT_PORTS[parts.scheme]}$", "", parts.netloc)
    return f"{parts.scheme}://{host}{parts.path.rstrip('/')}"


def is_private(host: str) -> bool:
    """Return whether a host is one that the public internet cannot reach, by its name or its address. No network.

    >>> [is_private(host) for host in ("localhost", "10.0.0.5", "billing", "api.example.com")]
    [True, True, True, False]
    """
    try:
        return not ip_address(host).is_global
    except ValueError:
        labels = host.lower().rstrip(".").split(".")
        return len(labels) == 1 or labels[-1] in PRIVATE_ENDINGS or labels[-1].isdigit()
