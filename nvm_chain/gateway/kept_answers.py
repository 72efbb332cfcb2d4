"""Answers that are kept for requests with an idempotency key: encrypted, because they may be private.

AES-GCM of the package cryptography. The id of the hold is part of what is authenticated, so no answer can stand for another.
"""

import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import DecodeError, Struct, msgpack

from nvm_chain.gateway.incoming import Headers

_NONCE: Final = 12


class KeptBody(Struct, array_like=True):
    """An answer: its status, its headers and its body."""

    status: int
    headers: Headers
    body: bytes


class AnswerBox:
    """Encrypts answers, and reads them again. All processes of a gateway have the same key."""

    def __init__(self, key: bytes) -> None:
        """Take a key of 32 bytes."""
        self._cipher = AESGCM(key)

    def close_box(self, answer: KeptBody, hold_id: bytes) -> bytes:
        """Return an answer, encrypted."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher.encrypt(nonce, msgpack.encode(answer), hold_id)

    def open_box(self, sealed: bytes, hold_id: bytes) -> KeptBody | None:
        """Return the answer. None if another key encrypted it, as before the key was changed."""
        try:
            text = self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], hold_id)
            return msgpack.decode(text, type=KeptBody)
        except (InvalidTag, DecodeError, ValueError):
            return None
