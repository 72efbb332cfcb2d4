"""The documents, README and docs/: their programs, the commands they show, and how they are run."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
README = ROOT / "README.md"
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
DOCUMENTS = [README, *PAGES]
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Program:
    """A Python block of a document, and the output shown right behind it, if any."""

    name: str
    source: str
    output: str | None


def read_programs(document: Path) -> list[Program]:
    """Return a document's Python blocks."""
    text, programs = document.read_text("utf-8"), []
    blocks = list(FENCE.finditer(text))
    for number, block in enumerate(blocks):
        if block[1] != "python":
            continue
        follower = blocks[number + 1] if number + 1 < len(blocks) else None
        shown = follower is not None and follower[1] == "text" and not text[block.end() : follower.start()].strip()
        line = text.count("\n", 0, block.start()) + 1
        programs.append(Program(f"{document.name}:{line}", block[2], follower[2] if shown and follower else None))
    return programs


def read_commands(document: Path) -> list[str]:
    """Return the commands of a document's console blocks: what follows a dollar sign, without comments."""
    blocks = [block[2] for block in FENCE.finditer(document.read_text("utf-8")) if block[1] == "console"]
    return [
        line[2:].partition("  #")[0].strip() for text in blocks for line in text.splitlines() if line.startswith("$ ")
    ]


def run(command: list[str], home: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in an empty home folder, with this checkout's package."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("NVM_CHAIN_", "PYTEST_", "COV_"))}
    environment = {**kept, "HOME": str(home), "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "100"}
    return subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, timeout=300)


def run_program(program: Program, home: Path) -> subprocess.CompletedProcess[str]:
    """Run a program as if it had been copied from its document."""
    return run([sys.executable, "-c", program.source], home)
