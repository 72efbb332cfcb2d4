"""Signatures of wallets that may not be deployed yet (ERC-6492): find the wallet's own signature in the wrapping.

A wrapping also names a factory and a call that deploys the wallet. Nothing of that is used, and nothing is called.
"""

from typing import Final

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError, InsufficientDataBytes

from nvm_chain.errors import InvalidMessage

MAX_SIZE: Final = 65_536
"""The largest number of bytes of a wrapped signature."""
_MAGIC: Final = bytes.fromhex("6492") * 16
_TYPES: Final = ("address", "bytes", "bytes")
_NOUN: Final = "wrapped signature of a wallet (ERC-6492)"


def is_wrapped(signature: bytes) -> bool:
    """Return whether a signature ends as the wrappings of ERC-6492 do."""
    return signature.endswith(_MAGIC)


def unwrap(signature: bytes) -> bytes:
    """Return the wallet's own signature, without its wrapping. A signature without a wrapping is returned as it is.

    A deployed wallet accepts the result. Before its deployment, no signature of the wallet counts on chain.

    Raises:
        InvalidMessage: The wrapping is malformed or larger than `MAX_SIZE`, or holds another wrapping.

    >>> unwrap(bytes(65)) == bytes(65)
    True
    """
    if not is_wrapped(signature):
        return signature
    if len(signature) > MAX_SIZE:
        raise InvalidMessage(_NOUN, f"it has {len(signature)} bytes, more than {MAX_SIZE}")
    try:
        _, _, inner = decode(_TYPES, signature[: -len(_MAGIC)])
    except (DecodingError, InsufficientDataBytes, OverflowError):
        raise InvalidMessage(_NOUN, "its content is not an address and two values of bytes") from None
    if is_wrapped(inner):
        raise InvalidMessage(_NOUN, "it holds another wrapping")
    return bytes(inner)
