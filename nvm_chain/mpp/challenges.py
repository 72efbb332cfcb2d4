"""Challenges: what a server asks for in ``WWW-Authenticate: Payment``, bound to its terms by a code in its id.

The server keeps no challenge. The id is an HMAC of all terms, so a challenge that comes back is recognized, and one that was
changed is not.
"""

import hmac
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from nvm_chain.errors import InvalidMessage
from nvm_chain.errors.fields import Time
from nvm_chain.mpp.encoding import write_bytes, write_parameters, write_value

SCHEME: Final = "Payment"
WWW_AUTHENTICATE: Final = "www-authenticate"
INTENT: Final = "charge"
METHOD: Final = "evm"
_SHA256: Final = "sha-256:"


@dataclass(frozen=True, slots=True)
class Challenge:
    """What is asked for. ``request`` and ``opaque`` are as they stand in the header, and optional terms are empty texts.

    ``challenge_id`` binds all terms but the description.
    """

    challenge_id: str
    realm: str
    method: str
    intent: str
    request: str
    expires: str = ""
    digest: str = ""
    opaque: str = ""
    description: str = field(default="", compare=False)

    @property
    def terms(self) -> tuple[str, ...]:
        """The terms that the id binds, in their order."""
        return (self.realm, self.method, self.intent, self.request, self.expires, self.digest, self.opaque)

    def is_of(self, key: bytes) -> bool:
        """Return whether the id was made with a key for just these terms."""
        return hmac.compare_digest(self.challenge_id.encode(), compute_id(key, self.terms).encode())

    def is_over(self, now: Time) -> bool:
        """Return whether the challenge has ended. Raises InvalidMessage for an end that is not a time."""
        return read_time(self.expires) <= now

    def write(self) -> str:
        """Return the value of the header WWW-Authenticate."""
        named = {"id": self.challenge_id, "realm": self.realm, "method": self.method, "intent": self.intent}
        more = {"digest": self.digest, "expires": self.expires, "description": self.description, "opaque": self.opaque}
        return write_parameters(
            SCHEME, {**named, "request": self.request, **{name: text for name, text in more.items() if text}}
        )


def compute_id(key: bytes, terms: tuple[str, ...]) -> str:
    """Return the id of a challenge: HMAC-SHA256 of its seven terms with bars between them, in base64url.

    >>> compute_id(b"key", ("example.com", "evm", "charge", "e30", "", "", ""))[:8]
    '6LD78MMQ'
    """
    return write_bytes(hmac.digest(key, "|".join(terms).encode(), sha256))


def build_challenge(
    key: bytes,
    *,
    realm: str,
    request: Mapping[str, Any],
    expires: Time,
    digest: str = "",
    opaque: Mapping[str, str] | None = None,
    description: str = "",
) -> Challenge:
    """Build a challenge for a charge.

    Args:
        key: The key of the server's challenges.
        realm: The host that asks.
        request: What is asked for, see `nvm_chain.mpp.charges`.
        expires: The Unix second in which the challenge ends.
        digest: The digest of the request's body, see `write_digest`. Empty if there is none.
        opaque: What the server wants to see again.
        description: What is paid for, in printable ASCII.
    """
    end = datetime.fromtimestamp(expires, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    terms = (realm, METHOD, INTENT, write_value(request), end, digest, write_value(opaque) if opaque else "")
    return Challenge(compute_id(key, terms), *terms, description)


def read_time(text: str) -> Time:
    """Return the Unix second of a time by RFC 3339. Raises InvalidMessage.

    >>> read_time("1970-01-01T00:01:00Z")
    60
    """
    try:
        return int(datetime.fromisoformat(text).astimezone(UTC).timestamp())
    except (ValueError, OverflowError):
        raise InvalidMessage("credential", "the end of its challenge is not a time by RFC 3339") from None


def write_digest(digest: str | None) -> str:
    """Return the digest of a body as RFC 9530 writes it. Empty for no body, and for one that was not read.

    >>> write_digest("sha-256:00ff")
    'sha-256=:AP8=:'
    """
    if digest is None or not digest.startswith(_SHA256):
        return ""
    return f"sha-256=:{b64encode(bytes.fromhex(digest.removeprefix(_SHA256))).decode()}:"
