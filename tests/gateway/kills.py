"""A harness that kills every process of a gateway under load, and looks afterwards for what was lost, or served or charged twice."""

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

import psycopg
import requests
from requests.adapters import HTTPAdapter

from nvm_chain.index.database import open_index
from nvm_chain.index.following import Follower
from nvm_chain.meter.operating import open_books
from nvm_chain.meter.verifying import verify_meter
from nvm_chain.operations.credits import read_account
from tests.gateway.load import BROKEN, COST, Load, Sent
from tests.gateway.processes import GatewayProcess, find_port, read_command
from tests.gateway.shop import METRICS_TOKEN, Shop
from tests.support.anvil import FORGETS, USUAL, find_anvil, wait_until
from tests.support.meter_books import CHARGED, RETURNED, check_books, read_rows
from tests.support.postgres import Postgres

PROGRESS: Final = 5
"""Answers that have to come between two kills, so that each falls into a load."""
LONGEST_SECONDS: Final = 90
MOST_PRESENTED: Final = 60
STATUSES: Final = {200, BROKEN, 502, 503, 504}
"""What a buyer may get for a fresh voucher while processes are killed. Everything else is a mistake of the gateway."""


class Lost(AssertionError):
    """Raised when something that was served or charged is not as it has to be."""


class ServedTwice(AssertionError):
    """Raised when a voucher reached the service twice."""


