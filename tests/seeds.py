"""Seeds of random tests: all of those that a test names, or the first few."""

import os
from collections.abc import Sequence
from typing import Final

VARIABLE: Final = "NVM_CHAIN_SEEDS"
"""How many seeds of each test run. `make test` says one, and `make deep` runs all."""


def choose_seeds(*seeds: int) -> Sequence[int]:
    """Return the seeds that run."""
    return seeds[: int(os.environ.get(VARIABLE) or len(seeds))]
