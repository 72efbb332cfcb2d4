"""Runs of anvil, Foundry's local node, from its npm package."""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nvm_chain.chain.client import Chain, open_rpc
from nvm_chain.chain.dev_accounts import derive_dev_accounts
from nvm_chain.chain.rpc import NodeProvider, build_web3
from nvm_chain.chain.urls import redact_url
from nvm_chain.errors import ConnectionFailed
from tests.support.kept_session import KeptSession

ROOT = Path(__file__).parent.parent.parent
START_SECONDS = 30
PAUSE_SECONDS = 0.005
USUAL = ("--silent",)
FORGETS, KEEPS = (("--prune-history", kept) for kept in ("10", "100000"))
"""The options for short and long histories of states. A short history saves a third of anvil's time.

Undone blocks count too. With 10 states, a test that reads the state of an older block fails always. With 400, it would
fail only behind many other tests."""


def find_anvil() -> Path:
    """Return the path of the anvil executable. Fails if `npm ci` has not installed it."""
    found = sorted(ROOT.glob("node_modules/@foundry-rs/anvil-*/bin/anvil"))
    if not found:
        pytest.fail("anvil is missing: run `npm ci`, or `make test`, which does")
    return found[0]


@contextlib.contextmanager
def run_anvil(*arguments: str, keeps_states: bool = False, hardfork: str = "prague") -> Iterator[str]:
    """Run anvil on a free loopback port until the block ends, and yield its URL.

    A test that reads the state of old blocks must ask for a full history.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        str(find_anvil()),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        *("--hardfork", hardfork),
        *USUAL,
        *(KEEPS if keeps_states else FORGETS),
    ]
    process = subprocess.Popen([*command, *arguments], env={**os.environ, "NO_COLOR": "1"})
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_ready(url, process)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def wait_until(is_so: Callable[[], bool], seconds: float) -> bool:
    """Wait until a condition of a node holds. Return whether it holds before the time is over."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE_SECONDS)
    return True


def _wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    def answers() -> bool:
        if process.poll() is not None:
            pytest.fail(f"anvil ended with exit code {process.returncode}")
        with contextlib.suppress(ConnectionFailed):
            open_rpc(url)
            return True
        return False

    if not wait_until(answers, START_SECONDS):
        pytest.fail(f"anvil did not answer within {START_SECONDS} seconds")


def open_anvil(url: str) -> Chain:
    """Connect to an anvil over one connection that stays open, and give the Chain anvil's funded accounts."""
    provider = NodeProvider(url, patience_seconds=20, session=KeptSession())
    return Chain(build_web3(provider), redact_url(url), derive_dev_accounts())
