"""The gateway as a process of its own, from a configuration file: uvicorn, several workers on PostgreSQL, and granian."""

import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
from eth_account.signers.local import LocalAccount

from nvm_chain.operations.credits import read_account
from tests.gateway.serving import Upstream
from tests.gateway.shop import PUBLIC, SECRET, Gate, Shop
from tests.support.anvil import wait_until
from tests.support.postgres import run_postgres

START_SECONDS = 90
STOP_SECONDS = 60


def find_port() -> int:
    """Return a port that nobody listens on."""

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def write_config(folder: Path, shop: Shop, upstream: str, port: int, **changes: Any) -> Path:
    """Write a configuration file."""
    meter, index = changes.get("meter", "meter.db"), changes.get("index", "index.db")
    path = folder / "gateway.toml"
    path.write_text(
        f"""
[chain]
rpc = "{shop.url}"
credits = "{shop.chain.credits.address}"
agents = "{shop.chain.agents.address}"

[gateway]
url = "http://127.0.0.1:{port}"
host = "127.0.0.1"
port = {port}
workers = {changes.get("workers", 1)}
meter = "{meter}"
index = "{index}"
depth = 0

[redeemer]
dev_account = 3

[settler]
max_credits = {changes.get("max_credits", 1_000_000)}

[[services]]
did = "{shop.did}"
upstream = "{upstream}"
public_url = "{PUBLIC}"
auth = {{ type = "bearer", secret = "env:UPSTREAM_SECRET" }}
""",
        "utf-8",
    )
    return path


@contextmanager
def running(command: list[str], port: int, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a server as a process until the block ends, and yield it when it serves."""
    environment = {**os.environ, "UPSTREAM_SECRET": SECRET, "NVM_CHAIN_GATEWAY_CONFIG": str(folder / "gateway.toml")}
    process = subprocess.Popen(
        command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )

    def serves() -> bool:
        if process.poll() is not None:
            pytest.fail(f"the gateway ended: {process.stdout.read() if process.stdout else ''}")
        try:
            return requests.get(f"http://127.0.0.1:{port}/health/ready", timeout=5).status_code == 200
        except requests.ConnectionError:
            return False

    try:
        assert wait_until(serves, START_SECONDS)
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_SECONDS)
        if process.stdout is not None:
            process.stdout.close()


def read_settled(shop: Shop, buyer: LocalAccount) -> int:
    """Return how many credits of a buyer were ever settled. A key has one set of books, so each test has a buyer of its own."""
    return read_account(shop.chain, shop.credits_plan, buyer.address).settled


def test_gateway__as_a_process__serves_settles_and_stops_with_code_0(
    shop: Shop, upstream: Upstream, upstream_url: str, tmp_path: Path
) -> None:
    port = find_port()
    write_config(tmp_path, shop, upstream_url, port, max_credits=1)
    buyer = shop.new_buyer()
    command = [sys.executable, "-m", "nvm_chain.cli", "gateway", "run"]
    with running(command, port, tmp_path) as process:
        gate = Gate(shop, f"http://127.0.0.1:{port}", buyer)
        for _ in range(3):
            answer = gate.paid("POST", "/ask", b"tea?")
            assert answer.status_code == 200, answer.text
        assert upstream.seen[-1].header("authorization") == f"Bearer {SECRET}"
        assert wait_until(lambda: read_settled(shop, buyer) == 6, 60)
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_SECONDS) == 0
        assert process.stdout is not None
        assert SECRET not in process.stdout.read()


def test_granian__starts_the_same_application(shop: Shop, upstream_url: str, tmp_path: Path) -> None:
    port = find_port()
    write_config(tmp_path, shop, upstream_url, port)
    target = "nvm_chain.gateway.running:build_app_from_environment"
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", str(port)]
    with running([*command, "--factory", target], port, tmp_path):
        gate = Gate(shop, f"http://127.0.0.1:{port}", shop.new_buyer())
        answer = gate.paid("POST", "/ask?x=%2F", b"tea?")
        assert (answer.status_code, answer.json()["target"]) == (200, "/ask?x=%2F")
        refused = gate.ask("POST", "/ask", data=b"tea?")
        assert (refused.status_code, refused.json()["nvm"]["type"]) == (402, "PaymentMissing")


def test_workers__on_postgresql__serve_one_account_and_one_of_them_settles(
    shop: Shop, upstream_url: str, tmp_path: Path
) -> None:
    port = find_port()
    with run_postgres() as server:
        places = {"meter": server.new_database(), "index": server.new_database()}
        write_config(tmp_path, shop, upstream_url, port, workers=2, max_credits=1, **places)
        buyer = shop.new_buyer()
        command = [sys.executable, "-m", "nvm_chain.cli", "gateway", "run"]
        with running(command, port, tmp_path):
            gate = Gate(shop, f"http://127.0.0.1:{port}", buyer)
            for _ in range(10):
                answer = gate.paid("POST", "/ask", b"tea?")
                assert answer.status_code == 200, answer.text
            headers = gate.pay("POST", "/ask", b"once")
            found = [gate.ask("POST", "/ask", headers, data=b"once").status_code for _ in range(6)]
            assert sorted(found) == [200, *[402] * 5]
            assert wait_until(lambda: read_settled(shop, buyer) == 22, 60)


def test_kill__under_load__serves_no_voucher_twice(
    shop: Shop, upstream: Upstream, upstream_url: str, tmp_path: Path
) -> None:
    port = find_port()
    write_config(tmp_path, shop, upstream_url, port)
    command = [sys.executable, "-m", "nvm_chain.cli", "gateway", "run"]
    gate = Gate(shop, f"http://127.0.0.1:{port}", shop.new_buyer())
    bodies = [f"{uuid4()}".encode() for _ in range(60)]
    paid = [(body, gate.pay("POST", "/ask", body)) for body in bodies]

    def ask(each: tuple[bytes, dict[str, str]]) -> int:
        try:
            return gate.ask("POST", "/ask", each[1], data=each[0]).status_code
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
            return 0

    def count() -> Counter[bytes]:
        return Counter(seen.body for seen in upstream.seen if seen.body in set(bodies))

    with ThreadPoolExecutor(8) as pool:
        with running(command, port, tmp_path) as process:
            first = pool.map(ask, paid)
            assert wait_until(lambda: count().total() >= 20, 60)
            process.kill()
            before = list(first)
        assert before.count(200) < len(bodies)
        with running(command, port, tmp_path):
            after = list(pool.map(ask, paid))
            assert max(count().values()) == 1
            served = [one == 200 or two == 200 for one, two in zip(before, after, strict=True)]
            assert not any(one == two == 200 for one, two in zip(before, after, strict=True))
            told = gate.wait_for("held", "0", 60)
            assert 2 * after.count(200) <= int(told["charged"]) <= 2 * sum(served)
