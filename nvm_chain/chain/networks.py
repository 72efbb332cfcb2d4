"""The networks that the package knows by name, and the addresses of USDC on them."""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from eth_typing import ChecksumAddress, HexAddress, HexStr

from nvm_chain.errors import UnknownNetwork
from nvm_chain.errors.formatting import list_choices


@dataclass(frozen=True, slots=True)
class Network:
    """A public network. ``rpc_url`` is the public endpoint of the network's operator. It has a rate limit."""

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


_WORDS: Final = (
    *("base", "sepolia", "mainnet", "testnet", "embedded", "ethereum", "eth", "main", "test", "net", "dev", "local"),
    *("localhost", "anvil", "hardhat", "foundry", "geth", "goerli", "holesky", "hoodi", "optimism", "arbitrum", "one"),
    *("polygon", "gnosis", "avalanche", "linea", "scroll", "celo", "bsc", "node", "rpc", "example", "org", "com", "io"),
)
"""Words that occur in the names and hosts of networks. An error shows an unknown name only if it consists of them.

Misspelled forms of the words and short numbers are shown too. Any other word may be part of a key.
"""
_NUMBER: Final = re.compile("[0-9]{1,5}")


def read_network(name: str) -> Network:
    """Return the network with this name. Raises UnknownNetwork, which lists the known names."""
    if name not in NETWORKS:
        raise _refuse(name)
    return NETWORKS[name]


def _refuse(name: str) -> UnknownNetwork:
    """Return the error for an unknown name. The error does not show a name that may be a key."""
    # The name may be a URL without its scheme. A key may stand before or behind the host.
    host = re.split("[/?#]", name.rpartition("@")[2])[0]
    known = (EMBEDDED, *NETWORKS)
    if all(_is_harmless(word) for word in re.split("[.:_-]", host.strip())):
        return UnknownNetwork(host, known)
    return UnknownNetwork("…", known).explain(
        "it is not shown, because it may be a key",
        f"give {list_choices(known)}, or the http(s) URL of a node; "
        "a key is read with `nvm_chain.read_key_from_environment()`",
    )


def _is_harmless(word: str) -> bool:
    """Return whether a word is a short number, or one of the words in the names of networks, perhaps misspelled."""
    if not word or _NUMBER.fullmatch(word):
        return True
    return word.isalpha() and bool(get_close_matches(word.lower(), _WORDS, n=1, cutoff=0.8))


def find_usdc(chain_id: int) -> ChecksumAddress | None:
    """Return the address of Circle's USDC on a chain, or None if the package does not know it."""
    return next((network.usdc for network in NETWORKS.values() if network.chain_id == chain_id), None)
