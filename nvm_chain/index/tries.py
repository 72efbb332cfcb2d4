"""The root of a block's receipts, as its header has it: RLP and the Merkle Patricia trie of Ethereum's yellow paper."""

from collections.abc import Sequence
from typing import Final, TypeAlias

from eth_utils.crypto import keccak

Item: TypeAlias = "bytes | Sequence[Item]"
Pair: TypeAlias = tuple[bytes, bytes]
"""A key as nibbles, one a byte, and its value."""
SHORT: Final = 55
"""The largest length that RLP writes into the first byte."""
EMBEDDED: Final = 32
"""A node of the trie with fewer bytes stands in its parent itself. Else its hash stands there."""


def encode_rlp(item: Item) -> bytes:
    """Return an item in RLP: bytes, or a list of items.

    >>> encode_rlp([b"cat", b"", [b"dog"]]).hex()
    'ca8363617480c483646f67'
    """
    if isinstance(item, bytes):
        return item if len(item) == 1 and item[0] < 0x80 else _write_length(len(item), 0x80) + item
    content = b"".join(map(encode_rlp, item))
    return _write_length(len(content), 0xC0) + content


def _write_length(length: int, base: int) -> bytes:
    if length <= SHORT:
        return bytes((base + length,))
    written = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes((base + SHORT + len(written),)) + written


def compute_root(values: Sequence[bytes]) -> bytes:
    """Return the root of the trie in which each value's key is its index in RLP."""
    if not values:
        return keccak(encode_rlp(b""))
    pairs = ((_split(encode_rlp(_write_index(index))), value) for index, value in enumerate(values))
    return keccak(encode_rlp(_build(sorted(pairs), 0)))


def _write_index(index: int) -> bytes:
    return index.to_bytes((index.bit_length() + 7) // 8)


def _split(key: bytes) -> bytes:
    return bytes(nibble for byte in key for nibble in (byte >> 4, byte & 15))


def _build(pairs: Sequence[Pair], depth: int) -> list[Item]:
    """Return the node for sorted pairs whose keys are equal up to ``depth``. No key is the beginning of another."""
    first, last = pairs[0][0], pairs[-1][0]
    if len(pairs) == 1:
        return [_write_path(first[depth:], is_leaf=True), pairs[0][1]]
    fork = next(place for place in range(depth, len(first)) if first[place] != last[place])
    if fork > depth:
        return [_write_path(first[depth:fork], is_leaf=False), _refer(_build(pairs, fork))]
    parts = [[pair for pair in pairs if pair[0][depth] == nibble] for nibble in range(16)]
    return [*(_refer(_build(part, depth + 1)) if part else b"" for part in parts), b""]


def _refer(node: list[Item]) -> Item:
    written = encode_rlp(node)
    return node if len(written) < EMBEDDED else keccak(written)


def _write_path(nibbles: bytes, *, is_leaf: bool) -> bytes:
    """Return nibbles as bytes. The first nibble tells the kind of the node and whether their number is odd."""
    odd = len(nibbles) % 2
    whole = bytes((2 * is_leaf + odd, *(() if odd else (0,)), *nibbles))
    return bytes(high << 4 | low for high, low in zip(whole[::2], whole[1::2], strict=True))
