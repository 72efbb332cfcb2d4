"""Where a request is for: a service under its prefix or on a host of its own, or the gateway itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from nvm_chain.client.places import RESERVED
from nvm_chain.errors import InvalidTarget, ServiceUnknown
from nvm_chain.gateway.catalogue import SoldService
from nvm_chain.gateway.discovery.places import takes_place
from nvm_chain.meter.targets import build_target

PREFIX: Final = b"/services/"
_RESERVED: Final = f"{RESERVED}/".encode()


@dataclass(frozen=True, slots=True)
class Route:
    """A service, and the target of a request to it. ``on_own_host`` says whether no other service has the request's host."""

    service: SoldService
    target: str
    on_own_host: bool = False


class Hosts:
    """Finds the service that has a host for itself. A host without a port in the settings is meant with every port."""

    def __init__(self, services: Mapping[str, SoldService]) -> None:
        """Take all services, by DID."""
        self._services = {host: service for service in services.values() for host in service.settings.hosts}

    def find(self, host: str) -> SoldService | None:
        """Return the service of a request's host, in small letters. None if it is a host of the gateway."""
        if not self._services:
            return None
        name, colon, port = host.rpartition(":")
        if not colon or not port.isdecimal():
            name = host
        return self._services.get(host) or self._services.get(name.removesuffix("."))


class Routes:
    """Finds the service of a request."""

    def __init__(self, services: Mapping[str, SoldService]) -> None:
        """Take all services, by DID."""
        self._services = {did.encode(): service for did, service in services.items()}
        self._hosts = Hosts(services)

    def find(self, scope: Mapping[str, Any], host: str) -> Route | None:
        """Return where a request is for. None if it is for the gateway itself.

        Raises:
            ServiceUnknown: There is no such service.
            InvalidTarget: Servers could read the path differently.
        """
        path: bytes = scope["raw_path"].partition(b"?")[0]
        query: bytes = scope["query_string"]
        own = self._hosts.find(host)
        if own is not None:
            if path.startswith(_RESERVED) or takes_place(own, path):
                return None
            return Route(own, build_target(path, query), on_own_host=True)
        if not path.startswith(PREFIX):
            return None
        name, slash, rest = path[len(PREFIX) :].partition(b"/")
        service = self._services.get(name)
        if service is None:
            raise ServiceUnknown(name.decode("latin-1")[:80])
        if not slash:
            raise InvalidTarget("", "is empty, and a path begins with a slash")
        return Route(service, build_target(slash + rest, query))
