"""What the gateway adds to a request, beside a bare proxy on the same server and the same client. All sides run in one go.

`python -m tests.bench gateway --json` prints one JSON object. 32 connections send bodies of 512 bytes. Each request has a fresh
voucher, whose hold is durable before the upstream is called. CPU is that of the proxy's or the gateway's process.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

import requests
from eth_account import Account as keys  # noqa: N813
from eth_account.signers.local import LocalAccount

from nvm_chain.gateway.settings import REQUEST_SECONDS
from nvm_chain.meter.bindings import Level
from nvm_chain.meter.session_terms import build_session_terms
from nvm_chain.signing.service_tokens import format_service_token
from nvm_chain.signing.vouchers import Voucher, sign_voucher
from nvm_chain.x402.offers import CreditsOffer
from nvm_chain.x402.payments import write_payment
from tests.bench.figures import Figure
from tests.bench.meter import CHAIN_ID, CREDITS, HOLDERS, PLAN, REDEEMER, SERVICE, sign_all
from tests.support.postgres import run_postgres

CONNECTIONS: Final = 32
REQUESTS: Final = 3_000
ROUNDS: Final = 3
ALONE: Final = 300
BODY: Final = b"b" * 512
TICKS: Final = os.sysconf("SC_CLK_TCK")
OFFER: Final = CreditsOffer(CHAIN_ID, CREDITS, PLAN, REDEEMER, 1, REQUEST_SECONDS, SERVICE, Level.NONE.value).to_json()
"""What the gateway offers, with the highest cost of a request."""


@dataclass(frozen=True)
class Run:
    """What one side did: requests a second, CPU for each request, and the slowest of a hundred, in seconds."""

    rate: float
    cpu: float
    slow: float
    middle: float


@dataclass(frozen=True)
class Side:
    """A server of one side."""

    process: subprocess.Popen[str]
    port: int

    def read_cpu(self) -> float:
        """Return the processor's time of the process, in seconds."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


@contextmanager
def run_side(*arguments: str, **environment: str) -> Iterator[Side]:
    """Run a side until the block ends, with some more variables of the environment."""
    command = [sys.executable, "-m", "tests.bench.gateway_sides", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment})
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        _wait(port)
        yield Side(process, port)
    finally:
        process.terminate()
        process.wait(30)


