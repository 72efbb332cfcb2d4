"""The memory of a gateway: ``python -m tests.bench.gateway_memory 1000000`` prints it while so many requests are served.

Each request has a fresh voucher, over 32 connections, and its hold and its charge stay in the books. After the first 10,000
requests, the memory has to stay within 5 % of what it was then.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Final

from eth_account import Account as keys  # noqa: N813
from eth_account.signers.local import LocalAccount

from nvm_chain.signing.service_tokens import format_service_token
from tests.bench.gateway import Side, build_requests, measure_side, run_side
from tests.bench.meter import HOLDERS, sign_all

EACH: Final = 10_000
"""The requests between two looks. The memory is compared with that at the first of them."""
PART: Final = 2_000
"""The requests that are signed at a time, so that connections are not idle for long."""
MOST: Final = 5
"""By how many percent the memory may differ."""


def read_memory(pid: int) -> int:
    """Return the bytes of a process that are in memory and are not pages of files."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:  # noqa: PTH123  a file of the kernel
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("RssAnon"))


def sign_parts(holders: list[LocalAccount], count: int) -> Iterator[list[bytes]]:
    """Yield requests with fresh vouchers, in parts. Each has ceilings above those of the part before."""
    for done in range(0, count, PART):
        vouchers = sign_all(holders, min(PART, count - done), above=done // PART * (PART // HOLDERS + 1))
        yield build_requests([f"Authorization: Bearer {format_service_token(signed)}" for signed in vouchers])


def watch(side: Side, count: int) -> list[int]:
    """Send requests to a gateway, print its memory now and then, and return what it was."""
    found: list[int] = []
    start, done = time.monotonic(), 0
    for sent in sign_parts([keys.create() for _ in range(HOLDERS)], count):
        run = measure_side(side, sent)
        done += len(sent)
        if done % EACH == 0 or done == count:
            found.append(read_memory(side.process.pid))
            share = 100 * (found[-1] / found[0] - 1)
            told = f"{done:>9,} requests, {found[-1] / 2**20:6.1f} MiB, {share:+5.1f} %, {run.rate:,.0f} a second"
            print(f"{told}, {time.monotonic() - start:,.0f} s", flush=True)
    return found


def main() -> int:
    """Serve, and return 1 if the memory has not stayed as it was."""
    count = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder, run_side("upstream") as upstream:
        to = f"http://127.0.0.1:{upstream.port}"
        with run_side("gateway", to, f"{folder}/meter.db") as side:
            found = watch(side, count)
    far = max(abs(each / found[0] - 1) for each in found)
    print(f"within {100 * far:.1f} % of what it was after {EACH:,} requests")
    return 0 if 100 * far <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
