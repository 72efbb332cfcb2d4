"""When a read is asked again: a node that is busy now answers in a moment, and may say in how many seconds."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

BUSY: Final = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})
"""HTTP statuses that pass by themselves."""
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
NOT_BUSY_WORDS: Final = ("block range", "query returned more than", "response size", "daily", "monthly", "quota")
"""Refusals that stay: what was asked is too much at once, or a quota is used up."""
FIRST_PAUSE_SECONDS: Final = 0.25
LONGEST_PAUSE_SECONDS: Final = 8.0


class Pauses:
    """Growing pauses within a time; each request has its own."""

    def __init__(
        self,
        patience_seconds: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take how long to go on. The clock and the sleep are parameters for tests."""
        self._clock, self._sleep = clock, sleep
        self._end, self._pause = clock() + patience_seconds, FIRST_PAUSE_SECONDS

    def wait(self, status: int, retry_after: float | None) -> bool:
        """Wait before the next try and return True; return False at once for what does not pass, or not in time."""
        pause = max(self._pause, retry_after or 0)
        if status not in BUSY or self._clock() + pause > self._end:
            return False
        self._sleep(pause)
        self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)
        return True


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


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Return how many seconds a node asks to wait: a number, or a date (RFC 9110 §10.2.3); None if it says nothing."""
    text = headers.get("Retry-After", "").strip()
    if text.isdecimal() and len(text) < 10:
        return float(text)
    with suppress(ValueError, TypeError):
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    return None
