"""Credentials: what a request brings to be paid for."""

import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, TypeAlias

from nvm_chain.meter.bindings import Binding
from nvm_chain.signing.vouchers import SignedVoucher

TOKEN_PREFIX: Final = "nvms_"  # noqa: S105
"""How a session token begins, so that people and scanners of secrets recognize one."""
TOKEN_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class VoucherCredential:
    """A request voucher, and the binding whose hash is its context. ``binding`` is None for a voucher without one."""

    signed: SignedVoucher
    binding: Binding | None = None


@dataclass(frozen=True, slots=True)
class TokenCredential:
    """A session token, as `Meter.open_session` gave it."""

    token: str = field(repr=False)


Credential: TypeAlias = VoucherCredential | TokenCredential
"""What a request can bring."""


def new_token() -> str:
    """Return a new session token. Only its hash is stored."""
    return TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)


def hash_token(token: str) -> bytes:
    """Return the 32 bytes by which the store knows a session token."""
    return sha256(token.encode("utf-8", "surrogatepass")).digest()
