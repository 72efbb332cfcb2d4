"""Kills of a gateway's processes as a step: each ends at instants by chance under load over HTTP, and nothing may be served twice."""

import sys
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

from tests.assurance.deep.step import Options, Outcome, Table, run_step
from tests.gateway.kills import Harness
from tests.gateway.planted_run import CHARGES_FAILURES, LEAVES_OUT
from tests.gateway.shop import run_shop
from tests.support.postgres import run_postgres

ROUNDS: Final = 4
"""Runs on each database. Each has its own chain, and books of its own."""
OF_ONE_ROUND: Final = 16
"""Kills in each run."""
LEAST: Final = 100
"""Kills that have to be counted, of all runs together."""
OF_ONE_PLANT: Final = 10
"""Within how many kills a planted mistake has to be found."""
PLANTS: Final = {CHARGES_FAILURES: "the service", LEAVES_OUT: "the gateway"}
"""Mistakes that have to be found, and what is killed for each."""


@dataclass
class Tally:
    """What all runs together have come to."""

    kills: dict[str, Counter[str]] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    requests: int = 0
    served: int = 0
    free: int = 0

    def add(self, engine: str, harness: Harness) -> None:
        """Count a run."""
        self.kills.setdefault(engine, Counter()).update(harness.kills)
        self.requests += harness.load.statuses.total()
        self.served += harness.load.served
        self.free += harness.free

    @property
    def total(self) -> int:
        """All kills."""
        return sum(counted.total() for counted in self.kills.values())


def run_gateway_kills(options: Options) -> Outcome:
    """Kill what a gateway consists of, on both databases, and look whether planted mistakes are found."""
    tally = Tally()
    for number in range(ROUNDS):
        for engine in ("SQLite", "PostgreSQL"):
            seed = options.seed + number
            _try(f"{engine}, seed {seed}", lambda: _kill(engine, seed, tally), tally)  # noqa: B023  called at once
    missed = [f"not found: {plant}" for plant, killed in PLANTS.items() if not _finds(plant, killed, options.seed)]
    too_few = [] if tally.total >= LEAST or tally.lost else [f"{tally.total} kills"]
    names = sorted({name for counted in tally.kills.values() for name in counted})
    return Outcome(
        title="The gateway, killed under load over HTTP",
        passed=not (tally.lost or too_few or missed),
        figures={
            "kills": tally.total,
            "requests": tally.requests,
            "answers that came whole": tally.served,
            "of these not charged, because they ran at a kill": tally.free,
            "served twice, charged and not served, or taken too much": len(tally.lost),
            "mistakes": len(PLANTS),
            "mistakes found": len(PLANTS) - len(missed),
        },
        tables=[
            Table(
                "Kills, by what was killed",
                ["what", *sorted(tally.kills)],
                [[name, *(tally.kills[engine][name] for engine in sorted(tally.kills))] for name in names],
            )
        ],
        notes=[*tally.lost, *too_few, *missed],
    )


def _kill(engine: str, seed: int, tally: Tally) -> None:
    postgres = nullcontext() if engine == "SQLite" else run_postgres()
    with TemporaryDirectory() as folder, run_shop() as shop, postgres as server:
        harness = Harness(shop, Path(folder), Random(seed), server)
        try:
            harness.run(OF_ONE_ROUND)
        finally:
            tally.add(engine, harness)


def _try(part: str, run: Callable[[], None], tally: Tally) -> None:
    print(f"{part}: kills", flush=True)
    try:
        run()
    except AssertionError as error:
        tally.lost.append(f"{part}: {error}")
        print(tally.lost[-1], flush=True)


def _finds(plant: str, killed: str, seed: int) -> bool:
    """Return whether kills of a gateway with a mistake find it."""
    with TemporaryDirectory() as folder, run_shop() as shop:
        try:
            Harness(shop, Path(folder), Random(seed), plant=plant).run(OF_ONE_PLANT, [killed])
        except AssertionError:
            print(f"found: {plant}", flush=True)
            return True
    return False


if __name__ == "__main__":
    sys.exit(run_step("gateway_kills", run_gateway_kills))
