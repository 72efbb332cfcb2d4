"""How long an answer may take in all, how long a silence in it may be, and how large it may be."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

BLOCK_BYTES: Final = 1 << 16


class OutOfTime(TimeoutError):
    """Raised when something is not done in the time that it has in all."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one answer may take. A server that sends a byte now and then breaks no limit on silences alone."""

    silence_seconds: float
    total_seconds: float
    max_bytes: int

    def describe_size(self) -> str:
        """Say that an answer is too large."""
        return f"its answer is larger than {self.max_bytes / (1 << 20):g} MiB"

    def describe_silence(self) -> str:
        """Say that nothing came."""
        return f"no answer within {self.silence_seconds:g} seconds"

    def describe_total(self) -> str:
        """Say that an answer did not come to its end."""
        return f"no answer within {self.total_seconds:g} seconds in all"


class Clock:
    """The time that is left of a total."""

    def __init__(self, total_seconds: float, silence_seconds: float) -> None:
        """Start it, with the longest silence that is allowed."""
        self._end, self._silence = monotonic() + total_seconds, silence_seconds

    def is_over(self) -> bool:
        """Return whether nothing is left."""
        return monotonic() >= self._end

    def next_timeout(self) -> float:
        """Return how long the next read may take. Raises OutOfTime if nothing is left."""
        left = self._end - monotonic()
        if left <= 0:
            raise OutOfTime
        return min(left, self._silence)


def read_blocks(raw: Any, is_over: Callable[[], bool]) -> Iterator[bytes]:
    """Yield what comes from urllib3's response, as it comes. Raises OutOfTime if the time is over before the end."""
    while block := raw.read1(BLOCK_BYTES, decode_content=False):
        yield block
        if is_over():
            raise OutOfTime
