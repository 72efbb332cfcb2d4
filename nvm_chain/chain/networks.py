"""The networks this package knows by name, and where USDC is on them."""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from eth_typing import ChecksumAddress, HexAddress, HexStr

from nvm_chain.errors import UnknownNetwork
from nvm_chain.errors.formatting import list_choices


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


_WORDS: Final = (
    *("base", "sepolia", "mainnet", "testnet", "embedded", "ethereum", "eth", "main", "test", "net", "dev", "local"),
    *("localhost", "anvil", "hardhat", "foundry", "geth", "goerli", "holesky", "hoodi", "optimism", "arbitrum", "one"),
    *("polygon", "gnosis", "avalanche", "linea", "scroll", "celo", "bsc", "node", "rpc", "example", "org", "com", "io"),
)
"""Words that names and hosts of networks are made of. Only these, mistyped or not, and short numbers are shown again."""
_NUMBER: Final = re.compile("[0-9]{1,5}")


def read_network(name: str) -> Network:
    """Return a network by name. Raises UnknownNetwork, which lists the known names."""
    if name not in NETWORKS:
        raise _refuse(name)
    return NETWORKS[name]


def _refuse(name: str) -> UnknownNetwork:
    """Return the error for a wrong name. What may be a key is not part of it."""
    host = re.split("[/?#]", name.rpartition("@")[2])[0]  # of a URL without its scheme; the rest may be secret
    known = (EMBEDDED, *NETWORKS)
    if all(_is_harmless(word) for word in re.split("[.:_-]", host.strip())):
        return UnknownNetwork(host, known)
    return UnknownNetwork("…", known).explain(
        "it is not shown, as it may be a key",
        f"give {list_choices(known)}, or the http(s) URL of a node; "
        "a key is read with `nvm_chain.read_key_from_environment()`",
    )


def _is_harmless(word: str) -> bool:
    """Return whether a word is one that names of networks are made of; any other may be a password, or a part of a key."""
    if not word or _NUMBER.fullmatch(word):
        return True
    return word.isalpha() and bool(get_close_matches(word.lower(), _WORDS, n=1, cutoff=0.8))


def find_usdc(chain_id: int) -> ChecksumAddress | None:
    """Return Circle's USDC on a chain, or None where it is not known."""
    return next((network.usdc for network in NETWORKS.values() if network.chain_id == chain_id), None)
