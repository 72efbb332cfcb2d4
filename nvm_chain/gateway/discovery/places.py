"""Where the documents of discovery are.

| path | what it is |
|---|---|
| ``/.well-known/agent-registration.json`` | the agents of this host, as ERC-8004 has it |
| ``/.well-known/x402`` | the URLs that are sold, as indexers of x402 read it |
| ``/openapi.json`` | the services with their endpoints, as MPP's discovery has it |
| ``/discovery/<DID>/agent-registration.json`` | the registration file of one agent |
| ``/discovery/<DID>/openapi.json`` | the endpoints of one service |
"""

from typing import Final

from nvm_chain.gateway.catalogue import SoldService

REGISTRATION: Final = "/.well-known/agent-registration.json"
MANIFEST: Final = "/.well-known/x402"
OPENAPI: Final = "/openapi.json"
OF_SERVICE: Final = "/discovery/"
OF_HOST: Final = (REGISTRATION, MANIFEST, OPENAPI)


def is_discovery(path: str) -> bool:
    """Return whether a path of the gateway is that of a document."""
    return path in OF_HOST or path.startswith(OF_SERVICE)


def takes_place(service: SoldService, path: bytes) -> bool:
    """Return whether a document stands at a path on the own host of a service.

    A service that names such a path as one of its endpoints or files keeps it.
    """
    target = path.decode("latin-1")
    if target not in OF_HOST:
        return False
    metadata = service.metadata
    names_paths = bool(metadata.endpoints or metadata.open_endpoints or metadata.files)
    return not names_paths or service.find_endpoint("GET", target) is None
