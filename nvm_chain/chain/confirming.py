"""What makes the outcome of a mined transaction uncertain, and the hash of a block as text."""

from typing import Final

NO_RECEIPT: Final = "it is mined, and the node does not show its receipt"
NOT_IN_CHAIN: Final = "the block that its receipt names is not in the chain"


def write_hash(block_hash: bytes) -> str:
    """Return the hash of a block as hex text in small letters."""
    return f"0x{bytes(block_hash).hex()}"
