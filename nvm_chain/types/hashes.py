"""Keccak-256, the hash function of Ethereum. With safe-pysha3 installed, it is 20 times as fast."""

from eth_utils.crypto import keccak as keccak_by_eth_utils

try:
    from sha3 import keccak_256
except ImportError:
    keccak_256 = None


def keccak(data: bytes) -> bytes:
    """Return the keccak-256 hash of some bytes.

    >>> keccak(b"").hex()[:8]
    'c5d24601'
    """
    if keccak_256 is None:
        return keccak_by_eth_utils(data)
    digest: bytes = keccak_256(data).digest()
    return digest
