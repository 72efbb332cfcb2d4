"""Asking again: how long to pause, and which refusals pass by themselves."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

BUSY: Final = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})
"""HTTP statuses that pass by themselves."""
MAYBE_TOO_MUCH: Final = frozenset({400, 408, 413, 500, 502, 504, 524})
"""HTTP statuses that may be about the size of what was asked."""
SPLITS: Final[ContextVar[bool]] = ContextVar("nvm_chain_splits", default=False)
"""Whether who asks will ask for less if this is too much. Then what may be about the size is not waited for."""
BUSY_CODES: Final = frozenset({-32005, -32097, 429})
"""Codes of JSON-RPC errors that say "too often" (EIP-1474 and those of gateways)."""
BUSY_WORDS: Final = (
    "rate limit",
    "ratelimit",
    "too many requests",
    "throughput",
    "capacity exceeded",
    "try again later",
)
NOT_BUSY_WORDS: Final = (
    "block range",
    "query returned more than",
    "response size",
    "batch",
    "daily",
    "monthly",
    "quota",
)
"""Refusals that stay: what was asked is too much at once, or a quota is used up."""


class Pauses:
    """Growing pauses within a time: each twice as long as the one before, up to the longest."""

    def __init__(self, total_seconds: float, first_seconds: float, longest_seconds: float) -> None:
        """Take how long to go on, and the first and the longest pause."""
        self._end, self._pause, self._longest = time.monotonic() + total_seconds, first_seconds, longest_seconds

    def wait(self, at_least_seconds: float = 0) -> bool:
        """Wait before the next try and return True. Return False at once if the time is up, or would be before that long."""
        left = self._end - time.monotonic()
        if left <= at_least_seconds or left <= 0:
            return False
        time.sleep(min(max(self._pause, at_least_seconds), left))
        self._pause = min(2 * self._pause, self._longest)
        return True


@contextmanager
def splitting() -> Iterator[None]:
    """Make requests inside fail at once where less may be answered."""
    token = SPLITS.set(True)
    try:
        yield
    finally:
        SPLITS.reset(token)


def is_worth_waiting(status: int) -> bool:
    """Return whether a request that was answered with an HTTP status is to be made again as it is."""
    return status in BUSY and not (SPLITS.get() and status in MAYBE_TOO_MUCH)


def is_passing(error: object) -> bool:
    """Tell whether a JSON-RPC error says that the node was asked too often, and not too much at once.

    >>> is_passing({"code": -32005, "message": "rate limit exceeded"})
    True
    >>> is_passing({"code": -32005, "message": "query returned more than 10000 results"})
    False
    """
    if not isinstance(error, dict):
        return False
    words = str(error.get("message", "")).lower()
    if any(phrase in words for phrase in NOT_BUSY_WORDS):
        return False
    return error.get("code") in BUSY_CODES or any(phrase in words for phrase in BUSY_WORDS)


def read_retry_after(headers: Mapping[str, str]) -> float:
    """Return how many seconds a node asks to wait: a number, or a date (RFC 9110 §10.2.3); 0 if it says nothing."""
    text = headers.get("Retry-After", "").strip()
    if text.isdecimal() and len(text) < 10:
        return float(text)
    with suppress(ValueError, TypeError, OverflowError):
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    return 0
