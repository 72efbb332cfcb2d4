"""Registration files in the shape of ERC-8004, made from the agent registry and the agent's metadata."""

from collections.abc import Sequence
from typing import Any, Final

from eth_typing import ChecksumAddress

from nvm_chain.gateway.catalogue import SoldService
from nvm_chain.types.ids import parse_agent_id
from nvm_chain.x402.offers import format_network

TYPE: Final = "https://eips.ethereum.org/EIPS/eip-8004#registration-v1"


class Registry:
    """The agent registry of a chain. It writes where an agent is registered."""

    def __init__(self, chain_id: int, agents: ChecksumAddress) -> None:
        """Take the chain, and the address of the registry."""
        self._name = f"{format_network(chain_id)}:{agents}"

    def list_registrations(self, services: Sequence[SoldService]) -> list[dict[str, str]]:
        """Return where the agents of services are registered. Their ids are text, because they are larger than 2**53."""
        return [{"agentId": str(parse_agent_id(s.did)), "agentRegistry": self._name} for s in services]

    def describe_agent(self, service: SoldService, url: str, openapi: str) -> dict[str, Any]:
        """Return the registration file of an agent.

        Args:
            service: The service of the agent.
            url: The URL of the service.
            openapi: The URL of its OpenAPI document.
        """
        metadata = service.metadata
        told: dict[str, Any] = {"type": TYPE, "name": metadata.name, "description": metadata.description}
        if metadata.images:
            told["image"] = metadata.images[0]
        return {
            **told,
            "services": [
                {"name": "web", "endpoint": url},
                {"name": "OpenAPI", "endpoint": openapi},
                {"name": "DID", "endpoint": service.did},
            ],
            "x402Support": True,
            "active": True,
            "registrations": self.list_registrations([service]),
        }
