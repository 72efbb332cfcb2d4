"""Pauses of Python's cycle collector. A batch makes a hundred thousand objects without cycles, and each search costs a third."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Final


class _Pauses:
    """The number of pauses in all threads, and whether the collector ran before the first."""

    def __init__(self) -> None:
        self.lock, self.count, self.was_enabled = Lock(), 0, False


_PAUSES: Final = _Pauses()


@contextmanager
def pausing_collector() -> Iterator[None]:
    """Switch the cycle collector off inside the block, if it is on. Blocks may overlap in several threads."""
    with _PAUSES.lock:
        if not _PAUSES.count:
            _PAUSES.was_enabled = gc.isenabled()
            gc.disable()
        _PAUSES.count += 1
    try:
        yield
    finally:
        with _PAUSES.lock:
            _PAUSES.count -= 1
            if not _PAUSES.count and _PAUSES.was_enabled:
                gc.enable()
