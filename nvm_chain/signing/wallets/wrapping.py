"""Signatures of wallets that may not be deployed yet (ERC-6492): find the wallet's own signature in the wrapping.

A wrapping also names a factory and a call that deploys the wallet. Nothing of that is used, and nothing is called.
"""

from typing import Final

from nvm_chain.errors import InvalidMessage

MAX_SIZE: Final = 65_536
"""The largest number of bytes of a wrapped signature."""
_MAGIC: Final = bytes.fromhex("6492") * 16
_WORD: Final = 32
_INNER_AT: Final = 2 * _WORD
"""The place of the word that says where the inner signature begins. The words before it are for the factory."""
_NOUN: Final = "wrapped signature of a wallet (ERC-6492)"


def is_wrapped(signature: bytes) -> bool:
    """Return whether a signature ends as the wrappings of ERC-6492 do."""
    return signature.endswith(_MAGIC)


def unwrap(signature: bytes) -> bytes:
    """Return the wallet's own signature, without its wrapping. A signature without a wrapping is returned as it is.

    A deployed wallet accepts the result. Before its deployment, no signature of the wallet counts on chain. The wrapping
    is read as wallets read it: the factory, its call and the padding may be anything, and the padding may be missing.

    Raises:
        InvalidMessage: The wrapping does not hold the inner signature, is larger than `MAX_SIZE`, or holds another
            wrapping.

    >>> unwrap(bytes(65)) == bytes(65)
    True
    """
    if not is_wrapped(signature):
        return signature
    if len(signature) > MAX_SIZE:
        raise InvalidMessage(_NOUN, f"it has {len(signature)} bytes, more than {MAX_SIZE}")
    inner = _read_inner(signature[: -len(_MAGIC)])
    if inner is None:
        raise InvalidMessage(_NOUN, "it does not hold the wallet's own signature")
    if is_wrapped(inner):
        raise InvalidMessage(_NOUN, "it holds another wrapping")
    return inner


def _read_inner(content: bytes) -> bytes | None:
    """Return the bytes that the third word points to, or None if they are not all there."""
    start = _read_word(content, _INNER_AT)
    size = None if start is None else _read_word(content, start)
    if start is None or size is None:
        return None
    inner = content[start + _WORD : start + _WORD + size]
    return inner if len(inner) == size else None


def _read_word(content: bytes, place: int) -> int | None:
    """Return the number in the 32 bytes at a place, or None if they are not all there."""
    word = content[place : place + _WORD]
    return int.from_bytes(word) if len(word) == _WORD else None
