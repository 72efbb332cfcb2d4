"""Round trips of each paying call, and the time of an order at 50 ms a request, compared with an older build.

`python -m tests.bench requests --json` prints one JSON object. The older build is a commit of this repository in a
folder of its own. Both builds order in turn, each in its own process, through one slow proxy.
"""

import http.client
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, Final
from urllib.parse import urlsplit

from eth_account import Account

from nvm_chain.chain.embedded import deploy_all
from nvm_chain.operations.plans import register_plan
from nvm_chain.types.credits import get_fixed_credits_config, get_pay_as_you_go_credits_config
from nvm_chain.types.prices import get_erc20_price_config, get_free_price_config, get_native_token_price_config
from tests.bench.figures import Figure
from tests.support.anvil import open_anvil, run_anvil
from tests.support.world import CREDITS, PRICE, World

ROOT: Final = Path(__file__).parent.parent.parent
BEFORE: Final = "b9b97b8"
"""The last commit without requests in batches."""
LATENCY_SECONDS: Final = 0.05
ROUNDS: Final = 7
CALLS: Final = (
    *("permit", "allowance", "approve", "authorization", "coin", "free"),
    *("named", "relayed", "usage", "usage_allowance"),
)
MOST_ROUND_TRIPS: Final = 6
AIM: Final = 0.35
FUNDS: Final = 10**13
"""The USDC of each buyer, in base units."""


class SlowNode:
    """A proxy in front of a node that counts HTTP requests. A repeated search for a receipt counts once."""

    def __init__(self, target: str) -> None:
        """Take the node's URL."""
        self._address = urlsplit(target).netloc
        self._own = threading.local()
        self.bodies: list[Any] = []
        self.url = ""

    def count(self) -> int:
        """Return the number of round trips so far. A repeated search for a receipt does not count."""
        methods = [str(each if isinstance(each, list) else each["method"]) for each in self.bodies]
        waits = sum(before == after == "eth_getTransactionReceipt" for before, after in pairwise(methods))
        return len(methods) - waits

    def forward(self, body: bytes) -> bytes:
        """Wait, then return the node's answer."""
        self.bodies.append(json.loads(body))
        threading.Event().wait(LATENCY_SECONDS)
        if not hasattr(self._own, "connection"):
            self._own.connection = http.client.HTTPConnection(self._address)
        self._own.connection.request("POST", "/", body, {"Content-Type": "application/json"})
        answer: bytes = self._own.connection.getresponse().read()
        return answer


@contextmanager
def run_slow_node(target: str) -> Iterator[SlowNode]:
    """Run the proxy until the block ends."""
    node = SlowNode(target)

    class Request(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            answer = node.forward(self.rfile.read(int(self.headers["Content-Length"])))
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}\r\n\r\n"
            self.wfile.write(head.encode() + answer)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name is the base class's
            """Write no log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Request)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    node.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield node
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def unpack(commit: str) -> Iterator[Path]:
    """Unpack a commit of this repository into a folder that is deleted when the block ends."""
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout
    with tempfile.TemporaryDirectory(prefix="nvm_chain-before-") as folder:
        with tarfile.open(fileobj=BytesIO(archive)) as packed:
            packed.extractall(folder, filter="data")
        shutil.copy(Path(__file__).with_name("order_worker.py"), Path(folder) / "tests" / "bench")
        yield Path(folder)


@dataclass
class Build:
    """A build of the package with a worker in its own process."""

    process: subprocess.Popen[str]
    node: SlowNode

    def order(self, name: str, *, is_first: bool) -> tuple[float, int]:
        """Return the seconds and the round trips of one call."""
        assert self._ask(json.dumps([name, is_first])) == "ready"
        self.node.bodies.clear()
        seconds = float(self._ask("go"))
        return seconds, self.node.count()

    def _ask(self, line: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


@contextmanager
def start(folder: Path, stage: dict[str, Any], node: SlowNode) -> Iterator[Build]:
    """Run the worker of the build in a folder until the block ends."""
    with tempfile.TemporaryDirectory(prefix="nvm_chain-state-") as state:
        environment = {**os.environ, "PYTHONPATH": str(folder), "XDG_STATE_HOME": state}
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.order_worker"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdin is not None
            process.stdin.write(f"{json.dumps(stage)}\n")
            yield Build(process, node)
        finally:
            process.communicate(timeout=30)


def sell(world: World) -> dict[str, int]:
    """Register the plans to buy, and return their ids by name."""
    assert world.chain.usdc is not None
    seller = world.builder.address
    token, fixed = get_erc20_price_config(PRICE, world.chain.usdc, seller), get_fixed_credits_config(CREDITS)
    offers = {
        "token": (token, fixed),
        "coin": (get_native_token_price_config(10**15, seller), fixed),
        "free": (get_free_price_config(), fixed),
        "usage": (token, get_pay_as_you_go_credits_config()),
    }
    return {name: register_plan(world.chain, world.builder, *offer).plan_id for name, offer in offers.items()}


def fund(world: World) -> str:
    """Return the key of a new buyer with coins and USDC."""
    buyer = Account.create()
    world.chain.ask_development_node("anvil_setBalance", buyer.address, hex(10**21))
    world.fund(buyer, amount=FUNDS)
    return f"0x{bytes(buyer.key).hex()}"


def measure() -> dict[str, Figure]:
    """Return the round trips of each call, and the time of an order as a fraction of its time in the older build."""
    with ExitStack() as stack:
        near = stack.enter_context(run_anvil())
        chain = open_anvil(near)
        deploy_all(chain, chain.accounts[0])
        world = World(chain)
        node = stack.enter_context(run_slow_node(near))
        stage = {
            "near": near,
            "far": node.url,
            "credits": chain.credits.address,
            "usdc": chain.usdc,
            "plans": sell(world),
        }
        folders = {"now": ROOT, "before": stack.enter_context(unpack(BEFORE))}
        builds = {
            name: stack.enter_context(start(folder, {**stage, "key": fund(world)}, node))
            for name, folder in folders.items()
        }
        return {**count(builds), **compare(builds)}


def count(builds: dict[str, Build]) -> dict[str, Figure]:
    """Return the round trips of the first call of each kind on a connection."""
    figures: dict[str, Figure] = {}
    for call in CALLS:
        trips = {name: build.order(call, is_first=True)[1] for name, build in builds.items()}
        unit = f"round trips, {trips['before']} before"
        figures[call] = {"value": trips["now"], "unit": unit, "aim": f"<= {MOST_ROUND_TRIPS}"}
    return figures


def compare(builds: dict[str, Build]) -> dict[str, Figure]:
    """Return the time of an order as a fraction of the older build's time.

    Both builds order in turn, and the times are medians of some rounds.
    """
    figures: dict[str, Figure] = {}
    for title, is_first in (("first_order", True), ("next_order", False)):
        taken: dict[str, list[float]] = {name: [] for name in builds}
        for _ in range(ROUNDS):
            for name, build in builds.items():
                taken[name].append(build.order("any", is_first=is_first)[0])
        seconds = {name: median(times) for name, times in taken.items()}
        figures[f"{title}_seconds"] = {"value": round(seconds["now"], 3), "unit": "s", "aim": ""}
        ratio = round(seconds["now"] / seconds["before"], 3)
        figures[title] = {"value": ratio, "unit": f"x the time of {BEFORE}", "aim": f"<= {AIM}"}
    return figures
