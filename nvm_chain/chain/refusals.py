"""What a node's error means that it answered a transaction with: whether it can have taken the transaction all the same."""

from typing import Final

CLEAR: Final = (
    "nonce too low",
    "nonce too high",
    "insufficient funds",
    "underpriced",
    "intrinsic gas",
    "exceeds block gas limit",
    "less than block base fee",
    "tip above fee cap",
    "fee cap exceeded",
    "oversized data",
    "invalid sender",
    "invalid chain id",
    "transaction type not supported",
)
"""What nodes say of a transaction that they did not take. Most other errors are also those of a relay in between."""


def is_clear_refusal(reason: str) -> bool:
    """Return whether these words of a node say that it did not take a transaction."""
    lowered = reason.lower()
    return any(words in lowered for words in CLEAR)
