"""Logs per second of a first sync, against web3's event API with one insert for each row, in turn on one canned node.

`python -m tests.bench index --json` prints one JSON object. Both sides ask the same node by HTTP, and write into files of
SQLite and a PostgreSQL that is thrown away. The time ends with the last commit. The memory is that of a process of its own.
"""

import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from web3 import HTTPProvider, Web3

from nvm_chain.chain.artifacts import read_artifact
from nvm_chain.chain.client import open_rpc
from nvm_chain.index.database import open_index
from nvm_chain.index.following import Follower
from tests.bench.figures import Figure
from tests.support.canned_logs import CHAIN_ID, CONTRACTS
from tests.support.index_tables import batch_of
from tests.support.postgres import Postgres, run_postgres

COUNT: Final = 60_000
"""The logs that a sync reads."""
WEB3_COUNT: Final = 3_000
"""About how many of these logs web3 reads. It would take minutes for all."""
ROUNDS: Final = 3
NEAR_BLOCKS: Final = 150
MEMORY_LOGS: Final = 1_000_000
ROOT: Final = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Stage:
    """A canned node with its last block, a folder for files, and a PostgreSQL."""

    url: str
    last: int
    folder: Path
    postgres: Postgres

    def new_file(self) -> str:
        """Return the path of a new file in a folder of its own."""
        return str(Path(tempfile.mkdtemp(dir=self.folder)) / "index.db")


@contextmanager
def open_stage() -> Iterator[Stage]:
    """Run a canned node and a PostgreSQL."""
    command = [sys.executable, "-m", "tests.bench.canned_node", str(COUNT)]
    node = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert node.stdout is not None
        url, last = node.stdout.readline().split()
        with tempfile.TemporaryDirectory() as folder, run_postgres() as server:
            yield Stage(url, int(last), Path(folder), server)
    finally:
        node.kill()
        node.wait()


# ---------------------------------------------------------------- the two sides


def sync(stage: Stage, where: str) -> int:
    """Bring a new index to the last block, and return the number of events."""
    index = open_index(where, chain_id=CHAIN_ID, credits=CONTRACTS.credits, agents=CONTRACTS.agents, create=True)
    Follower(open_rpc(stage.url), index).sync(stage.last)
    with index.snapshot() as connection:
        count = int(connection.exec_driver_sql("SELECT count(*) FROM events").scalar_one())
    index.close()
    return count


def read_with_web3(stage: Stage, connection: Any, mark: str) -> int:
    """Read the first blocks with web3's event API, and insert one row for each event. Return the number of events."""
    contract = Web3(HTTPProvider(stage.url)).eth.contract(CONTRACTS.credits, abi=read_artifact("Credits").abi)
    names = sorted({entry["name"] for entry in contract.abi if entry["type"] == "event"})
    rows, last = 0, stage.last * WEB3_COUNT // COUNT
    connection.execute(
        "CREATE TABLE events (block BIGINT, log_index BIGINT, name TEXT, tx TEXT, args TEXT, PRIMARY KEY (block, log_index))"
    )
    insert = f"INSERT INTO events VALUES ({', '.join([mark] * 5)})"
    for name in names:
        for event in contract.events[name].get_logs(from_block=0, to_block=last):
            arguments = json.dumps({key: str(value) for key, value in event["args"].items()})
            place = event["blockNumber"], event["logIndex"]
            connection.execute(insert, (*place, name, event["transactionHash"].hex(), arguments))
            rows += 1
    connection.commit()
    return rows


def web3_into_sqlite(stage: Stage) -> int:
    """Read with web3 into a file of SQLite."""
    connection = sqlite3.connect(stage.new_file())
    connection.execute("PRAGMA journal_mode = WAL")
    rows = read_with_web3(stage, connection, "?")
    connection.close()
    return rows


def web3_into_postgres(stage: Stage) -> int:
    """Read with web3 into PostgreSQL."""
    with psycopg.connect(stage.postgres.new_database()) as connection:
        return read_with_web3(stage, connection, "%s")


# ---------------------------------------------------------------- figures


def measure() -> dict[str, Figure]:
    """Return logs per second of each side, the ratios, the time of a block near the head, and the memory."""
    with open_stage() as stage:
        ways: dict[str, Callable[[], int]] = {
            "web3 sqlite": lambda: web3_into_sqlite(stage),
            "sqlite": lambda: sync(stage, stage.new_file()),
            "web3 postgres": lambda: web3_into_postgres(stage),
            "postgres": lambda: sync(stage, stage.postgres.new_database()),
        }
        rates: dict[str, float] = dict.fromkeys(ways, 0.0)
        for _ in range(ROUNDS):
            for name, do in ways.items():
                began = time.perf_counter()
                count = do()
                rates[name] = max(rates[name], count / (time.perf_counter() - began))
        near = {name: time_near_head(url) for name, url in find_places(stage).items()}
    return {**_compare(rates), **near, "memory": measure_memory()}


def _compare(rates: dict[str, float]) -> dict[str, Figure]:
    figures: dict[str, Figure] = {}
    for engine, aim in (("sqlite", 30), ("postgres", 25)):
        ratio = round(rates[engine] / rates[f"web3 {engine}"], 1)
        figures[engine] = {"value": round(rates[engine]), "unit": "logs a second", "aim": ""}
        figures[f"web3_{engine}"] = {"value": round(rates[f"web3 {engine}"]), "unit": "logs a second", "aim": ""}
        figures[f"{engine}_against_web3"] = {"value": ratio, "unit": "x web3 and row inserts", "aim": f">= {aim}"}
    return figures


def find_places(stage: Stage) -> dict[str, str]:
    """Return a new place for an index in each engine, by the name of its figure."""
    return {"sqlite_block": stage.new_file(), "postgres_block": stage.postgres.new_database()}


def time_near_head(where: str) -> Figure:
    """Return the median time that a block of twenty logs takes at the head, with what a rollback needs."""
    from tests.support.canned_logs import write_busy_blocks

    index = open_index(where, chain_id=CHAIN_ID, credits=CONTRACTS.credits, agents=CONTRACTS.agents, create=True)
    times = []
    for block in [*write_busy_blocks(21 * NEAR_BLOCKS)]:
        batch = batch_of(index, [block])
        began = time.perf_counter()
        index.apply(batch)
        times.append(time.perf_counter() - began)
    index.close()
    return {"value": round(statistics.median(times) * 1000, 2), "unit": "ms a block (median)", "aim": "<= 5"}


def measure_memory() -> Figure:
    """Return the change of memory from 100,000 to a million events, in percent of the memory at 100,000."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.bench.index_memory", str(Path(folder) / "index.db"), str(MEMORY_LOGS)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    sizes = [int(line) for line in done.stdout.split()]
    change = max(sizes[1:], key=lambda size: abs(size - sizes[0])) / sizes[0] - 1
    return {"value": round(100 * change, 1), "unit": f"% of {sizes[0] >> 20} MiB to 1 M events", "aim": "<= 10"}
