"""What is in the answers of nodes: numbers, and that something is not there."""

import re
from collections.abc import Mapping
from typing import Any, Final

FINDS: Final = frozenset(
    {"eth_getTransactionByHash", "eth_getTransactionReceipt", "eth_getBlockByHash", "eth_getBlockByNumber"}
)
"""What answers null for what a node has not got."""
LACKS_WORDS: Final = (
    "header not found",
    "block not found",
    "unknown block",
    "could not be found",
    "blockoutofrange",
    "beyond current head",
    "missing trie node",
    "is not available",
    "state unavailable",
    "historical state",
    "pruned",
    "pruning",
    "proof window",
)
"""How nodes say that they have not got a block, or have no longer its state."""
NUMBER: Final = re.compile("0x[0-9a-fA-F]{1,64}")
BLOCK_PLACES: Final = {
    "eth_call": 1,
    "eth_estimateGas": 1,
    "eth_getBalance": 1,
    "eth_getCode": 1,
    "eth_getTransactionCount": 1,
    "eth_getStorageAt": 2,
    "eth_feeHistory": 1,
}
"""Where among the parameters the block is in whose state something is read."""


def is_lacking(method: str, response: Mapping[str, Any]) -> bool:
    """Tell whether an answer says only that this node has not got what was asked for."""
    error = response.get("error")
    if isinstance(error, dict):
        words = str(error.get("message", "")).lower()
        return any(phrase in words for phrase in LACKS_WORDS)
    return method in FINDS and response.get("result") is None


def find_block(method: str, params: Any) -> int:
    """Return the newest block by number that a request is about; 0 if it names none.

    >>> find_block("eth_call", [{"to": "0x12"}, "0x10"]), find_block("eth_call", [{"to": "0x12"}, "latest"])
    (16, 0)
    """
    value: object = None
    if method == "eth_getLogs" and params and isinstance(params[0], Mapping):
        value = params[0].get("toBlock")
    elif method in BLOCK_PLACES and len(params) > BLOCK_PLACES[method]:
        value = params[BLOCK_PLACES[method]]
    return int(value, 16) if isinstance(value, str) and NUMBER.fullmatch(value) else 0


def read_number(value: object) -> object:
    """Return a number that may be written as hex text."""
    return int(value, 16) if isinstance(value, str) else value


def check_number(value: object) -> int:
    """Return a number that a node gave. Raises ValueError if a chain cannot have it."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 256:
        raise ValueError("not a number of a chain")
    return value
