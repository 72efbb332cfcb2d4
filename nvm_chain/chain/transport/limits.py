"""Limits of one answer: its total time, the longest silence within it, and its size."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

BLOCK_BYTES: Final = 1 << 16


class OutOfTime(TimeoutError):
    """Raised when the total time of an answer is over."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one answer. A limit on silence alone would not stop a server that sends a byte now and then."""

    silence_seconds: float
    total_seconds: float
    max_bytes: int

    def describe_size(self) -> str:
        """Return a phrase for an answer that is too large."""
        return f"its answer is larger than {self.max_bytes / (1 << 20):g} MiB"

    def describe_silence(self) -> str:
        """Return a phrase for a silence that is too long."""
        return f"no answer within {self.silence_seconds:g} seconds"

    def describe_total(self) -> str:
        """Return a phrase for an answer that is not complete within the total time."""
        return f"no answer within {self.total_seconds:g} seconds in all"


class Clock:
    """Measures the time that is left of a total time."""

    def __init__(self, total_seconds: float, silence_seconds: float) -> None:
        """Start the clock. Take the total time and the longest silence, in seconds."""
        self._end, self._silence = monotonic() + total_seconds, silence_seconds

    def is_over(self) -> bool:
        """Return whether the total time is over."""
        return monotonic() >= self._end

    def next_timeout(self) -> float:
        """Return the longest time for the next read, in seconds. Raises OutOfTime if the total time is over."""
        left = self._end - monotonic()
        if left <= 0:
            raise OutOfTime
        return min(left, self._silence)


def read_blocks(raw: Any, is_over: Callable[[], bool]) -> Iterator[bytes]:
    """Yield the blocks of urllib3's response as they arrive. Raises OutOfTime if the time is over before the last."""
    while block := raw.read1(BLOCK_BYTES, decode_content=False):
        yield block
        if is_over():
            raise OutOfTime
