"""Headers of blocks: what a node tells of a block, and the hash that its fields must have."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from eth_utils.crypto import keccak

from nvm_chain.chain.answers import check_number, read_number
from nvm_chain.index.tries import encode_rlp

HASH_BYTES: Final = 32
HASHED_FIELDS: Final = (
    ("parentHash", False),
    ("sha3Uncles", False),
    ("miner", False),
    ("stateRoot", False),
    ("transactionsRoot", False),
    ("receiptsRoot", False),
    ("logsBloom", False),
    ("difficulty", True),
    ("number", True),
    ("gasLimit", True),
    ("gasUsed", True),
    ("timestamp", True),
    ("extraData", False),
    ("mixHash", False),
    ("nonce", False),
)
"""The fields of a header in the order in which they are hashed, and whether each is a number."""
LATER_FIELDS: Final = (
    ("baseFeePerGas", True),
    ("withdrawalsRoot", False),
    ("blobGasUsed", True),
    ("excessBlobGas", True),
    ("parentBeaconBlockRoot", False),
    ("requestsHash", False),
)
"""The fields that hard forks have added at the end. A block without one of them has none of the later ones."""


class Header(NamedTuple):
    """The header of a block. ``bloom`` is the filter of its logs, as a number of 2,048 bits.

    ``is_sealed`` tells whether the hash is the hash of the header's fields, as far as this package knows the fields.
    """

    number: int
    hash: bytes
    parent: bytes
    time: int
    bloom: int
    receipts_root: bytes
    is_sealed: bool | None = None


def parse_header(answer: Any, *, seals: bool = False) -> Header:
    """Return the header in a node's answer. Raises ValueError, TypeError or KeyError if it is malformed.

    With ``seals`` the hash is computed from the fields too.
    """
    return Header(
        check_number(read_number(answer["number"])),
        read_hash(answer["hash"]),
        read_hash(answer["parentHash"]),
        check_number(read_number(answer["timestamp"])),
        _read_bloom(answer["logsBloom"]),
        read_hash(answer["receiptsRoot"]),
        _is_sealed(answer) if seals else None,
    )


def read_hash(value: Any) -> bytes:
    """Return 32 bytes from hex text. Raises ValueError for anything else."""
    found = read_bytes(value)
    if len(found) != HASH_BYTES:
        raise ValueError("not a hash")
    return found


def read_bytes(value: Any) -> bytes:
    """Return the bytes in hex text. Raises ValueError for anything else."""
    if not isinstance(value, str) or not value.startswith("0x"):
        raise ValueError("not hex text")
    return bytes.fromhex(value[2:])


def _read_bloom(value: Any) -> int:
    bloom = read_number(value)
    if not isinstance(bloom, int) or not 0 <= bloom < 1 << 2048:
        raise ValueError("not a bloom filter")
    return bloom


def _is_sealed(answer: Mapping[str, Any]) -> bool:
    try:
        return compute_hash(answer) == read_hash(answer["hash"])
    except (LookupError, TypeError, ValueError):  # a chain whose headers have other fields
        return False


def compute_hash(answer: Mapping[str, Any]) -> bytes:
    """Return the hash of a header's fields. It differs from the block's hash if the chain has other fields."""
    later = []
    for name, is_number in LATER_FIELDS:
        if answer.get(name) is None:
            break
        later.append((name, is_number))
    return keccak(encode_rlp([_write(answer[name], is_number) for name, is_number in (*HASHED_FIELDS, *later)]))


def _write(value: Any, is_number: bool) -> bytes:
    return write_number(check_number(read_number(value))) if is_number else read_bytes(value)


def write_number(number: int) -> bytes:
    """Return a number as RLP stores it: without leading zeros."""
    return number.to_bytes((number.bit_length() + 7) // 8)


def are_linked(headers: Sequence[Header]) -> bool:
    """Return whether each header follows the one before."""
    pairs = itertools.pairwise(headers)
    return all(each.parent == before.hash and each.number == before.number + 1 for before, each in pairs)
