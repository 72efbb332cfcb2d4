"""Tests that other runners run: forge's short campaign of random calls, and what Ape's own fixtures do."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
BIN = Path(sys.executable).parent
SECONDS = 600
FEWER = {"FOUNDRY_FUZZ_RUNS": "15", "FOUNDRY_INVARIANT_RUNS": "1"}
"""Less than a quarter of the runs of the profile. `make deep` has thousands of runs."""
TESTS_IN_SOLIDITY = re.compile(r"\bfunction (?:test|invariant)", re.ASCII)
TESTS_IN_PYTHON = re.compile(r"^def test_", re.ASCII | re.MULTILINE)

pytestmark = pytest.mark.long


def count(pattern: re.Pattern[str], folder: str, suffix: str) -> int:
    """Return how many tests a folder's files hold."""
    return sum(len(pattern.findall(path.read_text("utf-8"))) for path in (ROOT / "tests" / folder).rglob(f"*{suffix}"))


def run(tool: str, *arguments: str, **environment: str) -> str:
    """Return what a runner of tests printed, which ended well."""
    done = subprocess.run(
        [str(BIN / tool), *arguments],
        cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_forge__short_campaign__finds_nothing() -> None:
    """Short, the same each time, and without the optimizer. The long one is a part of `make deep`."""
    printed = run("forge", "test", "--offline", FOUNDRY_PROFILE="quick", **FEWER)
    (passed,) = re.findall(r"(\d+) tests passed, 0 failed, 0 skipped", printed)
    assert int(passed) >= count(TESTS_IN_SOLIDITY, "assurance/forge", ".t.sol") > 0


def test_ape__its_own_tests__pass() -> None:
    printed = run("ape", "test", "tests/ape")
    (passed,) = re.findall(r"(\d+) passed", printed)
    assert int(passed) >= count(TESTS_IN_PYTHON, "ape", ".py") > 0
    assert "skipped" not in printed
