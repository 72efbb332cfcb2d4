"""The behaviour tests: the judge that is asked about what histories do not find. They run on anvil, for its speed."""

import json
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.assurance.mutation.compiler import ROOT, Target
from tests.assurance.mutation.processes import run_limited

EVERYTHING: Final = ("tests/contracts", "tests/attacks", "tests/conformance")
"""All behaviour tests, as far as they are there."""
LARGEST: Final = 24_576
"""More bytes no chain takes, so the behaviour tests would fail for that alone."""
_SECONDS: Final = 1200
"""Several times what the unmutated copy takes; a mutant may go round in circles."""
TOO_LONG: Final = f"TooLong: more than {_SECONDS} seconds"
_TRIES: Final = 3
_SPLIT: Final = re.compile(r"\[| - ")
"""What comes after a test's name: which of its examples, and why."""
_NO_TESTS: Final = 5
"""What pytest ends with if there was nothing to run: some files have nothing but random examples, which are not run on anvil."""


class BrokenRunner(Exception):
    """What judges does not do what it should with a contract of which the verdict is known."""


def judge_by_tests(target: Target, code: tuple[str, str], files: Sequence[str], workers: int = 0) -> str | None:
    """Return the first test that fails with a contract's creation and runtime code, or None.

    A test counts if it fails again alone: what fails once may have failed for a machine that was busy.
    """
    with tempfile.TemporaryDirectory(prefix="nvm_chain-mutant-") as folder:
        _write_artifacts(Path(folder), target, code)
        for _ in range(_TRIES):
            found = _run(Path(folder), files, workers)
            if found is None:
                return None
            if _run(Path(folder), [_SPLIT.split(found)[0]] if found != TOO_LONG else files, 0):
                return found
    raise BrokenRunner(f"{found} fails and passes")


def _write_artifacts(folder: Path, target: Target, code: tuple[str, str]) -> None:
    for path in (ROOT / "nvm_chain/chain/data").glob("*.json"):
        artifact = json.loads(path.read_text("utf-8"))
        if artifact.get("name") == target[1]:
            artifact |= {"creation_code": f"0x{code[0]}", "runtime_code": f"0x{code[1]}"}
        (folder / path.name).write_text(json.dumps(artifact), "utf-8")


def _run(artifacts: Path, files: Sequence[str], workers: int) -> str | None:
    options = ["-x", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "-n", str(workers), "--chain", "anvil"]
    command = [sys.executable, "-m", "pytest", *options, *files]
    done = run_limited(command, _SECONDS, ROOT, {"NVM_CHAIN_ARTIFACTS": str(artifacts)})
    if done is None:
        return TOO_LONG
    if done.code in {0, _NO_TESTS}:
        return None
    # With several workers, pytest calls a run interrupted that stops at the first failure.
    found = re.search(r"^(?:FAILED|ERROR) (.*)$", done.text, re.MULTILINE)
    if done.code not in {1, 2} or found is None:
        raise BrokenRunner(f"pytest ended with {done.code}: {done.text[-4000:]}")
    return found[1][:300]


def all_test_files() -> list[str]:
    """Return the folders of all behaviour tests."""
    return [folder for folder in EVERYTHING if (ROOT / folder).is_dir()]
