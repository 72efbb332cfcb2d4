"""A pytest plugin for a session of thousands of tests: `make` loads it by `-p tests.session.quick`.

It changes how much work a session takes, and nothing that a test sees. It saves a quarter of the time of tests that call a chain.
"""

import gc
import os
from typing import Final

import pytest

YOUNG: Final = 20_000
"""New objects between two runs of the garbage collector. The usual 700 let it run hundreds of times for one test."""

# The choice is made at the first hash, and packages hash while they are imported. conftest.py would be too late.
os.environ.setdefault("ETH_HASH_BACKEND", "pysha3")
gc.set_threshold(YOUNG, 20, 20)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Take what has been imported and collected out of the collector's sight: it stays until the end.

    The collector still finds what a test leaves, and finds it sooner, because it has little to look at. The warning of a file or
    a socket that nobody closed fails a test as before.
    """
    gc.collect()
    gc.freeze()
