"""Runs of the command line: in this process, in a new process, or in a terminal."""

import contextlib
import functools
import inspect
import json
import os
import pty
import select
import shlex
import string
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from nvm_chain import errors
from nvm_chain.cli.app import cli

ROOT = Path(__file__).parent.parent.parent
TERMINAL_SECONDS = 60
COMMAND = (sys.executable, "-m", "nvm_chain.cli")


@dataclass(frozen=True)
class Ran:
    """The outcome of a command: exit code and output."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """The JSON value on stdout. Nothing else may be there."""
        assert self.exit_code == 0, self.stdout + self.stderr
        assert self.stderr == ""
        return json.loads(self.stdout)

    @property
    def error(self) -> Any:
        """The error object on stdout of a command that failed with --json."""
        assert self.exit_code != 0, self.stdout
        assert self.stderr == ""
        return json.loads(self.stdout)["error"]


def told(error: Mapping[str, Any]) -> str:
    """Return the reason and the advice of a JSON error as one text, without the standard advice of its class."""
    fields = error["fields"]
    usual = getattr(errors, error["type"]).advice
    return fields["reason"] if fields["advice"] == usual else f"{fields['reason']}; {fields['advice']}"


def clean_environment(**more: str) -> dict[str, str]:
    """Return this process's environment with a fixed width, without colour, and without settings of the package."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("NVM_CHAIN_")}
    return {**kept, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "80", **more}


def run_cli(*arguments: str, environment: Mapping[str, str] | None = None, typed: str | None = None) -> Ran:
    """Run a command in this process."""
    # Click separates stdout and stderr since 8.2. Older releases need an option for it.
    mixes = "mix_stderr" in inspect.signature(CliRunner).parameters
    runner = functools.partial(CliRunner, mix_stderr=False)() if mixes else CliRunner()
    unset = {key: None for key in os.environ if key.startswith("NVM_CHAIN_")}
    result = runner.invoke(cli, list(arguments), input=typed, env={**unset, **(environment or {})})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ran(result.exit_code, result.stdout, result.stderr)


def run_process(*arguments: str, environment: Mapping[str, str] | None = None) -> Ran:
    """Run a command in a new process with an empty stdin."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        env=clean_environment(**(environment or {})),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def run_terminal(*arguments: str, answers: Mapping[str, str], environment: Mapping[str, str]) -> Ran:
    """Run a command in a terminal, and type an answer when its question appears. ``stdout`` has all output."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        env={**clean_environment(**environment), "TERM": "xterm-256color"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    deadline = time.monotonic() + TERMINAL_SECONDS
    shown, open_questions = "", dict(answers)
    with contextlib.suppress(OSError):  # the read fails after the command has closed the terminal
        while time.monotonic() < deadline:
            if select.select([ours], [], [], 0.05)[0]:
                shown += os.read(ours, 4096).decode()
            for question in [question for question in open_questions if question in shown and _listens(ours, question)]:
                os.write(ours, f"{open_questions.pop(question)}\n".encode())
    os.close(ours)
    return Ran(process.wait(10), shown, "")


def _listens(terminal: int, question: str) -> bool:
    """Return whether the terminal reads an answer now. A terminal drops the input before a password's prompt."""
    echoes = bool(termios.tcgetattr(terminal)[3] & termios.ECHO)
    return not (echoes and question.startswith(("Password", "Repeat")))


def expand(line: str, variables: Mapping[str, str]) -> list[str]:
    """Return the arguments of an example as a shell passes them: without quotes, and with the values of variables."""
    words = shlex.split(string.Template(line.replace("\\\n", " ")).substitute(variables))
    assert words[0] == "nvm-chain"
    return words[1:]
