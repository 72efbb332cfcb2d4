"""Helpers that read answers of nodes: numbers, block numbers, and statements that something is missing."""

import re
from collections.abc import Mapping
from typing import Any, Final

FINDS: Final = frozenset(
    {"eth_getTransactionByHash", "eth_getTransactionReceipt", "eth_getBlockByHash", "eth_getBlockByNumber"}
)
"""Methods whose result is null if the node does not have the transaction or block."""
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
"""Phrases in the errors of nodes that do not have a block, or no longer have its state."""
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
"""The index of the block parameter of each method that reads the state at a block."""


def is_lacking(method: str, response: Mapping[str, Any]) -> bool:
    """Return whether an answer says only that this node does not have the requested data."""
    error = response.get("error")
    if isinstance(error, dict):
        words = str(error.get("message", "")).lower()
        return any(phrase in words for phrase in LACKS_WORDS)
    return method in FINDS and response.get("result") is None


def find_block(method: str, params: Any) -> int:
    """Return the number of the newest block that a request names, or 0 if the request names none by number.

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
    """Convert hex text to a number, and return any other value unchanged. Raises ValueError if text is not hex."""
    return int(value, 16) if isinstance(value, str) else value


def check_number(value: object) -> int:
    """Return a number from a node's answer. Raises ValueError unless it is an int from 0 to 2**256 - 1."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 256:
        raise ValueError("not a number of a chain")
    return value
