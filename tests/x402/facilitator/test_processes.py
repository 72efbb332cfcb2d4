"""The facilitator as a process: killed while a settlement is under way, and stopped by SIGTERM."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import requests

from nvm_chain.chain.client import Chain
from nvm_chain.x402.facilitator.settings import FacilitatorSettings
from tests.gateway.files import find_free_port
from tests.support.anvil import wait_until
from tests.support.shell import clean_environment
from tests.x402.facilitator.desks import PRICE, TOKENS, FacilitatorDesk, hash_token

SENDER = 2


@contextmanager
def run_process(chain: Chain, folder: Path) -> Iterator[tuple[FacilitatorDesk, "subprocess.Popen[str]"]]:
    """Run ``nvm-chain facilitator run`` with books in a folder."""
    (folder / "shops.txt").write_text(
        "".join(f"{name} {hash_token(token)}\n" for name, token in TOKENS.items()), "utf-8"
    )
    port = find_free_port()
    command = [sys.executable, "-m", "nvm_chain.cli", "facilitator", "run", "--rpc", chain.label]
    command += ["--credits", chain.credits.address, "--asset", str(chain.usdc), "--dev-account", str(SENDER)]
    command += ["--port", str(port), "--token-file", "shops.txt", "--store", "books.db"]
    process = subprocess.Popen(
        command, cwd=folder, env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    desk = FacilitatorDesk(f"http://127.0.0.1:{port}", chain, FacilitatorSettings(()))

    def is_ready() -> bool:
        assert process.poll() is None, process.communicate()
        with suppress(requests.ConnectionError):
            return requests.get(f"{desk.url}/health/ready", timeout=10).status_code == 200
        return False

    try:
        assert wait_until(is_ready, 60)
        yield desk, process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def without_blocks(chain: Chain) -> Iterator[None]:
    """Let no transaction be mined until the block ends."""
    ask: Any = chain.web3.provider.make_request
    ask("evm_setAutomine", [False])
    try:
        yield
    finally:
        ask("evm_setAutomine", [True])
        ask("evm_mine", [])


def is_pending(chain: Chain) -> bool:
    """Return whether a transaction waits to be mined."""
    ask: Any = chain.web3.provider.make_request
    return int(ask("txpool_status", [])["result"]["pending"], 16) > 0


def test_facilitator__killed_while_it_settles__ends_the_settlement_once_after_a_restart(
    paid_chain: Chain, tmp_path: Path
) -> None:
    seller = paid_chain.accounts[5].address
    with run_process(paid_chain, tmp_path) as (desk, process), ThreadPoolExecutor(1) as threads:
        before, required = desk.balance(seller), desk.require(seller)
        payment = desk.pay(desk.fund(), required)
        with without_blocks(paid_chain):
            asked = threads.submit(desk.ask, "/settle", payment, required)
            assert wait_until(lambda: is_pending(paid_chain), 30)
            os.kill(process.pid, signal.SIGKILL)
            assert isinstance(asked.exception(30), requests.ConnectionError)
    with run_process(paid_chain, tmp_path) as (desk, _):
        assert desk.ask("/settle", payment, required, "other").json()["errorReason"] == "duplicate_settlement"
        told = desk.ask("/settle", payment, required).json()
        assert told["success"] is True
        assert desk.ask("/settle", payment, required).json()["errorReason"] == "duplicate_settlement"
    assert desk.balance(seller) == before + PRICE


def test_facilitator__told_to_stop_while_it_settles__answers_first(paid_chain: Chain, tmp_path: Path) -> None:
    with run_process(paid_chain, tmp_path) as (desk, process), ThreadPoolExecutor(1) as threads:
        required = desk.require()
        payment = desk.pay(desk.fund(), required)
        with without_blocks(paid_chain):
            asked = threads.submit(desk.ask, "/settle", payment, required)
            assert wait_until(lambda: is_pending(paid_chain), 30)
            os.kill(process.pid, signal.SIGTERM)
        assert asked.result(60).json()["success"] is True
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert "all settlements are in the books" in output
