"""Meanings of a node's error after a broadcast: the node has the transaction, cannot take it, or does not say."""

from enum import Enum

_HAS_IT = (
    "already known",
    "alreadyknown",
    "already imported",
    "already in mempool",
)
_NONCE_TAKEN = ("nonce too low", "nonce is too low", "invalid nonce", "old nonce", "oldnonce")
_NONCE_HELD = (
    "replacement transaction underpriced",
    "replacement_underpriced",
    "replacement not allowed",
    "replacementnotallowed",
    "could not replace existing",
)
_CANNOT_TAKE_IT = (
    "insufficient funds",
    "insufficient balance",
    "doesn't have enough funds",
    "does not have enough funds",
    "intrinsic gas",
    "gas limit",
    "gaslimit",
    "max fee per gas",
    "max priority fee",
    "maxpriorityfeepergas",
    "fee cap",
    "feecap",
    "exceeds the configured cap",
    "gas price too low",
    "underpriced",
    "transaction type not supported",
    "unknown transaction type",
    "invalid sender",
    "invalid signature",
    "invalid chain id",
    "oversized data",
    "rlp:",
)


class Refusal(Enum):
    """The meaning of a node's error for the broadcast transaction."""

    HAS_IT = "the node already has the transaction"
    NONCE_TAKEN = "a transaction with this nonce is mined; it may be the same transaction"
    NONCE_HELD = "another transaction with this nonce waits, and this one does not pay enough to replace it"
    CANNOT_TAKE_IT = "the node rejected the transaction before it stored anything"
    SAYS_NOTHING = "the error does not tell whether the node has the transaction"


def read_refusal(words: str) -> Refusal:
    """Return the meaning of a node's error from its text, because nodes have no common error codes for it.

    >>> read_refusal("{'code': -32000, 'message': 'already known'}").name
    'HAS_IT'
    """
    words = words.lower()
    if any(phrase in words for phrase in _NONCE_HELD):
        return Refusal.NONCE_HELD
    if any(phrase in words for phrase in _CANNOT_TAKE_IT):
        return Refusal.CANNOT_TAKE_IT
    if any(phrase in words for phrase in _NONCE_TAKEN):
        return Refusal.NONCE_TAKEN
    has_it = words.startswith("known transaction") or any(phrase in words for phrase in _HAS_IT)
    return Refusal.HAS_IT if has_it else Refusal.SAYS_NOTHING
