"""Random histories beside a model: the judge that is asked first, since it takes a second."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Final

from tests.assurance.invariants.registry import run_registry_history
from tests.assurance.invariants.running import run_history
from tests.assurance.mutation.compiler import CREDITS, Target

History = tuple[str, int, int]
HISTORIES: Final[tuple[History, ...]] = (
    ("usual", 101, 150),
    ("terms", 102, 150),
    ("numbers", 103, 300),
    ("usual", 104, 500),
    ("usual", 105, 1200),
)
"""Mood, seed and length: most mistakes are found by the first."""
_SECONDS: Final = 120
"""Of this process's own time: several times what one takes. A mutant may go round in circles, and a machine may be busy."""


class TooLong(Exception):
    """A judge took much longer than it ever does."""


def judge_by_histories(target: Target, creation: str, histories: Sequence[History] = HISTORIES) -> str | None:
    """Return what a history finds wrong with a contract's code, or None."""
    code = bytes.fromhex(creation)
    for mood, seed, steps in histories:
        try:
            with _time_limit(_SECONDS):
                if target == CREDITS:
                    run_history(seed, steps, code, mood, shrink_seconds=0)
                else:
                    run_registry_history(seed, steps, code)
        except Exception as error:  # noqa: BLE001  whatever goes wrong with a mutant shows the mistake
            return f"{mood} {seed}: {type(error).__name__}: {error}".partition("\n")[0][:300]
    return None


@contextmanager
def _time_limit(seconds: int) -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise TooLong(f"more than {seconds} seconds")

    previous = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, previous)
