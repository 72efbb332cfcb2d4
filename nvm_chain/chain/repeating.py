"""Repeated requests: the pauses between them, and the refusals after which a repetition may succeed."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

BUSY: Final = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})
"""HTTP statuses after which the same request may succeed later."""
MAYBE_TOO_MUCH: Final = frozenset({400, 408, 413, 500, 502, 504, 524})
"""HTTP statuses that may mean that the request or its answer is too large."""
SPLITS: Final[ContextVar[bool]] = ContextVar("nvm_chain_splits", default=False)
"""Whether the caller divides a refused request. If so, a request that may be too large is not repeated."""
BUSY_CODES: Final = frozenset({-32005, -32097, 429})
"""JSON-RPC error codes for too many requests, from EIP-1474 and from gateways."""
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
"""Phrases of refusals that a repetition does not change: the request is too large, or a quota is used up."""


class Pauses:
    """Pauses within a total time. Each pause is twice as long as the one before, up to a longest pause."""

    def __init__(self, total_seconds: float, first_seconds: float, longest_seconds: float) -> None:
        """Take the total time, the first pause and the longest pause. The total time starts now."""
        self._end, self._pause, self._longest = time.monotonic() + total_seconds, first_seconds, longest_seconds

    def wait(self, at_least_seconds: float = 0) -> bool:
        """Sleep for one pause, but not less than ``at_least_seconds``, and return True.

        Returns False without a pause if the total time is over, or would be over before ``at_least_seconds``.
        """
        left = self._end - time.monotonic()
        if left <= at_least_seconds or left <= 0:
            return False
        time.sleep(min(max(self._pause, at_least_seconds), left))
        self._pause = min(2 * self._pause, self._longest)
        return True


@contextmanager
def splitting() -> Iterator[None]:
    """Inside the ``with`` block, do not repeat a request that may be too large, because the caller divides it."""
    token = SPLITS.set(True)
    try:
        yield
    finally:
        SPLITS.reset(token)


def is_worth_waiting(status: int) -> bool:
    """Return whether the same request may succeed later after this HTTP status."""
    return status in BUSY and not (SPLITS.get() and status in MAYBE_TOO_MUCH)


def is_passing(error: object) -> bool:
    """Return whether a JSON-RPC error means too many requests, and not a request that is too large.

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
    """Return the wait that a node asks for, in seconds, or 0 if it asks for none.

    The header Retry-After is a number of seconds or a date (RFC 9110 §10.2.3).
    """
    text = headers.get("Retry-After", "").strip()
    if text.isdecimal() and len(text) < 10:
        return float(text)
    with suppress(ValueError, TypeError, OverflowError):
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    return 0
