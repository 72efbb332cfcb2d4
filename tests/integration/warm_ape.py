"""Ape, loaded once: each run is a fork of a process that has loaded it, with arguments, input and output of its own.

Loading takes most of the time of a command that says no. The process reads jobs as lines of JSON, and answers with exit codes.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path

from tests.support.anvil import ROOT

BIN = Path(sys.executable).parent
LOADED = ("ape_ethereum.provider", "ape_foundry.provider", "ape_test.provider", "nvm_chain.operations.deployment")
"""What a run would load later. py-evm, which comes with ape_test, takes the most time."""


class WarmApe:
    """The process that has loaded Ape."""

    def __init__(self, process: "subprocess.Popen[str]", folder: Path) -> None:
        """Take the process, and a folder for what runs print."""
        self._process, self._folder = process, folder

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run `ape` with these arguments, and without a terminal."""
        printed = [self._folder / name for name in ("stdout", "stderr")]
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([arguments, list(map(str, printed))]) + "\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        return subprocess.CompletedProcess(["ape", *arguments], code, *(path.read_text("utf-8") for path in printed))


@contextlib.contextmanager
def open_warm_ape(folder: Path, environment: Mapping[str, str]) -> Iterator[WarmApe]:
    """Start the process in the folder of the project, until the block ends."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.integration.warm_ape"],
        cwd=ROOT,
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield WarmApe(process, folder)


def main() -> None:
    """Load Ape and the script, and run jobs until there are no more."""
    sys.path[0] = str(BIN)  # as for the command
    from ape._cli import cli

    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere), contextlib.suppress(SystemExit):
        cli(["run", "deploy", "--help"])
    for name in LOADED:
        import_module(name)
    for line in sys.stdin:
        arguments, printed = json.loads(line)
        child = os.fork()
        if not child:
            _become(arguments, printed)
            sys.exit(cli())
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _become(arguments: Sequence[str], printed: Sequence[str]) -> None:
    sys.argv = [str(BIN / "ape"), *arguments]
    for descriptor, path in enumerate((os.devnull, *printed)):
        opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)


if __name__ == "__main__":
    main()
