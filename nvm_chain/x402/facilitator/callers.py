"""Callers of a facilitator: the servers that may ask it, each known by the hash of its token."""

import hmac
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, NamedTuple

from eth_typing import ChecksumAddress

from nvm_chain.errors import InvalidConfig
from nvm_chain.types.addresses import parse_address

OPERATOR: Final = "operator"
"""The only caller of a facilitator without tokens, which listens on loopback alone."""
HASHED: Final = "sha256:"
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HASH: Final = re.compile(r"sha256:[0-9a-f]{64}")
HOW: Final = "make a token and its hash with `nvm-chain facilitator token NAME`"


@dataclass(frozen=True, slots=True)
class Caller:
    """A server that may ask.

    ``pay_to`` are the accounts that its buyers pay. If there are none, it may name any account. ``services`` are the DIDs of the
    services for which it takes credits.
    """

    name: str
    digest: bytes = field(repr=False)
    pay_to: frozenset[ChecksumAddress] = frozenset()
    services: frozenset[str] = frozenset()

    @property
    def submitter(self) -> bytes:
        """What the books call the caller: a hash of its name, so that a new token changes nothing."""
        return sha256(b"nvm_chain facilitator caller\0" + self.name.encode()).digest()


LOOPBACK_CALLER: Final = Caller(OPERATOR, sha256(b"").digest())
"""Whoever asks a facilitator without tokens, and sends none."""


def build_caller(name: str, token: str, pay_to: Collection[str] = (), services: Collection[str] = ()) -> Caller:
    """Return a caller.

    Args:
        name: The caller's name, for logs and limits.
        token: ``sha256:`` and the 64 digits of its token's hash.
        pay_to: The accounts that its buyers pay. Any account if there are none.
        services: The DIDs of the services for which it takes credits.

    Raises:
        InvalidConfig: The name or the hash is malformed. The error does not show the hash.
        InvalidAddress: An account is malformed.
    """
    if not _NAME.fullmatch(name):
        raise InvalidConfig(
            "the name of a caller is 1 to 64 letters, digits, dots, dashes and underscores", "rename it"
        )
    if not _HASH.fullmatch(token):
        raise InvalidConfig(f"the token of the caller {name} is not the hash of one", HOW)
    accounts = frozenset(parse_address(account, "account of a caller") for account in pay_to)
    return Caller(name, bytes.fromhex(token.removeprefix(HASHED)), accounts, frozenset(services))


class MadeToken(NamedTuple):
    """A new token of a caller, and the line that a file of tokens has of it."""

    token: str
    line: str


def make_token(name: str) -> MadeToken:
    """Make a random token for a caller. Raises InvalidConfig for a name that a caller cannot have."""
    token = secrets.token_urlsafe(32)
    hashed = f"{HASHED}{sha256(token.encode()).hexdigest()}"
    return MadeToken(token, f"{build_caller(name, hashed).name} {hashed}")


def read_callers(text: str) -> tuple[Caller, ...]:
    """Return the callers in a file of tokens. Each line has a name, a hash, and perhaps accounts that may be paid.

    Empty lines and lines that begin with ``#`` are left out. Raises InvalidConfig or InvalidAddress.

    >>> [caller.name for caller in read_callers("shop sha256:" + "ab" * 32)]
    ['shop']
    """
    callers: dict[str, Caller] = {}
    for line in text.splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) == 1:
            raise InvalidConfig(
                "a line of the file of tokens has one word only", "write a name and a hash on each line"
            )
        caller = build_caller(words[0], words[1], words[2:])
        if callers.setdefault(caller.name, caller) is not caller:
            raise InvalidConfig(f"the file of tokens has the caller {caller.name} twice", "write each name once")
    if not callers:
        raise InvalidConfig("the file of tokens has no caller", f"write a name and a hash on a line. {HOW}")
    return tuple(callers.values())


def find_caller(token: str | None, callers: Collection[Caller]) -> Caller | None:
    """Return whose token it is, or None. A token that two have is nobody's.

    Every known hash is compared, and each comparison takes the same time.
    """
    digest = sha256((token or "").encode()).digest()
    found = [caller for caller in callers if hmac.compare_digest(caller.digest, digest)]
    return found[0] if len(found) == 1 else None