def _wait(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            requests.get(f"http://127.0.0.1:{port}/health/live", timeout=5)
        except requests.ConnectionError:
            continue
        return


# ---------------------------------------------------------------- load


def build_requests(headers: Sequence[str]) -> list[bytes]:
    """Return the bytes of a request for each header."""
    head = f"POST /services/{SERVICE}/ask HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(BODY)}\r\n"
    return [f"{head}{header}\r\n\r\n".encode() + BODY for header in headers]


async def load(port: int, sent: Sequence[bytes], connections: int) -> list[float]:
    """Send requests over some connections, and return how long each took. All have to be answered with 200."""
    waiting = iter(sent)
    times: list[float] = []

    async def work() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for data in waiting:
            start = time.perf_counter()
            writer.write(data)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
            times.append(time.perf_counter() - start)
        writer.close()

    await asyncio.gather(*(work() for _ in range(connections)))
    return times


def measure_side(side: Side, sent: Sequence[bytes], connections: int = CONNECTIONS) -> Run:
    """Send requests to a side, and return what it did."""
    cpu, wall = side.read_cpu(), time.perf_counter()
    times = sorted(asyncio.run(load(side.port, sent, connections)))
    wall, cpu = time.perf_counter() - wall, side.read_cpu() - cpu
    return Run(len(sent) / wall, cpu / len(sent), times[len(times) * 99 // 100], median(times))


# ---------------------------------------------------------------- figures


def sign_headers(holders: Sequence[LocalAccount], as_payment: bool, *, turn: int) -> list[str]:
    """Return headers with fresh vouchers. Each turn has ceilings above those of the turn before."""
    vouchers = sign_all(holders, REQUESTS, above=turn * (REQUESTS // HOLDERS + 1))
    if as_payment:
        return [f"PAYMENT-SIGNATURE: {write_payment(OFFER, signed, None)}" for signed in vouchers]
    return [f"Authorization: Bearer {format_service_token(signed)}" for signed in vouchers]


def _open_session(side: Side, holder: LocalAccount) -> str:
    terms = build_session_terms(PLAN, holder=holder.address, limit=10**9, services=(7,), end=int(time.time()) + 7_200)
    voucher = Voucher(PLAN, terms.holder, REDEEMER, 10**9, terms.context, terms.end)
    signed = sign_voucher(holder, voucher, chain_id=CHAIN_ID, contract=CREDITS)
    body = {"terms": terms.text, "voucher": signed.to_json()}
    answer = requests.post(f"http://127.0.0.1:{side.port}/sessions", json=body, timeout=60)
    return f"Authorization: Bearer {answer.json()['token']}"


def _measure_all(where: str, upstream: str) -> dict[str, Run]:
    """Return what each side did in one round."""
    runs: dict[str, Run] = {}
    with run_side("bare", upstream) as bare, run_side("gateway", upstream, where) as gateway:
        # The first request of a holder reads the account, which happens once and not for each request.
        holders = [keys.create() for _ in range(HOLDERS)]
        warm = build_requests(sign_headers(holders, False, turn=0)[:HOLDERS])
        measure_side(gateway, warm)
        measure_side(bare, warm)
        for turn, (name, as_payment) in enumerate((("token", False), ("payment", True)), 1):
            sent = build_requests(sign_headers(holders, as_payment, turn=turn))
            runs[f"bare {name}"] = measure_side(bare, sent)
            runs[name] = measure_side(gateway, sent)
        session = build_requests([_open_session(gateway, holders[0])] * REQUESTS)
        runs["bare session"] = measure_side(bare, session)
        runs["session"] = measure_side(gateway, session)
        alone = build_requests(sign_headers(holders, False, turn=3)[:ALONE])
        runs["bare alone"] = measure_side(bare, alone, 1)
        runs["alone"] = measure_side(gateway, alone, 1)
    return runs


def _measure_naive(books: str, upstream: str) -> dict[str, Run]:
    """Return what a proxy written by hand did, with coincurve and in plain Python, and the gateway beside it."""
    with (
        run_side("naive", upstream, f"{books}-1") as fast,
        run_side("naive", upstream, f"{books}-2", ECC_BACKEND_CLASS="eth_keys.backends.NativeECCBackend") as plain,
        run_side("gateway", upstream, f"{books}-3") as gateway,
    ):
        holders = [keys.create() for _ in range(HOLDERS)]
        measure_side(gateway, build_requests(sign_headers(holders, False, turn=0)[:HOLDERS]))
        sent = build_requests(sign_headers(holders, False, turn=1))
        return {
            "naive": measure_side(fast, sent),
            "plain": measure_side(plain, sent[:ALONE]),
            "gateway": measure_side(gateway, sent),
        }


def _compare_naive(runs: dict[str, Run]) -> dict[str, Figure]:
    ours = runs["gateway"].rate
    return {
        f"beside_{name}": {"value": round(ours / runs[name].rate, 1), "unit": f"x the rate of {what}", "aim": ">= 12"}
        for name, what in (
            ("naive", "Starlette, httpx and eth-account with coincurve"),
            ("plain", "the same in plain Python"),
        )
    }


def _compare(engine: str, rounds: Sequence[dict[str, Run]], aims: Mapping[str, int]) -> dict[str, Figure]:
    figures: dict[str, Figure] = {}
    for name, aim in aims.items():
        ours = max((each[name] for each in rounds), key=lambda run: run.rate)
        bare = max((each[f"bare {name}"] for each in rounds), key=lambda run: run.rate)
        figures |= {
            f"{engine}_{name}": {
                "value": round(100 * ours.rate / bare.rate, 1),
                "unit": f"% of the bare proxy's {bare.rate:,.0f} a second",
                "aim": f">= {aim}",
            },
            f"{engine}_{name}_cpu": {"value": round(ours.cpu / bare.cpu, 2), "unit": "x CPU", "aim": "<= 2.1"},
            f"{engine}_{name}_p99": {"value": round(ours.slow / bare.slow, 2), "unit": "x p99", "aim": "<= 2"},
        }
    added = min(each["alone"].middle - each["bare alone"].middle for each in rounds)
    figures[f"{engine}_added"] = {"value": round(1_000 * added, 2), "unit": "ms at one connection, median", "aim": ""}
    return figures


def measure() -> dict[str, Figure]:
    """Return the gateway's rate, CPU and slowest answers, as ratios to the bare proxy's."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        server = stack.enter_context(run_postgres())
        upstream = f"http://127.0.0.1:{stack.enter_context(run_side('upstream')).port}"
        figures: dict[str, Figure] = {}
        places = {
            "sqlite": (lambda number: f"{folder}/{number}.db", {"token": 50, "payment": 45, "session": 75}),
            "postgres": (lambda number: server.new_database(), {"token": 40, "payment": 40, "session": 40}),
        }
        for engine, (place, aims) in places.items():
            rounds = [_measure_all(place(number), upstream) for number in range(ROUNDS)]
            figures |= _compare(engine, rounds, aims)
        figures |= _compare_naive(_measure_naive(f"{folder}/naive.db", upstream))
    return figures
