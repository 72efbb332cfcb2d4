"""What a step keeps of its parts, so that it goes on from there when it is run again for the same sources.

Proofs take hours, so those that stand are in the repository too. A folder's are written there by

    python -m tests.assurance.deep.kept .deep/7
"""

import hashlib
import json
import sys
from pathlib import Path
from threading import Lock
from typing import Any

from tests.assurance.deep.step import ROOT, hash_files

STEP = "proofs"
"""The step whose results are in the repository."""
COMMITTED = ROOT / "tests" / "assurance" / "deep" / "proofs.kept.jsonl"
PROVED = ("contracts", "tests/assurance/symbolic", "tests/assurance/smt", "foundry.toml", "requirements/halmos.lock")
"""What a proof is about, and what proves it."""
COMPILED = ("@foundry-rs/forge-linux-amd64", "@openzeppelin/contracts", "solady", "solc")
"""The packages of npm that are compiled, or compile."""


def digest_of_proofs() -> str:
    """Return a hash over all that decides whether a property can be proved."""
    packages = json.loads((ROOT / "package-lock.json").read_text("utf-8"))["packages"]
    versions = "".join(f"{name} {packages[f'node_modules/{name}']['integrity']}\n" for name in COMPILED)
    return hashlib.sha256(f"{hash_files(PROVED)}\n{versions}".encode()).hexdigest()


class Kept:
    """Results of parts of the proofs, each by a name, in lines of JSON. Those of other sources count for nothing."""

    def __init__(self, folder: Path) -> None:
        """Read what is there, and what is in the repository."""
        self._path, self._sources, self._lock = folder / f"{STEP}.kept.jsonl", digest_of_proofs(), Lock()
        self._found = {**_read(COMMITTED, self._sources), **_read(self._path, self._sources)}

    def find(self, name: str) -> Any | None:
        """Return a result, or None if there is none for these sources."""
        return self._found.get(name)

    def keep(self, name: str, result: Any) -> None:
        """Write a result down. Threads may call it."""
        line = json.dumps({"name": name, "sources": self._sources, "result": result})
        with self._lock, self._path.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")
            self._found[name] = result

    def commit(self) -> int:
        """Write all that stands into the repository, and return how many results there are."""
        entries = [{"name": name, "sources": self._sources, "result": found} for name, found in self._found.items()]
        lines = [json.dumps(entry) for entry in sorted(entries, key=lambda entry: str(entry["name"]))]
        COMMITTED.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        return len(lines)


def _read(path: Path, sources: str) -> dict[str, Any]:
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    entries = [json.loads(line) for line in lines]
    return {entry["name"]: entry["result"] for entry in entries if entry["sources"] == sources}


if __name__ == "__main__":
    print(f"{Kept(Path(sys.argv[1])).commit()} results stand in {COMMITTED.name}")
