"""Every file of this repository that a document names is there."""

import re
from functools import cache
from pathlib import Path

import pytest

from tests.support.documents import DOCUMENTS, ROOT

PAGES = [*DOCUMENTS, ROOT / "SECURITY.md", ROOT / "CONTRIBUTING.md"]
ROOMS = ("nvm_chain", "contracts", "docs", "tests", "tools", "scripts")
URL = re.compile(r"https?://\S+")
NAMED = re.compile(r"(?<![\w/.{<$*-])((?:[\w-]+/)+[\w-]+(?:\.[\w-]+)*\.(?:py|sol|md|toml|ya?ml|sh|svg|json|txt))\b")
MADE = re.compile(r"build/|deployments/|\.?venv/")
"""Paths of what commands write."""


@cache
def list_files() -> frozenset[str]:
    """Return every file of the rooms, by its path from the root."""
    return frozenset(str(path.relative_to(ROOT)) for room in ROOMS for path in (ROOT / room).rglob("*.*"))


def find_missing(text: str, folder: Path = ROOT) -> list[str]:
    """Return the paths that a text names and that are not there: from the root, from the page's folder, or the end of one."""
    named = {path for path in NAMED.findall(URL.sub("", text)) if not MADE.match(path)}
    return sorted(
        path for path in named if not any((base / path).exists() for base in (ROOT, folder)) and not is_end(path)
    )


def is_end(path: str) -> bool:
    """Return whether a path is the end of a file's, as `errors/base.py` is."""
    return any(file.endswith(f"/{path}") for file in list_files())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_paths__that_a_page_names__are_there(page: Path) -> None:
    assert find_missing(page.read_text("utf-8"), page.parent) == []


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("`nvm_chain/payments/face.py` and payments/desk.py", ["nvm_chain/payments/face.py", "payments/desk.py"]),
        ("see [Credits](contracts/Credits.sol), `contracts/credits/Credits.sol`", ["contracts/Credits.sol"]),
        ("`errors/base.py`, ../docs/cli.md, `build/Credits.standard.json`, https://example.com/a/b.py", []),
    ],
)
def test_find_missing__of_a_text__finds_paths_of_before(text: str, missing: list[str]) -> None:
    assert find_missing(text) == missing
