"""The committed answers of path-to-regexp are those that it gives."""

import subprocess
from pathlib import Path

VECTORS = Path(__file__).parent.parent / "vectors"


def test_vectors__are_those_that_path_to_regexp_gives() -> None:
    command = ["node", str(VECTORS / "endpoints.mjs")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == (VECTORS / "endpoints.json").read_text("utf-8")
