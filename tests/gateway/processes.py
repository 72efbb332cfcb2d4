"""Gateways as processes of their own, from a configuration file, for tests that look at them from outside."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from tests.gateway.shop import METRICS_TOKEN, PUBLIC, SECRET, Shop
from tests.support.anvil import wait_until

ROOT = Path(__file__).parent.parent.parent
START_SECONDS = 90
STOP_SECONDS = 60
NEVER = 10**12
"""More credits than anybody owes, so that nothing is settled for being so many."""


def find_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class GatewayProcess:
    """A gateway of a folder. It can be started and ended as often as a test wants."""

    folder: Path
    shop: Shop
    upstream: str
    url: str | None = None
    """Where buyers reach it, if that is not its own address."""
    workers: int = 1
    meter: str = "meter.db"
    index: str = "index.db"
    rpc: str | None = None
    """Where it finds the node, if not where the shop does."""
    max_credits: int = NEVER
    plant: str | None = None
    """A mistake of `planted_run` that it makes."""
    port: int = field(default_factory=find_port)
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        """Write the configuration file."""
        chain = self.shop.chain
        self.config.write_text(
            f"""
[chain]
rpc = "{self.rpc or self.shop.url}"
credits = "{chain.credits.address}"
agents = "{chain.agents.address}"

[gateway]
url = "{self.url or self.own_url}"
port = {self.port}
workers = {self.workers}
meter = "{self.meter}"
index = "{self.index}"
depth = 0
metrics_token = "env:METRICS_TOKEN"

[redeemer]
dev_account = 3

[settler]
max_credits = {self.max_credits}

[[services]]
did = "{self.shop.did}"
upstream = "{self.upstream}"
public_url = "{PUBLIC}"
auth = {{ type = "bearer", secret = "env:UPSTREAM_SECRET" }}
exposure = 1_000_000
""",
            "utf-8",
        )

    def settle_at(self, credits: int) -> None:
        """Change the file, so that it settles a holder who owes so many credits. A new start reads it."""
        text = self.config.read_text("utf-8").replace(f"max_credits = {self.max_credits}", f"max_credits = {credits}")
        self.config.write_text(text, "utf-8")
        self.max_credits = credits

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.folder / "gateway.toml"

    @property
    def own_url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What it has said."""
        return (self.folder / "gateway.log").read_text("utf-8")

    def start(self) -> None:
        """Start it, and wait until it serves."""
        environment = {**os.environ, "UPSTREAM_SECRET": SECRET, "METRICS_TOKEN": METRICS_TOKEN, "PYTHONPATH": str(ROOT)}
        module = ["nvm_chain.cli"] if self.plant is None else ["tests.gateway.planted_run", self.plant]
        command = [sys.executable, "-m", *module, "gateway", "run"]
        with (self.folder / "gateway.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        assert wait_until(self.serves, START_SECONDS), self.log[-2_000:]

    def serves(self) -> bool:
        """Return whether it answers that it can serve. Fails the test if it has ended."""
        if self.process is None or self.process.poll() is not None:
            pytest.fail(f"the gateway ended: {self.log[-2_000:]}")
        try:
            return requests.get(f"{self.own_url}/health/ready", timeout=5).status_code == 200
        except (requests.ConnectionError, requests.Timeout):
            return False

    def find_workers(self) -> list[int]:
        """Return the ids of its workers, without multiprocessing's own helper."""
        assert self.process is not None
        pids = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text("ascii").split()
        return [int(pid) for pid in pids if b"spawn_main" in read_command(int(pid))]

    def stop(self) -> int:
        """Tell it to stop, and return its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS)

    def kill(self) -> None:
        """Kill all its processes at once, as a machine does that fails."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(STOP_SECONDS)

    @contextmanager
    def running(self) -> Iterator["GatewayProcess"]:
        """Run it until the block ends."""
        try:
            self.start()
            yield self
        finally:
            self.kill()


def read_command(pid: int) -> bytes:
    """Return the command line of a process, or nothing if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
