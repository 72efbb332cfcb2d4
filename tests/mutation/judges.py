"""Who finds a mistake: random histories beside a model first, which take a second, then the behaviour tests."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

from tests.invariants.registry import run_registry_history
from tests.invariants.running import run_history
from tests.mutation.compiler import CREDITS, ROOT, Target

History = tuple[str, int, int]
HISTORIES: Final[tuple[History, ...]] = (
    ("usual", 101, 150),
    ("terms", 102, 150),
    ("numbers", 103, 300),
    ("usual", 104, 500),
    ("usual", 105, 1200),
)
"""Mood, seed and length: most mistakes are found by the first."""
EVERYTHING: Final = ("tests/contracts", "tests/attacks", "tests/conformance")
"""All behaviour tests, as far as they are there."""
LARGEST: Final = 24_576
"""More bytes no chain takes, so the behaviour tests would fail for that alone."""
_HISTORY_SECONDS: Final = 120
_TEST_SECONDS: Final = 1800
"""Several times what the unmutated copy takes; a mutant may go round in circles."""


class TooLong(Exception):
    """A judge took much longer than it ever does."""


class BrokenRunner(Exception):
    """What judges does not do what it should with a contract of which the verdict is known."""


def judge_by_histories(target: Target, creation: str, histories: Sequence[History] = HISTORIES) -> str | None:
    """Return what a history finds wrong with a contract's code, or None."""
    code = bytes.fromhex(creation)
    for mood, seed, steps in histories:
        try:
            with _time_limit(_HISTORY_SECONDS):
                if target == CREDITS:
                    run_history(seed, steps, code, mood, shrink_seconds=0)
                else:
                    run_registry_history(seed, steps, code)
        except Exception as error:  # noqa: BLE001  whatever goes wrong with a mutant shows the mistake
            return f"{mood} {seed}: {type(error).__name__}: {error}".partition("\n")[0][:300]
    return None


def judge_by_tests(target: Target, code: tuple[str, str], files: Sequence[str], workers: int = 0) -> str | None:
    """Return the first test that fails with a contract's creation and runtime code, or None."""
    with tempfile.TemporaryDirectory(prefix="nvm_chain-mutant-") as folder:
        for path in (ROOT / "nvm_chain/data").glob("*.json"):
            artifact = json.loads(path.read_text("utf-8"))
            if artifact.get("name") == target[1]:
                artifact |= {"creation_code": f"0x{code[0]}", "runtime_code": f"0x{code[1]}"}
            (Path(folder) / path.name).write_text(json.dumps(artifact), "utf-8")
        options = ["-x", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "-n", str(workers)]
        command = [sys.executable, "-m", "pytest", *options, *files]
        environment = {**os.environ, "NVM_CHAIN_ARTIFACTS": folder}
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=_TEST_SECONDS
            )
        except subprocess.TimeoutExpired:
            return f"TooLong: more than {_TEST_SECONDS} seconds"
    if done.returncode == 0:
        return None
    # With several workers, pytest calls a run interrupted that stops at the first failure.
    found = re.search(r"^(?:FAILED|ERROR) (.*)$", done.stdout, re.MULTILINE)
    if done.returncode not in {1, 2} or found is None:
        raise BrokenRunner(f"pytest ended with {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return found[1][:300]


def all_test_files() -> list[str]:
    """Return the folders of all behaviour tests."""
    return [folder for folder in EVERYTHING if (ROOT / folder).is_dir()]


@contextmanager
def _time_limit(seconds: int) -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise TooLong(f"more than {seconds} seconds")

    previous = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)