@dataclass
class Harness:
    """A gateway with a service, a database and a node, all of which can be killed.

    ``server`` is the PostgreSQL of the books, and None for SQLite. ``plant`` is a mistake of `planted_run`.
    """

    shop: Shop
    folder: Path
    random: Random
    server: Postgres | None = None
    plant: str | None = None
    kills: Counter[str] = field(default_factory=Counter)
    free: int = 0
    """How many whole answers were not charged, because they ran at a kill."""
    _stack: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        """Prepare the gateway and its service. Nothing is started."""
        self.upstream_port, self.log = find_port(), self.folder / "served.log"
        places: dict[str, Any] = (
            {} if self.server is None else {name: self.server.new_database() for name in ("meter", "index")}
        )
        self.gateway = GatewayProcess(
            self.folder,
            self.shop,
            f"http://127.0.0.1:{self.upstream_port}",
            workers=1 if self.server is None else 2,
            max_credits=5 * COST,
            plant=self.plant,
            **places,
        )
        self.load = Load(self.shop, self.gateway.own_url)
        self.upstream: subprocess.Popen[bytes] | None = None

    @property
    def targets(self) -> dict[str, Callable[[], None]]:
        """What is killed, by its name."""
        both = {"the gateway": self.kill_gateway, "the service": self.kill_upstream, "the node": self.kill_node}
        if self.server is None:
            return both
        return {
            **both,
            "a worker": self.kill_worker,
            "a worker that was stopped": self.stop_worker,
            "the parent of the workers": self.kill_parent,
            "all workers, and the settler": self.kill_workers,
            "the database": self.kill_database,
        }

    def run(self, kills: int, names: Collection[str] = ()) -> None:
        """Kill processes in turn, in an order by chance, until there were so many kills. Then look at everything.

        ``names`` are those of the targets. All of them if not given.
        """
        names = sorted(names or self.targets)
        try:
            self._start_upstream()
            self.gateway.start()
            with self.load.running():
                waiting: list[str] = []
                while self.kills.total() < kills:
                    waiting = waiting or self.random.sample(names, len(names))
                    name = waiting.pop()
                    self._wait_for_answers(self.random.randint(1, 3 * PROGRESS))
                    self.targets[name]()
                    self.kills[name] += 1
                    self._wait_for_answers(PROGRESS)
            self._check()
        finally:
            self.gateway.kill()
            self._end_upstream()
            self._stack.close()

    def _wait_for_answers(self, count: int) -> None:
        """Wait until some more answers came whole: the gateway serves again."""
        wanted = self.load.served + count
        if not wait_until(lambda: self.load.served >= wanted, LONGEST_SECONDS):
            raise Lost(
                f"nothing is served any more: {self.load.statuses}, {self.load.refusals}\n{self.gateway.log[-1_500:]}"
            )

    # ------------------------------------------------------------------ what is killed

    def kill_gateway(self) -> None:
        """Kill all its processes at once, and start it again."""
        self.gateway.kill()
        self._free_the_lease()
        self.gateway.start()

    def kill_worker(self) -> None:
        """Kill one of the workers. Its parent starts another."""
        chosen = self.random.choice(self.gateway.find_workers())
        os.kill(chosen, signal.SIGKILL)
        self._free_the_lease()
        self._wait_for_another(chosen)

    def stop_worker(self) -> None:
        """Stop one of the workers for a moment, or until its parent takes it for dead."""
        chosen = self.random.choice(self.gateway.find_workers())
        os.kill(chosen, signal.SIGSTOP)
        if self.random.random() < 0.5:
            self._wait_for_another(chosen)
            self._free_the_lease()
        else:
            self._wait_for_answers(PROGRESS)
            with suppress(ProcessLookupError):  # its parent has taken it for dead
                os.kill(chosen, signal.SIGCONT)

    def kill_parent(self) -> None:
        """Kill the parent alone, and then what it leaves behind, as systemd and containers do."""
        assert self.gateway.process is not None
        os.kill(self.gateway.process.pid, signal.SIGKILL)
        self.gateway.process.wait()
        os.killpg(self.gateway.process.pid, signal.SIGKILL)
        self._free_the_lease()
        self.gateway.start()

    def kill_workers(self) -> None:
        """Kill all workers at once, and the settler with them. Their parent starts others."""
        workers = self.gateway.find_workers()
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
        self._free_the_lease()
        for pid in workers:
            self._wait_for_another(pid)

    def kill_upstream(self) -> None:
        """Kill the service, and start it again."""
        self._end_upstream()
        self._start_upstream()

    def kill_database(self) -> None:
        """Kill the database's server, and start it again."""
        assert self.server is not None
        self.server.kill()
        self.server.start()

    def kill_node(self) -> None:
        """Kill the node. It comes back as it was a moment before, without its last transactions."""
        port = self.shop.url.rpartition(":")[2]
        dumped = call_node(self.shop.url, "anvil_dumpState")
        self._wait_for_answers(self.random.randint(0, PROGRESS))
        pid = find_process(b"--port\0" + port.encode() + b"\0")
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not read_command(pid), LONGEST_SECONDS)
        command = [str(find_anvil()), "--host", "127.0.0.1", "--port", port, "--hardfork", "prague", *USUAL, *FORGETS]
        node = subprocess.Popen(command, env={**os.environ, "NO_COLOR": "1"})
        self._stack.callback(node.wait)
        self._stack.callback(node.kill)
        assert wait_until(lambda: self._loads(dumped), LONGEST_SECONDS)

    def _loads(self, dumped: Any) -> bool:
        try:
            return bool(call_node(self.shop.url, "anvil_loadState", dumped))
        except requests.ConnectionError:
            return False

    # ------------------------------------------------------------------ parts

    def _start_upstream(self) -> None:
        command = [sys.executable, "-m", "tests.gateway.upstream_process", str(self.upstream_port), str(self.log)]
        self.upstream = subprocess.Popen(command, start_new_session=True)

        def serves() -> bool:
            try:
                return requests.post(f"http://127.0.0.1:{self.upstream_port}/", timeout=5).status_code == 200
            except requests.ConnectionError:
                return False

        assert wait_until(serves, LONGEST_SECONDS)

    def _end_upstream(self) -> None:
        process, self.upstream = self.upstream, None
        if process is not None:
            process.kill()
            process.wait()

    def _wait_for_another(self, pid: int) -> None:
        def is_replaced() -> bool:
            workers = self.gateway.find_workers()
            return pid not in workers and len(workers) == self.gateway.workers

        assert wait_until(is_replaced, LONGEST_SECONDS), self.gateway.log[-1_500:]

    def _free_the_lease(self) -> None:
        """End the leases of the dead at once. They would end by themselves, some minutes later."""
        if self.server is not None:
            with psycopg.connect(self.gateway.meter, autocommit=True) as connection:
                connection.execute("UPDATE leases SET until = 0")

    # ------------------------------------------------------------------ looking

    def _check(self) -> None:
        """Look at what was served and charged, before and after the vouchers are presented again, and on the chain."""
        wrong = {status: count for status, count in self.load.statuses.items() if status not in STATUSES}
        if wrong:
            raise Lost(f"answers that nobody should get: {wrong}, {self.load.refusals}")
        assert self.gateway.stop() == 0
        self._check_service()
        self._free_the_lease()
        self.gateway.settle_at(1)
        self.gateway.start()
        self._present_again()
        self._check_service()
        self._wait_for_settlements()
        assert self.gateway.stop() == 0
        self._check_books()

    def _read_served(self) -> Counter[str]:
        return Counter(line for line in self.log.read_text("ascii").split() if line != "-")

    def _check_service(self) -> None:
        """No voucher reached the service twice (S3)."""
        twice = [hold for hold, count in self._read_served().items() if count > 1]
        if twice:
            raise ServedTwice(f"{len(twice)} vouchers, such as {twice[0]}")

    def _present_again(self) -> None:
        """Present vouchers of whole and of broken requests again. What was served is not served again."""
        sent = list(self.load.sent)
        broken = [each for each in sent if each.status != 200]
        whole = [each for each in sent if each.status == 200]
        chosen: list[Sent] = broken[-MOST_PRESENTED:] + self.random.sample(whole, min(len(whole), MOST_PRESENTED))
        service = f"{self.gateway.own_url}/services/{self.shop.did}"
        with requests.Session() as session:
            session.mount("http://", HTTPAdapter(max_retries=0))
            for each in chosen:
                again = self.load.present(session, service, each.headers, each.body)
                if each.status == again.status == 200:
                    raise ServedTwice(f"a buyer had two whole answers for {each.body!r}")

    def _wait_for_settlements(self) -> None:
        """Wait until the gateway has settled all that was charged (S4)."""
        headers = {"Authorization": f"Bearer {METRICS_TOKEN}"}

        def is_settled() -> bool:
            text = requests.get(f"{self.gateway.own_url}/metrics", headers=headers, timeout=LONGEST_SECONDS).text
            numbers = dict(re.findall(r"^nvm_books_(charged|taken) (\S+)$", text, re.MULTILINE))
            return float(numbers["charged"]) == float(numbers["taken"]) > 0

        if not wait_until(is_settled, LONGEST_SECONDS):
            raise Lost(f"not all that was charged was settled\n{self.gateway.log[-1_500:]}")

    def _check_books(self) -> None:
        """The books are right, and the chain has what was charged (S1, S4, S10, S11)."""
        chain = self.shop.connect()
        where = self.gateway.meter if self.server is not None else str(self.folder / "meter.db")
        index_at = self.gateway.index if self.server is not None else str(self.folder / "index.db")
        with closing(open_index(index_at, chain_id=chain.chain_id)) as index, open_books(where, chain) as writer:
            Follower(chain, index).sync()
            writer.run(check_books)
            redeemer = self.shop.redeemer.address
            found = verify_meter(writer, [redeemer], index, chain)
            if not found.is_right:
                raise Lost(str(found.differences))
            rows = writer.run(lambda store: read_rows(store, "SELECT hold_id, state, cost FROM holds"))
            accounts = writer.run(lambda store: read_rows(store, "SELECT holder, committed FROM accounts"))
        self._check_holds({row[0].hex(): row[1:] for row in rows})
        self._check_chain(sum(row[1] for row in accounts))

    def _check_holds(self, holds: dict[str, tuple[int, int]]) -> None:
        served = self._read_served()
        unknown = served.keys() - holds.keys()
        if unknown:
            raise Lost(f"{len(unknown)} requests reached the service without a stored hold, such as {min(unknown)}")
        charged = {hold for hold, (state, cost) in holds.items() if state == CHARGED and cost}
        if len(charged - served.keys()) > self.load.left:  # whoever goes away is charged, whatever the service does
            raise Lost(f"{len(charged - served.keys())} requests were charged and not served")
        if any(holds[hold][0] == RETURNED for hold in served):
            raise Lost("a request that was served can be presented again")
        whole = {each.hold for each in self.load.sent if each.status == 200 and each.hold}
        free = whole - charged
        self.free = len(free)
        if len(free) > self.most_free:
            raise Lost(f"{len(free)} whole answers were not charged, and {self.most_free} may be")

    @property
    def most_free(self) -> int:
        """How many whole answers may be free: those that ran at a kill, and a group of charges."""
        ends = self.kills.total() - self.kills["the service"] - self.kills["the node"] - self.kills["the database"]
        return 2 * self.load.threads * ends

    def _check_chain(self, committed: int) -> None:
        chain = self.shop.connect()
        settled = sum(read_account(chain, self.shop.credits_plan, buyer).settled for buyer in self.load.buyers)
        if settled > committed:
            raise Lost(f"{settled} credits were taken, and {committed} charged")


def call_node(url: str, method: str, *params: Any) -> Any:
    """Return what a node answers to a call."""
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return requests.post(url, json=body, timeout=LONGEST_SECONDS).json()["result"]


def find_process(part: bytes) -> int:
    """Return the id of the process whose command line has a part."""
    pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
    (found,) = [pid for pid in pids if part in read_command(pid) and b"anvil" in read_command(pid)]
    return found
