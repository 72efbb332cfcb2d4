"""Idempotency: a request that comes again with its key gets the same answer, and the upstream is not called again.

A key counts for one authority at one service. So nobody can read the answers of others, or block their keys.
"""

import re
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from typing import Final

from nvm_chain.errors import InvalidMessage
from nvm_chain.errors.fields import Bytes, Time

MAX_ANSWER: Final = 64 * 1_024
"""The largest number of bytes in an answer that is kept."""
ANSWER_SECONDS: Final = 600
"""How long an answer is kept."""
_KEY: Final = re.compile(r"[!#-\[\]-~]{1,128}")


class Verdict(Enum):
    """What to do with a request that has an idempotency key."""

    SERVE = "serve it, because the key is new"
    REPEAT = "give the kept answer again"
    WAIT = "answer 409, because the first request is still running"
    RECEIPT = "answer 409 with the receipt, because the answer is not kept any more, or was too large"
    REFUSE = "refuse it, because the key was used for another request"


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """What is kept of a request with a key. ``answered_at`` is None while it runs. ``size`` is the size of its answer."""

    scope: bytes
    digest: bytes
    answered_at: Time | None = None
    size: Bytes = 0

    @property
    def is_small(self) -> bool:
        """Whether the answer is small enough to be kept."""
        return self.size <= MAX_ANSWER

    def is_kept(self, now: int) -> bool:
        """Return whether the answer is still kept."""
        return self.answered_at is not None and self.is_small and now < self.answered_at + ANSWER_SECONDS


def check_key(key: str) -> str:
    """Return an idempotency key if it has 1 to 128 visible ASCII characters, without quotes and backslashes.

    Raises InvalidMessage for any other text.
    """
    if not _KEY.fullmatch(key):
        raise InvalidMessage("idempotency key", "it is not 1 to 128 visible ASCII characters without quotes")
    return key


def find_scope(authority_id: bytes, service: str, key: str) -> bytes:
    """Return the 32 bytes under which a request with a key is stored. Raises InvalidMessage for a malformed key.

    >>> find_scope(bytes(32), "did:nv:" + "0" * 63 + "7", "order-1").hex()[:8]
    'bce5ed89'
    """
    parts = (authority_id, service.encode(), check_key(key).encode())
    return sha256(b"".join(len(part).to_bytes(4) + part for part in parts)).digest()


def judge(kept: KeyedRequest | None, digest: bytes, now: int) -> Verdict:
    """Return what to do with a request whose key has been looked up.

    Args:
        kept: What is stored under the scope of the key, or None. "No row" from a statement that inserts is not None: read
            again in a new statement.
        digest: The context of the full binding of the request that comes now, with the key as its id.
        now: The time of the check, as a Unix second.
    """
    if kept is None:
        return Verdict.SERVE
    if kept.digest != digest:
        return Verdict.REFUSE
    if kept.answered_at is None:
        return Verdict.WAIT
    return Verdict.REPEAT if kept.is_kept(now) else Verdict.RECEIPT
