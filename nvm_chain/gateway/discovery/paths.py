"""Answers the documents of discovery. Each is made once from what the gateway read from the chain, and kept by its ETag."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from eth_typing import ChecksumAddress
from msgspec import json

from nvm_chain.gateway.addresses import find_address
from nvm_chain.gateway.catalogue import SoldService
from nvm_chain.gateway.discovery.openapi import build_openapi
from nvm_chain.gateway.discovery.operations import list_operations
from nvm_chain.gateway.discovery.places import MANIFEST, OF_SERVICE, OPENAPI, REGISTRATION
from nvm_chain.gateway.discovery.purchases import describe_purchase, list_sold_plans
from nvm_chain.gateway.discovery.registrations import Registry
from nvm_chain.gateway.incoming import Incoming
from nvm_chain.gateway.pages.answering import refuse_method
from nvm_chain.gateway.refusals import Refusal, tell_refusal
from nvm_chain.gateway.serving import Receive, Server

MAX_KEPT: Final = 64
"""How many documents are kept. A host can be asked for by many names."""
MAX_AGE: Final = b"public, max-age=300"
MANIFEST_VERSION: Final = 1
_REGISTRATION_OF: Final = "agent-registration.json"
_OPENAPI_OF: Final = "openapi.json"


@dataclass(frozen=True, slots=True)
class _Document:
    """A document as it is sent, and its ETag."""

    body: bytes
    tag: str


class Discovery:
    """Makes the documents, and answers them."""

    def __init__(self, server: Server, agents: ChecksumAddress) -> None:
        """Take what serves, and the address of the agent registry."""
        self._server = server
        self._registry = Registry(server.meter.settings.chain_id, agents)
        self._kept: dict[tuple[str, str | None], _Document] = {}

    async def serve(
        self, scope: Mapping[str, Any], path: str, incoming: Incoming, receive: Receive, service: SoldService | None
    ) -> Refusal | None:
        """Return the answer to a request for a document."""
        if incoming.method not in ("GET", "HEAD"):
            return refuse_method(path, "GET")
        host = None if service is None else incoming.host
        document = self._kept.get((path, host)) or self._make(path, host, service)
        if document is None:
            return tell_refusal(
                404, "NotFound", f"There is no document at {path[:200]}. GET /services lists what is sold."
            )
        headers = [(b"etag", document.tag.encode()), (b"cache-control", MAX_AGE)]
        if _has_tag(incoming, document.tag):
            return Refusal(304, headers, b"")
        headers += [(b"content-type", b"application/json"), (b"content-length", str(len(document.body)).encode())]
        return Refusal(200, headers, b"" if incoming.method == "HEAD" else document.body)

    def _make(self, path: str, host: str | None, service: SoldService | None) -> _Document | None:
        told = self._find(path, host, service)
        if told is None:
            return None
        body = json.encode(told)
        document = _Document(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')
        if len(self._kept) >= MAX_KEPT:
            self._kept.clear()
        self._kept[path, host] = document
        return document

    def _find(self, path: str, host: str | None, service: SoldService | None) -> Any:
        """Return what a document says. None if there is none at the path."""
        services = list(self._server.services.values()) if service is None else [service]
        if path == MANIFEST:
            return {"version": MANIFEST_VERSION, "resources": self._list_urls(services, host)}
        if path == OPENAPI:
            return self._describe(services, host)
        if path == REGISTRATION:
            return self._register(services, host)
        did, _, name = path.removeprefix(OF_SERVICE).partition("/")
        found = [sold for sold in services if sold.did == did]
        if not found or name not in (_REGISTRATION_OF, _OPENAPI_OF):
            return None
        return self._register(found, host) if name == _REGISTRATION_OF else self._describe(found, host)

    # ------------------------------------------------------------------ documents

    def _register(self, services: list[SoldService], host: str | None) -> dict[str, Any]:
        if len(services) > 1:
            return {"registrations": self._registry.list_registrations(services)}
        address = find_address(services[0].did, self._server.base, host)
        document = f"{address.own}{OF_SERVICE}{services[0].did}/{_OPENAPI_OF}"
        return self._registry.describe_agent(services[0], f"{address.service}/", document)

    def _describe(self, services: list[SoldService], host: str | None) -> dict[str, Any]:
        addresses = [find_address(sold.did, self._server.base, host) for sold in services]
        prefixed = [
            (sold, address.service.removeprefix(address.origin))
            for sold, address in zip(services, addresses, strict=True)
        ]
        one = len(services) == 1
        title = services[0].metadata.name if one else f"Services at {urlsplit(self._server.base).netloc}"
        docs = {}
        if self._server.checkout is not None:
            docs["homepage"] = f"{addresses[0].own}/checkout/{services[0].did if one else ''}"
        own = addresses[0].own.removeprefix(addresses[0].origin)
        settings = self._server.meter.settings
        sold = {
            own + path: describe_purchase(plan, settings) for path, plan in list_sold_plans(services, settings).items()
        }
        return {**build_openapi(prefixed, sold, title, docs), "servers": [{"url": addresses[0].origin}]}

    def _list_urls(self, services: list[SoldService], host: str | None) -> list[str]:
        """Return the URLs that are sold. A path with names in it is not a URL yet, so it is not in the list."""
        urls = [
            find_address(sold.did, self._server.base, host).service + operation.template.path
            for sold in services
            for operation in list_operations(sold)
            if not operation.template.names
        ]
        own = find_address("", self._server.base, host).own
        plans = [own + path for path in list_sold_plans(services, self._server.meter.settings)]
        return list(dict.fromkeys([*urls, *plans]))


def _has_tag(incoming: Incoming, tag: str) -> bool:
    """Return whether the client has the document already."""
    values = [value for name, value in incoming.forwarded if name == "if-none-match"]
    known = {part.strip().removeprefix("W/") for value in values for part in value.split(",")}
    return tag in known or "*" in known
