"""Floods of requests on a gateway that is a process: memory stays flat, other buyers are served, and no credit is spent twice."""

import base64
import json
import os
import re
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import requests
from eth_account import Account

import nvm_chain as nvm
from tests.gateway.processes import GatewayProcess
from tests.gateway.serving import Upstream
from tests.gateway.shop import Gate, Shop
from tests.gateway.test_attacks import dialled
from tests.support.postgres import run_postgres

WARM, MANY = 400, 1_500
MOST_GROWTH = 12 * 2**20
"""How much more memory a process may have after a flood, in bytes. One kept request in ten would be more."""
IDLE = 300
WAIT_SECONDS = 30


def read_memory(pid: int) -> int:
    """Return the resident memory of a process in bytes."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text("ascii"))
    assert found is not None
    return int(found[1]) * 1_024


def forge(header: str) -> str:
    """Return a payment with another signature, which nobody can have made."""
    value = json.loads(base64.b64decode(header))
    signature = "0x" + os.urandom(31).hex().rjust(64, "0") + os.urandom(31).hex().rjust(64, "0") + "1b"
    value["payload"]["voucher"]["signature"] = signature
    return base64.b64encode(json.dumps(value).encode()).decode()


def flood(gate: Gate, count: int, header: str) -> Counter[int]:
    """Send requests that are not paid for: forged payments, tokens of nobody, and none at all."""
    kinds: list[dict[str, str]] = [
        {},
        {"PAYMENT-SIGNATURE": "forged"},
        {"Authorization": "Bearer nvms_" + "x" * 43},
        {"Accept": "text/html"},
    ]

    def send(numbers: range) -> Counter[int]:
        found: Counter[int] = Counter()
        with requests.Session() as session:
            for number in numbers:
                headers = dict(kinds[number % len(kinds)])
                if "PAYMENT-SIGNATURE" in headers:
                    headers["PAYMENT-SIGNATURE"] = forge(header)
                url = f"{gate.service_url}/ask?n={os.urandom(8).hex()}"
                found[session.post(url, b"tea?", headers=headers, timeout=WAIT_SECONDS).status_code] += 1
        return found

    with ThreadPoolExecutor(4) as pool:
        return sum(pool.map(send, [range(start, count, 4) for start in range(4)]), Counter())


def test_flood__of_requests_that_nobody_pays_for__leaves_memory_flat_and_others_served(
    shop: Shop, upstream: Upstream, upstream_url: str, tmp_path: Path
) -> None:
    with GatewayProcess(tmp_path, shop, upstream_url).running() as process:
        gate = Gate(shop, process.own_url, shop.new_buyer())
        header = gate.pay("POST", "/ask", b"tea?")["PAYMENT-SIGNATURE"]
        assert flood(gate, WARM, header) == {402: WARM}
        seen = len(upstream.seen)
        assert process.process is not None
        before = read_memory(process.process.pid)
        with ThreadPoolExecutor(1) as pool:
            flooding = pool.submit(flood, gate, MANY, header)
            assert [gate.paid("POST", "/ask", b"tea?").status_code for _ in range(20)] == [200] * 20
            assert flooding.result() == {402: MANY}
        assert len(upstream.seen) == seen + 20
        assert read_memory(process.process.pid) - before < MOST_GROWTH
        assert "Traceback" not in process.log


def test_connections__that_send_nothing_or_a_byte__do_not_keep_others_from_being_served(
    shop: Shop, upstream_url: str, tmp_path: Path
) -> None:
    with GatewayProcess(tmp_path, shop, upstream_url).running() as process, ExitStack() as stack:
        gate = Gate(shop, process.own_url, shop.new_buyer())
        lines: list[socket.socket] = [stack.enter_context(dialled(gate)) for _ in range(IDLE)]
        for line in lines[::2]:
            line.sendall(b"POST /services/did HTTP/1.1\r\nHost: gateway\r\nX: ")
        assert [gate.paid("POST", "/ask", b"tea?").status_code for _ in range(5)] == [200] * 5


def test_last_credits__asked_for_at_two_processes_on_one_database__are_spent_once(
    shop: Shop, upstream: Upstream, upstream_url: str, tmp_path: Path
) -> None:
    buyer = Account.create()
    nvm.mint_credits_batch(shop.chain, shop.builder, shop.credits_plan, {buyer.address: 7})
    before = len(upstream.seen)
    with run_postgres() as server:
        places: Any = {"meter": server.new_database(), "index": server.new_database()}
        with GatewayProcess(tmp_path, shop, upstream_url, workers=2, **places).running() as process:
            gate = Gate(shop, process.own_url, buyer)
            assert len(process.find_workers()) == 2
            paid = [gate.pay("POST", "/ask", b"tea?", ceiling=1_000) for _ in range(40)]
            with ThreadPoolExecutor(20) as pool:
                statuses = list(pool.map(lambda each: gate.ask("POST", "/ask", each, data=b"tea?").status_code, paid))
            gate.ceiling = 1_000
            assert Counter(statuses) == {200: 3, 402: 37}
            assert len(upstream.seen) == before + 3
            assert gate.wait_for("charged", "6", WAIT_SECONDS)["available"] == "1"
