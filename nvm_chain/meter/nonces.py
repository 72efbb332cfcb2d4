"""Nonces of sign-ins: a meter gives them out without storing them, and recognizes its own. The books store those that were used."""

import hmac
import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from nvm_chain.errors import NonceNotAccepted
from nvm_chain.errors.fields import Number, Time
from nvm_chain.meter.sign_in import LEEWAY_SECONDS, MAX_SECONDS

_TIME_BYTES: Final = 5
_RANDOM_BYTES: Final = 11
_CODE_BYTES: Final = 16
_SIZE: Final = 2 * (_TIME_BYTES + _RANDOM_BYTES + _CODE_BYTES)
_HEX: Final = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class SignInChallenge:
    """What an account needs for its sign-in message. Build it with `build_sign_in`, and ``now=issued_at``.

    ``expires_at`` is the first second in which the nonce is not accepted. ``origins`` are where accounts may sign in.
    """

    nonce: str
    chain_id: Number
    issued_at: Time
    expires_at: Time
    origins: tuple[str, ...]


def build_nonce(secret: bytes, now: int) -> str:
    """Return a new nonce of 64 hexadecimal digits. It has the second of its issue, and whoever has the secret recognizes it."""
    known = now.to_bytes(_TIME_BYTES) + secrets.token_bytes(_RANDOM_BYTES)
    return (known + _compute_code(secret, known)).hex()


def check_nonce(secret: bytes, nonce: str, *, now: int, since: int = 0) -> Time:
    """Check that a nonce was given out in the last ten minutes. Whether it was used is in the books.

    Args:
        secret: The secret of the books.
        nonce: The nonce.
        now: The time of the check. See `find_now`.
        since: A second until which no nonce is accepted, because a backup was restored.

    Returns:
        The second of its issue.

    Raises:
        NonceNotAccepted: The nonce is not one of these books, or it has expired.
    """
    if len(nonce) != _SIZE or not _HEX.issuperset(nonce):
        raise NonceNotAccepted("is not one that this service gave out")
    data = bytes.fromhex(nonce)
    known, code = data[:-_CODE_BYTES], data[-_CODE_BYTES:]
    if not hmac.compare_digest(code, _compute_code(secret, known)):
        raise NonceNotAccepted("is not one that this service gave out")
    issued_at = int.from_bytes(known[:_TIME_BYTES])
    if not issued_at - LEEWAY_SECONDS <= now < issued_at + MAX_SECONDS or issued_at <= since:
        raise NonceNotAccepted("has expired")
    return issued_at


def _compute_code(secret: bytes, known: bytes) -> bytes:
    return hmac.digest(secret, known, sha256)[:_CODE_BYTES]
