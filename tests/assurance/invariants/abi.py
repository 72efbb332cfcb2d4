"""Just enough of the ABI, without the project's own code: numbers, bytes, lists and structs to words and back.

Addresses, 32-byte values, booleans and enums are numbers here, so that the model can be plain arithmetic.
"""

from functools import cache

from eth_utils.crypto import keccak

Value = int | str | bytes | list | tuple
WORD = 32


def encode(*values: Value) -> bytes:
    """Return arguments as the ABI lays them out: a list is a dynamic array, a tuple a struct, bytes and str are dynamic."""
    heads: list[bytes] = []
    tails: list[bytes] = []
    start = sum(_head_size(value) for value in values)
    for value in values:
        body = _encode_one(value)
        if _is_dynamic(value):
            heads.append((start + sum(len(tail) for tail in tails)).to_bytes(WORD, "big"))
            tails.append(body)
        else:
            heads.append(body)
    return b"".join(heads + tails)


def _is_dynamic(value: Value) -> bool:
    return isinstance(value, (str, bytes, list)) or (isinstance(value, tuple) and any(map(_is_dynamic, value)))


def _head_size(value: Value) -> int:
    if isinstance(value, tuple) and not _is_dynamic(value):
        return sum(map(_head_size, value))
    return WORD


def _encode_one(value: Value) -> bytes:
    if isinstance(value, int):
        return int(value).to_bytes(WORD, "big")
    if isinstance(value, tuple):
        return encode(*value)
    if isinstance(value, list):
        return len(value).to_bytes(WORD, "big") + encode(*value)
    body = value.encode() if isinstance(value, str) else value
    return len(body).to_bytes(WORD, "big") + body + bytes(-len(body) % WORD)


def words(data: bytes) -> list[int]:
    """Return data as its words."""
    return [int.from_bytes(data[at : at + WORD], "big") for at in range(0, len(data), WORD)]


def text_word(text: str) -> int:
    """Return a short text as a bytes32 holds it: on the left."""
    return int.from_bytes(text.encode().ljust(WORD, b"\0"), "big")


@cache
def selector(signature: str) -> bytes:
    """Return the four bytes that begin a call or an error."""
    return keccak(text=signature)[:4]


@cache
def topic(signature: str) -> int:
    """Return the first topic of an event."""
    return int.from_bytes(keccak(text=signature), "big")


def hash_words(*values: Value) -> int:
    """Return the hash of ``abi.encode`` as a number."""
    return int.from_bytes(keccak(encode(*values)), "big")
