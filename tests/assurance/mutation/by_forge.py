"""Forge's own tests of the contracts, without its campaigns: a judge that compiles the mistake anew, and can put an account into any state."""

import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.assurance.mutation.compiler import ROOT
from tests.assurance.mutation.processes import run_limited

UNIT: Final = "tests/assurance/forge/unit/*"
_SECONDS: Final = 600
_GAS: Final = str(10**10)
"""Of one test: more than any needs, and soon used up by a loop that does not end."""
_SETTINGS: Final = {"FOUNDRY_PROFILE": "quick", "FOUNDRY_GAS_LIMIT": _GAS, "NO_COLOR": "1"}
_FAILED: Final = re.compile(r"^\[FAIL.*?\] (\w+)\(", re.MULTILINE)


class ForgeCopy:
    """A copy of the contracts and of forge's tests, in which one file after the other is wrong. Kept, as forge compiles only what changed."""

    def __init__(self) -> None:
        """Copy all that forge needs. The folder goes when this object goes."""
        self._folder = tempfile.TemporaryDirectory(prefix="nvm_chain-forge-")
        root = self.root = Path(self._folder.name)
        for folder in ("contracts", "tools", "tests/assurance/forge"):
            shutil.copytree(ROOT / folder, root / folder)
        shutil.copytree((ROOT / ".solc").resolve(), root / ".solc", symlinks=True)
        shutil.copy(ROOT / "foundry.toml", root)
        (root / "node_modules").symlink_to((ROOT / "node_modules").resolve())

    def judge(self, files: Mapping[str, str]) -> str | None:
        """Return the first of forge's tests that fails with these files, or None. Files are as they were afterwards."""
        for path, text in files.items():
            (self.root / path).write_text(text, "utf-8")
        try:
            return self._run()
        finally:
            for path in files:
                shutil.copy(ROOT / path, self.root / path)

    def _run(self) -> str | None:
        command = [str(ROOT / ".venv/bin/forge"), "test", "--offline", "--match-path", UNIT, "--fail-fast"]
        done = run_limited(command, _SECONDS, self.root, _SETTINGS)
        if done is None:
            return f"TooLong: more than {_SECONDS} seconds"
        if done.code == 0:
            return None
        found = _FAILED.search(done.text)
        if found is None:
            raise RuntimeError(f"forge ended with {done.code}: {done.text[-4000:]}")
        return f"forge: {found[1]}"
