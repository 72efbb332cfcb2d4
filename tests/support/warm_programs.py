"""Programs of the documents, each in a process of its own that is forked when the package has been imported.

A program starts as it would from a file: with its own home, environment and output, and without anything that another one did.
"""

import multiprocessing
import os
from collections.abc import Mapping
from pathlib import Path
from subprocess import CompletedProcess

from tests.support import warm_imports

SECONDS = 300
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload([warm_imports.__name__])


def run_warm(source: str, home: Path, environment: Mapping[str, str]) -> "CompletedProcess[str]":
    """Run a program in a new process, and return its exit code and what it printed."""
    printed = [home.with_name(f"{home.name}.{name}") for name in ("stdout", "stderr")]
    process = PROCESSES.Process(target=_run, args=(source, home, environment, printed))
    process.start()
    process.join(SECONDS)
    if process.exitcode is None:
        process.kill()
        process.join()
    return CompletedProcess(["python"], process.exitcode or 0, *(path.read_text("utf-8") for path in printed))


def _run(source: str, home: Path, environment: Mapping[str, str], printed: list[Path]) -> None:
    """Be the program. An error ends the process with its traceback, as everywhere."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(home)
    for descriptor, path in enumerate(printed, 1):
        with path.open("w") as file:
            os.dup2(file.fileno(), descriptor)
    exec(compile(source, "<program>", "exec"), {"__name__": "__main__"})  # a program of the documents
