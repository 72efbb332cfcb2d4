"""Signatures of webhooks, in the form of Standard Webhooks: HMAC-SHA256 of the id, the second and the body.

The library `standardwebhooks` does the same, and a receiver can use it. It is not needed here: what is signed is three texts, and
the library takes a malformed secret for a weak one, which here is refused.
"""

import binascii
import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from nvm_chain.errors import InvalidConfig

PREFIX: Final = "whsec_"
LEAST_BYTES, MOST_BYTES = 24, 64
"""How long a secret is, as Standard Webhooks says."""
MOST_SECRETS: Final = 4
HOW: Final = "make one of 24 to 64 random bytes, and write it in Base64 after whsec_"


def parse_secrets(text: str, name: str) -> tuple[bytes, ...]:
    """Return the keys of a webhook. A text with several secrets, with blanks between them, is a change of secrets.

    Args:
        text: One secret, or the new one and then the old one. Each is ``whsec_`` and Base64.
        name: The webhook, for errors.

    Raises:
        InvalidConfig: A secret is malformed. The error does not show it.

    >>> parse_secrets("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "ops")[0].hex()[:8]
    '31f290f6'
    """
    parts = text.split()
    if not 1 <= len(parts) <= MOST_SECRETS:
        raise InvalidConfig(f"the secret of the webhook {name} is empty, or is more than {MOST_SECRETS} secrets", HOW)
    return tuple(_parse_secret(part, name) for part in parts)


def _parse_secret(text: str, name: str) -> bytes:
    try:
        key = b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidConfig(f"the secret of the webhook {name} is not Base64 after whsec_", HOW) from None
    if not LEAST_BYTES <= len(key) <= MOST_BYTES:
        raise InvalidConfig(f"the secret of the webhook {name} does not have 24 to 64 bytes", HOW)
    return key


def sign_message(keys: Sequence[bytes], message_id: str, second: int, body: bytes) -> dict[str, str]:
    """Return the headers that sign a message: one signature for each key, the newest first.

    >>> sorted(sign_message((b"k" * 24,), "msg_1", 1_800_000_000, b"{}"))
    ['webhook-id', 'webhook-signature', 'webhook-timestamp']
    """
    signed = f"{message_id}.{second}.".encode() + body
    signatures = (b64encode(hmac.digest(key, signed, sha256)).decode("ascii") for key in keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(second),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def is_printable_name(name: str) -> bool:
    """Return whether a text can be the name of a webhook: letters, digits, and - _ . after the first one."""
    return re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,63}", name) is not None
