"""Runs forge's linter on the contracts that ship, and puts what it says into words that do not change with line numbers."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.assurance.static.ledger import Find
from tests.assurance.static.project import ROOT, find_shipped


def find_lint(root: Path = ROOT) -> list[Find]:
    """Return all that `forge lint` says, of whatever severity."""
    forge = ROOT / ".venv" / "bin" / "forge"
    if not forge.exists():
        pytest.fail("forge is not there: run `make check`, which sets it up")
    done = subprocess.run([str(forge), "lint", "--json", *find_shipped(root)], cwd=root, capture_output=True, text=True)
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    if done.returncode or any(not line.startswith("{") for line in lines):
        pytest.fail(f"forge lint did not get through:\n{done.stderr[-2000:]}", pytrace=False)
    return sorted((_describe(json.loads(line)) for line in lines), key=str)


def _describe(said: dict[str, Any]) -> Find:
    span = next(span for span in said["spans"] if span["is_primary"])
    text = span["text"][0]
    code = text["text"][text["highlight_start"] - 1 : text["highlight_end"] - 1].strip()
    return {"rule": said["code"]["code"], "place": span["file_name"], "code": code}
