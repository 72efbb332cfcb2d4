"""Commands of `nvm-chain` as forks of a process that has imported the package, for pages on which a shell runs dozens of them.

A fork has the arguments, the folder, the environment, and the standard input and output of the command that a shell started.
Importing takes most of the time of a command. Tests of how the program starts and ends use processes of their own.
"""

import contextlib
import gc
import json
import os
import random
import runpy
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from tests.support.anvil import ROOT, wait_until

CLIENT: Final = Path(__file__).with_name("warm_client.py")
LOADED: Final = ("nvm_chain.cli.app", "nvm_chain.operations.orders", "nvm_chain.gateway.opening")
"""What commands import later."""
SECONDS: Final = 120


@contextlib.contextmanager
def open_warm_commands(folder: Path) -> Iterator[str]:
    """Start the process, with its socket in a folder, until the block ends. Yield the shell's words for `nvm-chain`."""
    path = folder / "warm"
    with subprocess.Popen(
        [sys.executable, "-m", __name__, str(path)], cwd=ROOT, stdin=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            assert wait_until(lambda: process.poll() is not None or path.exists(), SECONDS)
            assert process.poll() is None
            yield shlex.join([sys.executable, "-I", "-S", str(CLIENT), str(path)])
        finally:
            process.terminate()


def main() -> None:
    """Import the package, and start a fork for each command until this process is told to end."""
    for name in LOADED:
        import_module(name)
    gc.freeze()  # so that no fork copies what it does not change
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{sys.argv[1]}.new")
        listener.listen()
        Path(f"{sys.argv[1]}.new").rename(sys.argv[1])
        while True:
            line, _ = listener.accept()
            with contextlib.suppress(ChildProcessError):  # there is none yet
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            if not os.fork():
                listener.close()
                return _serve(line)
            line.close()


def _serve(line: socket.socket) -> None:
    """Run one command in a fork of this fork, and tell its process id and its exit code."""
    _, files, _, _ = socket.recv_fds(line, 1, 4)
    with line.makefile() as told:
        asked = json.load(told)
    child = os.fork()
    if not child:
        line.close()
        return _become(files, *asked)
    for file in (0, 1, 2, *files):  # who reads the command's output waits until nobody has it
        os.close(file)
    line.sendall(f"{child}\n".encode())
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    line.sendall(f"{code if code >= 0 else 128 - code}\n".encode())
    os._exit(0)


def _become(files: list[int], arguments: list[str], environment: dict[str, Any]) -> None:
    """Be the command."""
    os.fchdir(files[-1])
    for standard, file in enumerate(files[:-1]):
        os.dup2(file, standard)
    for file in files:
        os.close(file)
    os.environ.clear()
    os.environ.update(environment)
    random.seed()
    sys.argv = ["nvm-chain", *arguments]
    runpy.run_module("nvm_chain.cli", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
