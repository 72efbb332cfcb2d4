"""The networks this package knows by name, and where USDC is on them."""

import re
from dataclasses import dataclass
from typing import Final

from eth_typing import ChecksumAddress, HexAddress, HexStr

from nvm_chain.errors import UnknownNetwork


@dataclass(frozen=True, slots=True)
class Network:
    """A public network. ``rpc_url`` is its operator's public endpoint: rate-limited, fine for trying out."""

    name: str
    chain_id: int
    rpc_url: str
    usdc: ChecksumAddress


def _address(text: str) -> ChecksumAddress:
    return ChecksumAddress(HexAddress(HexStr(text)))


NETWORKS: Final[dict[str, Network]] = {
    network.name: network
    for network in (
        Network(
            "base:sepolia", 84532, "https://sepolia.base.org", _address("0x036CbD53842c5426634e7929541eC2318f3dCF7e")
        ),
        Network(
            "base:mainnet", 8453, "https://mainnet.base.org", _address("0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913")
        ),
    )
}

EMBEDDED: Final = "embedded"


def read_network(name: str) -> Network:
    """Return a network by name. Raises UnknownNetwork, which lists the names there are."""
    if name not in NETWORKS:
        # Perhaps a URL without its scheme: what is before the host, and behind it, may be secret.
        raise UnknownNetwork(re.split("[/?#]", name.rpartition("@")[2])[0], (EMBEDDED, *NETWORKS))
    return NETWORKS[name]


def find_usdc(chain_id: int) -> ChecksumAddress | None:
    """Return Circle's USDC on a chain, or None where it is not known."""
    return next((network.usdc for network in NETWORKS.values() if network.chain_id == chain_id), None)
