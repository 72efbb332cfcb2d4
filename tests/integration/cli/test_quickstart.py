"""The shell part of docs/quickstart.md, run by bash as it stands, on an anvil of its own."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.anvil import run_anvil
from tests.support.documents import DOCS, FENCE
from tests.support.shell import clean_environment

pytestmark = pytest.mark.long

NODE = "http://127.0.0.1:8545"
"""Where anvil listens if nothing else is said."""
(BLOCK,) = [block[2] for block in FENCE.finditer((DOCS / "quickstart.md").read_text("utf-8")) if NODE in block[2]]
COMMANDS = [line.removeprefix("$ ") for line in BLOCK.splitlines() if line.startswith("$ ")]
SHOWN = [line for line in BLOCK.splitlines() if not line.startswith("$ ")]


def conceal(text: str) -> list[str]:
    """Return output with dots for what is different each time: hashes, and gas."""
    return re.sub(r"^(gas +)[\d,]+$", r"\1…", re.sub(r"0x[0-9a-f]{64}", "0x…", text), flags=re.MULTILINE).splitlines()


def test_quickstart__in_the_shell__prints_what_is_shown(tmp_path: Path) -> None:
    command = tmp_path / "bin" / "nvm-chain"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m nvm_chain.cli "$@"\n', "utf-8")
    command.chmod(0o755)
    with run_anvil() as url:
        script = "set -euo pipefail\n" + "\n".join(COMMANDS).replace(NODE, url)
        environment = clean_environment()
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=tmp_path,
            env={**environment, "PATH": f"{command.parent}:{environment['PATH']}"},
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert done.returncode == 0, done.stderr
    assert len(SHOWN) > 5
    assert conceal(done.stdout) == SHOWN
