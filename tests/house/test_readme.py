"""README and docs run: their programs print what they show, their commands exist."""

import functools
import re
import shlex
import sys
from pathlib import Path

import pytest

from tests.support.documents import DOCUMENTS, ROOT, Program, read_commands, read_programs, run, run_program
from tests.support.shell import Ran, run_cli
from tests.support.warm_programs import PROCESSES
from tests.unit.test_cli_help import COMMANDS as OF_THE_PROGRAM

PROCESSES.set_forkserver_preload(["tests.session.warm_services"])
NEED_NOTHING = {"demo", "--json", "--help", "--version"}
RUN_ELSEWHERE = OF_THE_PROGRAM[("demo",)].examples
"""What tests/integration/test_demo.py runs, each as a process of its own. A demo takes many seconds."""
PROGRAMS = [program for document in DOCUMENTS for program in read_programs(document)]
COMMANDS = sorted({command for document in DOCUMENTS for command in read_commands(document)})
OURS = [command for command in COMMANDS if command.startswith("nvm-chain")]
NVM_CHAIN = (sys.executable, "-m", "nvm_chain.cli")


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

```bash
nvm-chain plan shwo $PLAN \\
    --json  # a word that is not there
if ! nvm-chain access $PLAN "$WHO; x"; then echo "no" && nvm-chain order $PLAN; fi
```
"""


def test_read_programs__of_a_sample__pairs_a_program_with_the_output_right_behind(tmp_path: Path) -> None:
    document = tmp_path / "SAMPLE.md"
    document.write_text(SAMPLE, "utf-8")
    assert read_programs(document) == [
        Program("SAMPLE.md:3", "print(1)\n", "1\n"),
        Program("SAMPLE.md:11", "print(2)\n", None),
    ]
    assert read_commands(document) == [
        "make demo",
        "nvm-chain plan show 0x1",
        "nvm-chain plan shwo $PLAN --json",
        'nvm-chain access $PLAN "$WHO; x"',
        'echo "no"',
        "nvm-chain order $PLAN",
    ]


def test_run_program__that_fails__tells_so_and_leaves_the_next_one_as_it_was(tmp_path: Path) -> None:
    """A program has the exit code, the output and the modules of a process of its own."""
    (home := tmp_path / "home").mkdir()
    failed = run_program(Program("a", "import os, sys\nsys.here = os.getcwd()\nprint(sys.here)\n1 / 0\n", None), home)
    assert (failed.returncode, failed.stdout) == (1, f"{home}\n")
    assert "ZeroDivisionError" in failed.stderr
    ended = run_program(Program("b", "import sys\nprint(hasattr(sys, 'here'), __name__)\nsys.exit(7)\n", None), home)
    assert (ended.returncode, ended.stdout) == (7, "False __main__\n")


@pytest.mark.parametrize("command", ["nvm-chain plan shwo $PLAN --json", "nvm-chain plan show $PLAN --jsno"])
def test_find_faults__of_a_command_that_is_not_there__finds_it(command: str) -> None:
    assert find_faults(command)


@pytest.mark.parametrize("command", ["nvm-chain plan show $PLAN --json", "nvm-chain order $PLAN --name a"])
def test_find_faults__of_a_command_that_is_there__finds_none(command: str) -> None:
    assert find_faults(command) == []


# ---------------------------------------------------------------------- the documents


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_program__run_as_it_stands__prints_what_is_shown_behind_it(program: Program, tmp_path: Path) -> None:
    done = run_program(program, tmp_path)
    assert done.returncode == 0, done.stderr
    assert program.output is not None
    assert done.stdout.strip() == program.output.strip()


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


@functools.cache
def read_help(*name: str) -> Ran:
    """Return the help of a command."""
    return run_cli(*name, "--help")


def find_faults(command: str) -> list[str]:
    """Return what of a command does not exist: what its help says if it is not there, else the options that help does not have."""
    words = shlex.split(command)[1:]
    done = read_help(*command_name(words))
    if done.exit_code != 0:
        return [done.stderr]
    known = set(re.findall(r"--[a-z][a-z-]*", done.stdout))
    return [word for word in words if word.startswith("--") and word.partition("=")[0] not in known]


def test_nvm_chain_commands__exist_with_their_options() -> None:
    assert {command: faults for command in OURS if (faults := find_faults(command))} == {}


def test_nvm_chain_commands__that_need_nothing__succeed(tmp_path: Path) -> None:
    for command in OURS:
        words = shlex.split(command)[1:]
        if set(words) <= NEED_NOTHING and command not in RUN_ELSEWHERE:
            done = run([*NVM_CHAIN, *words], tmp_path)
            assert done.returncode == 0, f"{command}: {done.stderr}"
            assert done.stdout.strip(), command
