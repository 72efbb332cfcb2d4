"""The programs and commands in README and docs/, and ways to run them."""

import os
import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.support.warm_programs import run_warm

ROOT = Path(__file__).parent.parent.parent
README = ROOT / "README.md"
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
DOCUMENTS = [README, *PAGES]
SHELLS = {"bash", "sh", "shell", "zsh"}
JOINERS = {"!", "do", "done", "elif", "else", "fi", "if", "then", "until", "while"}
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Program:
    """A Python block of a document, and its output if the next block shows it."""

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
    """Return the commands in a document, without comments.

    In a console block, commands follow a dollar sign. In a shell block each line is a command. The commands behind
    `if`, `then` and `&&` count too.
    """
    found: list[str] = []
    for block in FENCE.finditer(document.read_text("utf-8")):
        lines = block[2].replace("\\\n", " ").splitlines()
        if block[1] == "console":
            found += [line[2:].partition("  #")[0].strip() for line in lines if line.startswith("$ ")]
        elif block[1] in SHELLS:
            found += [command for line in lines for command in split_line(line)]
    return found


def split_line(line: str) -> list[str]:
    """Return the commands on a line of shell, without words such as `if` and `&&` between them."""
    words = shlex.shlex(line, posix=False, punctuation_chars=";&|()")
    words.whitespace_split = True
    commands: list[list[str]] = [[]]
    for word in words:
        if set(word) <= set(";&|()"):
            commands.append([])
        elif commands[-1] or word not in JOINERS:
            commands[-1].append(word)
    return [" ".join(command) for command in commands if command]


def build_environment(home: Path) -> dict[str, str]:
    """Return an environment with an empty home folder and this checkout's package."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("NVM_CHAIN_", "PYTEST_", "COV_"))}
    return {**kept, "HOME": str(home), "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "100"}


def run(command: list[str], home: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in its home folder."""
    environment = build_environment(home)
    return subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, timeout=300)


def run_program(program: Program, home: Path) -> subprocess.CompletedProcess[str]:
    """Run a Python block as a program of its own."""
    return run_warm(program.source, home, build_environment(home))
