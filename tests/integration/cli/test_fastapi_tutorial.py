"""The tutorial of FastAPI, done as it stands: its files are saved, its commands are run by one bash, its servers are processes.

Its two dozen commands are forks of one process that has imported the package.
"""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.session.warm_commands import open_warm_commands
from tests.support.anvil import find_anvil, wait_until
from tests.support.documents import DOCS, FENCE
from tests.support.shell import clean_environment

pytestmark = pytest.mark.long

PAGE = DOCS / "tutorials" / "fastapi.md"
INSTALL = 'pip install ".[gateway]"'
"""Marks the block that installs packages. They are those of the environment of the tests."""
OWN_TERMINAL = "    # in a terminal of its own"
STOP = "stop the gateway with Ctrl-C"
"""What the page says where the reader has to stop the gateway."""
PORTS = ("8545", "8000", "8402")
END = "end-of-command"
SECONDS = 120


def find_ports() -> dict[str, str]:
    """Return a free port in place of each one of the page."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in PORTS]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return {port: str(probe.getsockname()[1]) for port, probe in zip(PORTS, probes, strict=True)}


@dataclass
class Reader:
    """Somebody who does what the page says, in a folder of their own."""

    folder: Path
    ports: dict[str, str]
    environment: dict[str, str]
    shell: "subprocess.Popen[str]"
    servers: "dict[str, subprocess.Popen[bytes]]" = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)

    def save(self, source: str) -> None:
        """Save a program under the name in its first line."""
        name = source.partition("\n")[0].removeprefix("# ")
        (self.folder / name).write_text(self.place(source), "utf-8")

    def place(self, text: str) -> str:
        """Return a text with free ports in place of its own. anvil has no option for its usual one."""
        for usual, port in self.ports.items():
            text = text.replace(f"127.0.0.1:{usual}", f"127.0.0.1:{port}").replace(f"--port {usual}", f"--port {port}")
        return f"{text} --port {self.ports['8545']}" if text == "anvil" else text

    def run(self, command: str) -> str:
        """Run a command in the terminal, and return what it prints, as the page would show it."""
        self.commands.append(command)
        assert self.shell.stdin is not None
        assert self.shell.stdout is not None
        self.shell.stdin.write(f"{self.place(command)}\necho {END} $?\n")
        self.shell.stdin.flush()
        lines: list[str] = []
        for line in self.shell.stdout:
            if line.startswith(END):
                assert line.split()[1] == "0", (command, lines, (self.folder / "stderr").read_text())
                break
            lines.append(line)
        return self.conceal("".join(lines))

    def conceal(self, text: str) -> str:
        """Return output with dots for ids, and with the page's ports."""
        text = re.sub(r"(0x|did:nv:)[0-9a-f]{64}", r"\1…", text)
        for usual, port in self.ports.items():
            text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{usual}")
        return text

    def start(self, command: str) -> None:
        """Start a server in a terminal of its own, and wait until it listens."""
        self.commands.append(command)
        log = (self.folder / f"log{len(self.servers)}").open("wb")
        with log:
            server = subprocess.Popen(
                ["bash", "-c", f"exec {self.place(command)}"],
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        port = PORTS[["anvil", "uvicorn", "nvm-chain"].index(command.split(maxsplit=1)[0])]
        self.servers[command] = server
        assert wait_until(lambda: server.poll() is not None or self.listens(port), SECONDS)
        assert server.poll() is None, Path(log.name).read_text("utf-8")

    def listens(self, port: str) -> bool:
        """Return whether somebody listens on a port of the page."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", int(self.ports[port]))) == 0

    def stop(self, command: str) -> int:
        """Press Ctrl-C in the terminal of a server, and return its exit code."""
        self.servers[command].send_signal(signal.SIGINT)
        return self.servers[command].wait(SECONDS)


@contextmanager
def reading(folder: Path, nvm_chain: str) -> Iterator[Reader]:
    """Open the terminals of a reader. At the end, everything that was started has ended."""
    tools = folder / "bin"
    tools.mkdir()
    for name, command in (
        ("nvm-chain", nvm_chain),
        ("uvicorn", f'"{sys.executable}" -m uvicorn'),
        ("python", f'"{sys.executable}"'),
        ("anvil", f'"{find_anvil()}"'),
    ):
        (tools / name).write_text(f'#!/bin/sh\nexec {command} "$@"\n', "utf-8")
        (tools / name).chmod(0o755)
    place = folder / "quotes"
    place.mkdir()
    usual = clean_environment(HOME=str(folder))
    environment = {**usual, "PATH": f"{tools}:{usual['PATH']}"}
    with (place / "stderr").open("wb") as errors:
        shell = subprocess.Popen(
            ["bash", "--norc"],
            cwd=place,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    reader = Reader(place, find_ports(), environment, shell)
    try:
        yield reader
    finally:
        shell.communicate()
        for server in reversed(reader.servers.values()):
            if server.poll() is None:
                server.send_signal(signal.SIGINT)
                server.wait(SECONDS)


def read_console(block: str) -> Iterator[tuple[str, str]]:
    """Yield the commands of a block, each with what is shown below it."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        yield command, shown


def test_tutorial__done_as_it_stands__prints_what_is_shown(tmp_path: Path) -> None:
    text = PAGE.read_text("utf-8")
    end = 0
    with open_warm_commands(tmp_path) as nvm_chain, reading(tmp_path, nvm_chain) as reader:
        for block in FENCE.finditer(text):
            if STOP in text[end : block.start()]:
                assert reader.stop("nvm-chain gateway run") == 0
            end = block.end()
            if block[1] == "py":
                reader.save(block[2])
            elif INSTALL not in block[2]:
                assert block[1] == "console"
                do(reader, block[2])
        assert [command.split()[0] for command in reader.servers] == ["uvicorn", "anvil", "nvm-chain"]
        assert len(reader.commands) > 20
        assert 'password = "sealed:redeemer"\n' in (reader.folder / "sepolia" / "gateway.toml").read_text("utf-8")
    assert not any(map(reader.listens, PORTS))


def do(reader: Reader, block: str) -> None:
    """Do the commands of a block, and compare what they print with what is shown."""
    for command, shown in read_console(block):
        if command.endswith(OWN_TERMINAL):
            reader.start(command.removesuffix(OWN_TERMINAL))
        else:
            assert reader.run(command) == shown, command
