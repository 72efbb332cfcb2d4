"""Kills and power cuts as a step: sellers and their PostgreSQL end at instants by chance, and nothing may be lost or served twice."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

from tests.assurance.deep.step import DEPENDS, Options, Outcome, Table, run_step
from tests.meter.faults.ground import make_ground
from tests.meter.faults.kills import WholeHarness
from tests.meter.faults.power_cuts import PowerRun, try_cuts
from tests.meter.faults.shims import build_shim
from tests.support.index_worlds import IndexWorld, run_index_world
from tests.support.meter_kills import Harness
from tests.support.postgres import Postgres, run_postgres

LEAST: Final = 300
"""Kills that have to be counted, of all parts together."""
OF_STORES: Final = 90
"""Kills of sellers that have only a store, in each database. They write more, and settle nothing."""
OF_METERS: Final = 70
"""Kills of sellers with a whole meter and a settler, in each database."""
OF_ONE_PLANT: Final = 40
"""Within how many kills a planted mistake has to be found."""
POWER_RUNS: Final = 6
CUTS: Final = 50
"""Power cuts in each run."""
REQUESTS: Final = 300
"""Requests that are served in each of these runs."""
FINAL: Final = 20
"""Blocks between the plan and the first reorganization."""
ASYNCHRONOUS: Final = ("synchronous_commit=off", "wal_writer_delay=10s")
"""A server that tells of commits which it has only in its memory, if nobody asks for more."""


@dataclass
class Stage:
    """What all parts stand on: a chain, a server of databases, a compiled file shim, and a folder."""

    chain: IndexWorld
    server: Postgres
    shim: Path
    folder: Path
    seed: int
    _made: int = 0

    def name(self) -> Path:
        """Return a path of its own for each part."""
        self._made += 1
        return self.folder / f"part-{self._made}"

    def make_stores(self, engine: str, *, leaves_out: bool = False) -> Harness:
        """Return a harness for sellers with a store."""
        is_file = engine == "SQLite"
        where = f"{self.name()}.db" if is_file else self.server.new_database()
        return Harness(where, Random(self.seed), None if is_file else self.server, leaves_out)

    def make_meters(self, engine: str, *, plant: str = "none") -> WholeHarness:
        """Return a harness for sellers with a whole meter."""
        name, is_file = self.name(), engine == "SQLite"
        ground = make_ground(self.chain.world, f"{name}-index.db")
        self.chain.mine(FINAL)
        where = f"{name}.db" if is_file else self.server.new_database()
        server = None if is_file else self.server
        share = 0.3 if plant == "none" else 1.0
        return WholeHarness(self.chain, ground, where, Random(self.seed), server, plant, share)

    def run_power(self, seed: int, *, plant: str = "none") -> PowerRun:
        """Return a run of a seller under the file shim."""
        name = self.name()
        run = PowerRun(make_ground(self.chain.world, f"{name}-index.db"), name)
        run.run(self.shim, seed, REQUESTS, plant)
        return run


@dataclass
class Tally:
    """What all parts together have come to."""

    rows: list[list[str | int]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    kills: int = 0
    open_kills: int = 0
    server_kills: int = 0
    cuts: int = 0
    promised: int = 0

    def add_kills(self, part: str, harness: Harness | WholeHarness, server_kills: int) -> None:
        """Count the kills of a part."""
        self.kills, self.open_kills = self.kills + harness.kills, self.open_kills + harness.open_kills
        self.server_kills += server_kills
        steps = harness.manners["at a step"] if isinstance(harness, WholeHarness) else 0
        self.rows.append([part, harness.kills, harness.open_kills, steps, server_kills])


PLANTS: Final[dict[str, Callable[[Stage], bool]]] = {
    "a store on SQLite leaves out commits": lambda stage: _fails(
        lambda: stage.make_stores("SQLite", leaves_out=True).run(OF_ONE_PLANT)
    ),
    "a store on PostgreSQL leaves out commits": lambda stage: _fails(
        lambda: stage.make_stores("PostgreSQL", leaves_out=True).run(OF_ONE_PLANT)
    ),
    "a meter on SQLite leaves out commits": lambda stage: _fails(
        lambda: stage.make_meters("SQLite", plant="leaves out commits").run(OF_ONE_PLANT)
    ),
    "a meter does not wait for the server's disk": lambda stage: _fails(
        lambda: stage.make_meters("PostgreSQL", plant="does not wait for the server's disk").run(OF_ONE_PLANT)
    ),
    "a file is never synced": lambda stage: bool(try_cuts(stage.run_power(1, plant="no sync"), 1, CUTS).lost),
    "a file is synced at checkpoints only": lambda stage: bool(
        try_cuts(stage.run_power(2, plant="sync at checkpoints"), 1, CUTS).lost
    ),
}
"""Mistakes that have to be found, and whether they were."""


def run_meter_kills(options: Options) -> Outcome:
    """Kill sellers in four parts, cut the power, and look whether planted mistakes are found."""
    tally = Tally()
    with _stage(options.seed) as stage:
        for engine in ("SQLite", "PostgreSQL"):
            _kill_stores(stage, engine, tally)
            _kill_meters(stage, engine, tally)
        _cut_power(stage, tally)
        missed = [f"not found: {name}" for name, finds in PLANTS.items() if not _report(name, finds(stage))]
    too_few = [] if tally.open_kills * 2 >= tally.kills >= LEAST else [f"{tally.kills} kills, {tally.open_kills} open"]
    return Outcome(
        title="The meter, killed and without power",
        passed=not (tally.lost or too_few or missed),
        figures={
            "kills": tally.kills,
            "of these while a write was open": tally.open_kills,
            "of these of the server": tally.server_kills,
            "power cuts": tally.cuts,
            "promises looked up after power cuts": tally.promised,
            "holds lost, served twice or taken too much": len(tally.lost),
            "mistakes": len(PLANTS),
            "mistakes found": len(PLANTS) - len(missed),
        },
        tables=[
            Table(
                "Kills, by what was killed",
                ["what", "kills", "write open", "at a step of the loop", "of the server"],
                tally.rows,
            )
        ],
        notes=[*tally.lost, *too_few, *missed],
    )


@contextmanager
def _stage(seed: int) -> Iterator[Stage]:
    with run_index_world() as chain, run_postgres(*ASYNCHRONOUS) as server, TemporaryDirectory() as folder:
        yield Stage(chain, server, build_shim("power", Path(folder)), Path(folder), seed)


def _kill_stores(stage: Stage, engine: str, tally: Tally) -> None:
    harness = stage.make_stores(engine)
    _try(f"stores on {engine}", lambda: harness.run(OF_STORES), tally)
    tally.add_kills(f"a store on {engine}", harness, harness.server_kills)


def _kill_meters(stage: Stage, engine: str, tally: Tally) -> None:
    harness = stage.make_meters(engine)
    _try(f"meters on {engine}", lambda: harness.run(OF_METERS), tally)
    tally.add_kills(f"a meter on {engine}", harness, harness.manners["of the server"])


def _try(part: str, run: Callable[[], None], tally: Tally) -> None:
    print(f"{part}: kills", flush=True)
    try:
        run()
    except AssertionError as error:
        tally.lost.append(f"{part}: {error}")
        print(tally.lost[-1], flush=True)


def _cut_power(stage: Stage, tally: Tally) -> None:
    for number in range(POWER_RUNS):
        found = try_cuts(stage.run_power(stage.seed + number), stage.seed + number, CUTS)
        tally.cuts, tally.promised = tally.cuts + found.cuts, tally.promised + found.promised
        tally.lost += [f"seed {stage.seed + number}: {each}" for each in found.lost]
        print(f"power cuts: {tally.cuts}", flush=True)


def _fails(run: Callable[[], None]) -> bool:
    try:
        run()
    except AssertionError:
        return True
    return False


def _report(name: str, is_found: bool) -> bool:
    print(f"{'found' if is_found else 'NOT FOUND'}: {name}", flush=True)
    return is_found


if __name__ == "__main__":
    # It runs by itself, and is not among the steps yet.
    DEPENDS["meter_kills"] = ("contracts", "nvm_chain", "tests/meter/faults")
    sys.exit(run_step("meter_kills", run_meter_kills))
