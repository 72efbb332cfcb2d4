"""Tokens of sellers: each is for one seller and one role, and only its hash is kept."""

import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Final

from nvm_chain.errors import InvalidConfig

LEAST: Final = 24
"""How many characters a token has at least."""
HASHED: Final = "sha256:"
"""How the text of a hash begins, in the place of a token."""
_HASH: Final = re.compile(r"sha256:[0-9a-f]{64}")
HOW: Final = 'make a random one of 24 characters or more, for example with `python -c "import secrets; print(secrets.token_urlsafe(32))"`'
HOW_HASHED: Final = (
    'make a token and its hash with `python -c "import hashlib, secrets; token = secrets.token_urlsafe(32); '
    "print(token, 'sha256:' + hashlib.sha256(token.encode()).hexdigest())\"`"
)


class Role(StrEnum):
    """What a token lets its bearer see. The values are those of the file."""

    OWNER = "owner"
    """Usage, the status of the plans, what would be settled, and the numbers of the services."""
    READER = "reader"
    """Usage only."""


@dataclass(frozen=True, slots=True)
class SellerToken:
    """A token of a seller: its role, and the hash by which it is known."""

    role: Role
    digest: bytes = field(repr=False)


def build_token(role: Role, text: str, seller: str) -> SellerToken:
    """Return a token from its text, or from ``sha256:`` and the 64 digits of its hash.

    Raises:
        InvalidConfig: The text is too short for a secret, has a character that a header cannot have, or looks like a hash and is
            not one. The error does not show it.

    >>> build_token(Role.READER, "sha256:" + "ab" * 32, "acme").digest.hex()[:8]
    'abababab'
    """
    if _HASH.fullmatch(text):
        return SellerToken(role, bytes.fromhex(text.removeprefix(HASHED)))
    if text.startswith(HASHED):
        raise InvalidConfig(
            f"a token of the seller {seller} begins with {HASHED} and is not the hash of one", HOW_HASHED
        )
    if len(text) < LEAST or not re.fullmatch(r"[!-~]+", text):
        raise InvalidConfig(
            f"a token of the seller {seller} is shorter than {LEAST} characters, or not visible ASCII", HOW
        )
    return SellerToken(role, sha256(text.encode()).digest())


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who has sent a token."""

    seller: str
    role: Role


FindTokens = Callable[[], Mapping[str, Sequence[SellerToken]]]
"""Returns the tokens of each seller, by name, as they are now."""


def find_bearer(token: str | None, tokens: Mapping[str, Sequence[SellerToken]]) -> Bearer | None:
    """Return whose token it is, or None. A token that two have is nobody's.

    Every known hash is compared, and each comparison takes the same time.
    """
    digest = sha256((token or "").encode()).digest()
    found = {
        Bearer(seller, each.role)
        for seller, some in tokens.items()
        for each in some
        if hmac.compare_digest(each.digest, digest)
    }
    return found.pop() if len(found) == 1 else None
