"""The behaviour tests: the judge that is asked about what histories do not find. They run on anvil, for its speed."""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.mutation.compiler import ROOT, Target

EVERYTHING: Final = ("tests/contracts", "tests/attacks", "tests/conformance")
"""All behaviour tests, as far as they are there."""
LARGEST: Final = 24_576
"""More bytes no chain takes, so the behaviour tests would fail for that alone."""
_SECONDS: Final = 1200
"""Several times what the unmutated copy takes; a mutant may go round in circles."""
_NO_TESTS: Final = 5
"""What pytest ends with if there was nothing to run: some files have nothing but random examples, which are not run on anvil."""


class BrokenRunner(Exception):
    """What judges does not do what it should with a contract of which the verdict is known."""


def judge_by_tests(target: Target, code: tuple[str, str], files: Sequence[str], workers: int = 0) -> str | None:
    """Return the first test that fails with a contract's creation and runtime code, or None."""
    with tempfile.TemporaryDirectory(prefix="nvm_chain-mutant-") as folder:
        for path in (ROOT / "nvm_chain/data").glob("*.json"):
            artifact = json.loads(path.read_text("utf-8"))
            if artifact.get("name") == target[1]:
                artifact |= {"creation_code": f"0x{code[0]}", "runtime_code": f"0x{code[1]}"}
            (Path(folder) / path.name).write_text(json.dumps(artifact), "utf-8")
        options = ["-x", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "-n", str(workers), "--chain", "anvil"]
        command = [sys.executable, "-m", "pytest", *options, *files]
        environment = {**os.environ, "NVM_CHAIN_ARTIFACTS": folder}
        try:
            done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            return f"TooLong: more than {_SECONDS} seconds"
    if done.returncode in {0, _NO_TESTS}:
        return None
    # With several workers, pytest calls a run interrupted that stops at the first failure.
    found = re.search(r"^(?:FAILED|ERROR) (.*)$", done.stdout, re.MULTILINE)
    if done.returncode not in {1, 2} or found is None:
        raise BrokenRunner(f"pytest ended with {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return found[1][:300]


def all_test_files() -> list[str]:
    """Return the folders of all behaviour tests."""
    return [folder for folder in EVERYTHING if (ROOT / folder).is_dir()]
