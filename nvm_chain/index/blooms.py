"""Bloom filters of blocks: which blocks cannot have our events, and how much it means that a block may have them."""

from collections.abc import Iterable, Mapping
from typing import Final

from eth_utils.crypto import keccak

BITS: Final = 2048
BITS_OF_ONE: Final = 3


class BloomTest:
    """Tests blooms for events of our contracts: the address and the first topic of each event are in the filter."""

    def __init__(self, contracts: Mapping[bytes, Iterable[bytes]]) -> None:
        """Take the first topics of each contract's events, by the contract's address."""
        self._masks = [
            (mask_of(address), [mask_of(topic) for topic in topics]) for address, topics in contracts.items()
        ]

    def may_have(self, bloom: int) -> bool:
        """Return whether a block with this bloom may have an event of ours. If not, it certainly does not."""
        return any(
            bloom & address == address and any(bloom & topic == topic for topic in topics)
            for address, topics in self._masks
        )

    def measure_chance(self, bloom: int) -> float:
        """Return about how likely a block without events of ours has a bloom that is as full and says that it may.

        In a full block almost every bloom says so, and it means nothing.
        """
        one = (bloom.bit_count() / BITS) ** BITS_OF_ONE
        return min(1.0, sum(one * min(1.0, one * len(topics)) for _, topics in self._masks))


def mask_of(value: bytes) -> int:
    """Return the three bits that stand for an address or a topic in a bloom (yellow paper, section 4.4.1)."""
    digest = keccak(value)
    mask = 0
    for place in (0, 2, 4):
        mask |= 1 << (int.from_bytes(digest[place : place + 2]) & (BITS - 1))
    return mask
