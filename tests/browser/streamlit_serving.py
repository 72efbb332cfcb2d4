"""A real Streamlit server in an environment of its own, with the package as its wheel has it."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.support.anvil import wait_until

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-streamlit" / "bin" / "python"
START_SECONDS = 60
BUILD = "from hatchling.build import build_wheel; import sys; print(build_wheel(sys.argv[1]))"
OPTIONS = {
    "server.headless": "true",
    "server.address": "127.0.0.1",
    "server.fileWatcherType": "none",
    "browser.gatherUsageStats": "false",
}


def build_wheel(folder: Path) -> Path:
    """Build the package, and return its wheel."""
    done = subprocess.run([sys.executable, "-c", BUILD, folder], cwd=ROOT, capture_output=True, text=True, check=True)
    return folder / done.stdout.strip()


def find_port() -> int:
    """Return a port that is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def run_streamlit(app: Path, port: int, package: Path, environment: Mapping[str, str], log: Path) -> Iterator[str]:
    """Run an app, and yield its URL. ``package`` is a folder with the unpacked wheel."""
    assert PYTHON.exists(), "There is no environment with Streamlit for the tests. Run: make setup"
    options = [f"--{name}={value}" for name, value in {**OPTIONS, "server.port": str(port)}.items()]
    command = [str(PYTHON), "-m", "streamlit", "run", str(app), *options]
    # Away from the checkout, where the package could be found as well.
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=log.parent,
            env={**os.environ, "PYTHONPATH": str(package), "HOME": str(log.parent), **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(f"{url}/_stcore/health", process, log)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _wait(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    def answers() -> bool:
        try:
            return process.poll() is not None or requests.get(url, timeout=5).ok
        except requests.ConnectionError:
            return False

    if not wait_until(answers, START_SECONDS) or process.poll() is not None:
        pytest.fail(f"Streamlit did not start: {log.read_text()[-2_000:]}")


@contextmanager
def run_example(ports: str, log: Path) -> Iterator[str]:
    """Run the whole example, and yield the URL of its app."""
    command = [str(PYTHON), str(ROOT / "examples" / "streamlit" / "run.py"), "--ports", ports]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(log.parent)}
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=log.parent, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    url = f"http://127.0.0.1:{ports.rpartition(',')[2]}"
    try:
        _wait(f"{url}/_stcore/health", process, log)
        yield url
    finally:
        process.terminate()
        try:
            assert process.wait(60) == 0, log.read_text()[-2_000:]
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    for port in map(int, ports.split(",")):
        with socket.socket() as line:
            assert line.connect_ex(("127.0.0.1", port)), f"what the example started at {port} goes on after its end"
