"""The compiled contracts of tests/wallets/contracts, kept in .build until a source or the compiler's settings change."""

import hashlib
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

from tools.compile_contracts import ROOT, VERSION, build_input, compile_input

SOURCES = Path(__file__).parent / "contracts"
FOLDER = ROOT / ".build"


@cache
def read_contracts() -> dict[str, dict[str, Any]]:
    """Return the artifact of each contract, by name. Compiles them if the kept ones are of other sources."""
    paths = sorted(path.relative_to(ROOT).as_posix() for path in SOURCES.glob("*.sol"))
    asked = build_input(ROOT, paths)
    name = hashlib.sha256((VERSION + json.dumps(asked, sort_keys=True)).encode()).hexdigest()[:16]
    kept = FOLDER / f"wallets-{name}.json"
    if not kept.is_file():
        _keep(kept, json.dumps(compile_input(asked)))
    contracts: dict[str, dict[str, Any]] = json.loads(kept.read_text("utf-8"))
    return contracts


def _keep(path: Path, text: str) -> None:
    """Write a file whole, because several processes may compile at the same time. Removes the files of older sources."""
    FOLDER.mkdir(exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}")
    unfinished.write_text(text, "utf-8")
    unfinished.replace(path)
    for other in set(FOLDER.glob("wallets-*.json")) - {path}:
        other.unlink(missing_ok=True)
