"""What a node's error to a broadcast says of the transaction: that it has it, that it cannot take it, or nothing."""

from enum import Enum

_HAS_IT = (
    "already known",
    "alreadyknown",
    "already imported",
    "already in mempool",
)
_NONCE_TAKEN = ("nonce too low", "nonce is too low", "invalid nonce", "old nonce", "oldnonce")
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
    """What the words of a node mean for the transaction that it was given."""

    HAS_IT = "the node has the transaction already"
    NONCE_TAKEN = "a transaction with the nonce is mined, which may be this one"
    CANNOT_TAKE_IT = "the node gives this error before it keeps anything"
    SAYS_NOTHING = "the transaction may be in a pool"


def read_refusal(words: str) -> Refusal:
    """Return what the words of a refusal mean. Nodes have no common codes for it, so their words are read.

    >>> read_refusal("{'code': -32000, 'message': 'already known'}").name
    'HAS_IT'
    """
    words = words.lower()
    if any(phrase in words for phrase in _CANNOT_TAKE_IT):
        return Refusal.CANNOT_TAKE_IT
    if any(phrase in words for phrase in _NONCE_TAKEN):
        return Refusal.NONCE_TAKEN
    has_it = words.startswith("known transaction") or any(phrase in words for phrase in _HAS_IT)
    return Refusal.HAS_IT if has_it else Refusal.SAYS_NOTHING
