"""What a step keeps of its parts, so that it goes on from there when it is run again for the same sources."""

import json
from pathlib import Path
from threading import Lock
from typing import Any

from tests.assurance.deep.step import digest_of_sources


class Kept:
    """Results of parts of a step, each by a name, in lines of JSON. Those of other sources count for nothing."""

    def __init__(self, folder: Path, step: str) -> None:
        """Read what is there."""
        self._path, self._sources, self._lock = folder / f"{step}.kept.jsonl", digest_of_sources(step), Lock()
        lines = self._path.read_text("utf-8").splitlines() if self._path.is_file() else []
        entries = [json.loads(line) for line in lines]
        self._found = {entry["name"]: entry["result"] for entry in entries if entry["sources"] == self._sources}

    def find(self, name: str) -> Any | None:
        """Return a result, or None if there is none for these sources."""
        return self._found.get(name)

    def keep(self, name: str, result: Any) -> None:
        """Write a result down. Threads may call it."""
        line = json.dumps({"name": name, "sources": self._sources, "result": result})
        with self._lock, self._path.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")
            self._found[name] = result
