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

    def promises(self, bloom: int, odds: int) -> bool:
        """Return whether a block with this bloom has an event of ours, but for a chance of one in ``odds``.

        The chance follows from the number of bits. The bloom of a block with many transactions has nearly all of them,
        and so it promises nothing.
        """
        value, whole = bloom.bit_count() ** BITS_OF_ONE, BITS**BITS_OF_ONE
        chance = sum(value * min(whole, value * len(topics)) for _, topics in self._masks)
        return self.may_have(bloom) and chance * odds <= whole**2


def mask_of(value: bytes) -> int:
    """Return the three bits that stand for an address or a topic in a bloom (yellow paper, section 4.4.1)."""
    digest = keccak(value)
    mask = 0
    for place in (0, 2, 4):
        mask |= 1 << (int.from_bytes(digest[place : place + 2]) & (BITS - 1))
    return mask
