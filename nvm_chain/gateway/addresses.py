"""Addresses of a gateway as buyers see them: of a service, and of what the gateway itself answers.

A service is below ``/services/DID``, or on a host of its own. On such a host, the gateway's own paths are below
``/.well-known/nvm``, and every other path is the service's. Documents of discovery that its agent does not name are an exception,
see `nvm_chain.gateway.discovery.places`. At the gateway's URL, its own paths work with this prefix and without it.
"""

from dataclasses import dataclass

from nvm_chain.client.places import RESERVED


@dataclass(frozen=True, slots=True)
class Address:
    """The URL in front of a service's targets, the one in front of the gateway's own paths, and the origin of both."""

    service: str
    own: str
    origin: str


def find_address(did: str, base: str, own_host: str | None) -> Address:
    """Return the address of a service.

    Args:
        did: The DID of the service.
        base: The URL of the gateway.
        own_host: The host to which a request came, if it is of the service alone.

    >>> find_address("did:nv:07", "https://gateway.example.com", "tea.example.com").own
    'https://tea.example.com/.well-known/nvm'
    """
    scheme, _, rest = base.partition("://")
    if own_host is not None:
        origin = f"{scheme}://{own_host}"
        return Address(origin, origin + RESERVED, origin)
    return Address(f"{base}/services/{did}", base, f"{scheme}://{rest.partition('/')[0]}")
