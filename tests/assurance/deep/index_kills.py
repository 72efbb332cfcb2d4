"""Kills as a step: followers of the index and PostgreSQL itself are killed at instants by chance, and nothing may be lost."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

from tests.assurance.deep.step import Options, Outcome, Table, run_step
from tests.support.index_kills import Harness, Lost, make_database, make_file
from tests.support.index_worlds import DEEPEST, IndexWorld, run_index_world
from tests.support.postgres import Postgres, run_postgres

LEAST: Final = 200
"""Kills that have to be counted, of both databases together."""
OF_ONE_PLANT: Final = 25
"""Within how many kills a store that leaves out commits has to be found."""
PARTS: Final = ("sqlite", "postgresql", "in turn")
"""Into which database the followers write. In turn: each tenth kill, the index is copied into the other one."""
KILLS_BETWEEN_COPIES: Final = 10


@dataclass
class Tally:
    """What all parts together have come to."""

    rows: list[list[str | int]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    kills: int = 0
    open_kills: int = 0

    def add(self, part: str, harness: Harness) -> None:
        """Count the kills of a part."""
        self.kills, self.open_kills = self.kills + harness.kills, self.open_kills + harness.open_kills
        self.rows.append([part, harness.kills, harness.open_kills, harness.server_kills, harness.copies])


def run_index_kills(options: Options) -> Outcome:
    """Kill followers in three parts, and look whether a store that leaves out commits is found."""
    tally = Tally()
    with _stage() as (chain, server, folder):
        for number, part in enumerate(PARTS):
            print(f"{part}: {LEAST // len(PARTS) + 1} kills", flush=True)
            _run_part(options.seed + number, part, chain, server, folder, tally)
        planted = [_find_plant(options.seed, part, chain, server, folder) for part in PARTS[:2]]
    too_few = [] if tally.open_kills * 2 >= tally.kills >= LEAST else [f"{tally.kills} kills, {tally.open_kills} open"]
    missed = [f"a store that leaves out commits was not found: {part}" for part in planted if part]
    return Outcome(
        title="The index, killed",
        passed=not (tally.failures or too_few or missed),
        figures={
            "kills": tally.kills,
            "of these while a write was open": tally.open_kills,
            "lost commits": len(tally.failures),
            "stores without commits found": len(planted) - len(missed),
        },
        tables=[
            Table(
                "Kills, by database",
                ["database", "kills", "write open", "of the server", "copied into the other database"],
                tally.rows,
            )
        ],
        notes=[*tally.failures, *too_few, *missed],
    )


@contextmanager
def _stage() -> Iterator[tuple[IndexWorld, Postgres, Path]]:
    with run_index_world() as chain, run_postgres() as server, TemporaryDirectory() as folder:
        chain.act(10)
        chain.mine(270)
        chain.act(10)
        chain.mine(DEEPEST)
        yield chain, server, Path(folder)


def _run_part(seed: int, part: str, chain: IndexWorld, server: Postgres, folder: Path, tally: Tally) -> None:
    chain.random = Random(seed)
    harness = _open(part, chain, server, folder / f"{part}-{seed}.db", Random(seed))
    try:
        for kills in range(KILLS_BETWEEN_COPIES, LEAST // len(PARTS) + 1 + KILLS_BETWEEN_COPIES, KILLS_BETWEEN_COPIES):
            harness.run(min(kills, LEAST // len(PARTS) + 1), folder)
            if part == "in turn":
                _turn(harness, chain, server, folder / f"copy-{kills}.db")
    except AssertionError as error:
        tally.failures.append(f"{part}, seed {seed}, kill {harness.kills}: {error}")
    tally.add(part, harness)


def _open(
    part: str, chain: IndexWorld, server: Postgres, path: Path, random: Random, *, defers: bool = False
) -> Harness:
    if part == "postgresql":
        return Harness(chain, make_database(chain, server), random, server=server, defers=defers)
    return Harness(chain, make_file(chain, path), random, defers=defers)


def _turn(harness: Harness, chain: IndexWorld, server: Postgres, path: Path) -> None:
    if harness.server is None:
        harness.copy_to(lambda: make_database(chain, server), server)
    else:
        harness.copy_to(lambda: make_file(chain, path), None)


def _find_plant(seed: int, part: str, chain: IndexWorld, server: Postgres, folder: Path) -> str:
    """Return the name of the database in which a store that leaves out commits was not found, or an empty text."""
    harness = _open(part, chain, server, folder / f"planted-{part}.db", Random(seed), defers=True)
    harness.server = None
    try:
        harness.run(OF_ONE_PLANT, folder)
    except Lost:
        return ""
    return part


if __name__ == "__main__":
    sys.exit(run_step("index_kills", run_index_kills))
