"""README and docs run: their programs print what they show, their commands exist."""

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
README = ROOT / "README.md"
DOCUMENTS = [path for path in (README, *sorted((ROOT / "docs").rglob("*.md"))) if path.is_file()]
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NEED_NOTHING = {"demo", "--json", "--help", "--version"}


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


PROGRAMS = [program for document in DOCUMENTS for program in read_programs(document)]
COMMANDS = sorted({command for document in DOCUMENTS for command in read_commands(document)})
OURS = [command for command in COMMANDS if command.startswith("nvm-chain")]
NVM_CHAIN = (sys.executable, "-m", "nvm_chain.cli")


def run(command: list[str], home: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in an empty home folder, with this checkout's package."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("NVM_CHAIN_", "PYTEST_", "COV_"))}
    environment = {**kept, "HOME": str(home), "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "100"}
    return subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, timeout=300)


# ---------------------------------------------------------------------- how blocks are found

SAMPLE = """Text.

```python
print(1)
```

```text
1
```

```python
print(2)
```

Words in between.

```text
not its output
```

```console
$ make demo      # takes seconds
$ nvm-chain plan show 0x1
printed
```
"""


def test_read_programs__of_a_sample__pairs_a_program_with_the_output_right_behind(tmp_path: Path) -> None:
    document = tmp_path / "SAMPLE.md"
    document.write_text(SAMPLE, "utf-8")
    assert read_programs(document) == [
        Program("SAMPLE.md:3", "print(1)\n", "1\n"),
        Program("SAMPLE.md:11", "print(2)\n", None),
    ]
    assert read_commands(document) == ["make demo", "nvm-chain plan show 0x1"]


# ---------------------------------------------------------------------- the documents


def test_readme__has_a_program_with_its_output() -> None:
    shown = [program for program in PROGRAMS if program.name.startswith("README.md:") and program.output is not None]
    assert shown


def test_programs__run_and_print_what_is_shown(tmp_path: Path) -> None:
    for program in PROGRAMS:
        done = run([sys.executable, "-c", program.source], tmp_path)
        assert done.returncode == 0, f"{program.name}: {done.stderr}"
        if program.output is not None:
            assert done.stdout.strip() == program.output.strip(), program.name


def test_make_commands__have_their_targets() -> None:
    targets = re.findall(r"^(\w+):.*##", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    for command in COMMANDS:
        if command.startswith("make "):
            assert {word for word in shlex.split(command)[1:] if "=" not in word} <= set(targets), command


def test_ape_commands__have_their_script() -> None:
    scripts = {shlex.split(command)[2] for command in COMMANDS if command.startswith("ape run ")}
    assert scripts <= {path.stem for path in (ROOT / "scripts").glob("*.py")}


def command_name(words: list[str]) -> list[str]:
    """Return the words that name a command: at most two, before options and values."""
    found = re.match(r"(?:[a-z][a-z-]* ?)*", " ".join(words))
    return found[0].split()[:2] if found else []


def test_nvm_chain_commands__exist_with_their_options(tmp_path: Path) -> None:
    for command in OURS:
        words = shlex.split(command)[1:]
        done = run([*NVM_CHAIN, *command_name(words), "--help"], tmp_path)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        assert [word for word in words if word.startswith("--") and word.partition("=")[0] not in done.stdout] == []


def test_nvm_chain_commands__that_need_nothing__succeed(tmp_path: Path) -> None:
    for command in OURS:
        words = shlex.split(command)[1:]
        if set(words) <= NEED_NOTHING:
            done = run([*NVM_CHAIN, *words], tmp_path)
            assert done.returncode == 0, f"{command}: {done.stderr}"
            assert done.stdout.strip(), command
