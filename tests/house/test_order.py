"""The exact gas table is compared after every other test: a mistake in a contract shows by what it does first."""

import subprocess
import sys

from tests.assurance.deep.step import ROOT


def test_collection__with_the_gas_table__has_it_last_however_it_is_shuffled() -> None:
    """With this seed the shuffled order has it first."""
    options = ["--collect-only", "-q", "-n", "0", "--randomly-seed=1"]
    command = [sys.executable, "-m", "pytest", *options, "tests/bench/gas", "tests/unit/test_ids.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    places = [line.startswith("tests/bench/gas/") for line in done.stdout.splitlines() if "::" in line]
    assert (True in places, places) == (True, sorted(places))
